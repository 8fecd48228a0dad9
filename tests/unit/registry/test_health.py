"""The health loop: who checks what and when, what is made of it, and that nothing makes it stop."""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops.core import migrations
from aiops.core.tasks import Supervisor, Task
from aiops.registry import health
from tests.servers.waiting import eventually
from tests.unit.core.killable import Postgres
from tests.unit.registry import checking
from tests.unit.registry.checking import NOON, Clock, Fleet
from tests.unit.registry.conftest import Hub, MemberFactory
from tests.unit.registry.member import Member

pytestmark = pytest.mark.anyio
READY = "/-/ready"


@pytest.fixture
async def fleet(fresh_database: str) -> AsyncIterator[Fleet]:
    async with checking.fleet(fresh_database) as found:
        yield found


def asked(member: Member) -> Counter[str]:
    """How often each cluster was asked; clusters share a member, each under a path of its own."""
    return Counter(path.removesuffix(READY).strip("/") for path, _ in member.tokens_seen if path.endswith(READY))


async def arrived(member: Member, requests: int) -> None:
    async def enough() -> bool:
        return asked(member).total() >= requests

    await eventually(enough, what=f"{requests} requests")


# --- who checks what ----------------------------------------------------------------------------------------------


async def test_two_replicas_share_the_load_and_ask_nobody_twice(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    site.open.clear()
    names = [f"c-{number:02}" for number in range(30)]
    for name in names:
        await fleet.add(name, f"{site.url}/{name}")
    replicas = [await fleet.replica(max_concurrent=4, clock=Clock()) for _ in range(2)]
    for replica in replicas:
        replica.start()
    await arrived(site, 8)
    claimed = await fleet.rows("SELECT name FROM clusters WHERE claimed_until IS NOT NULL")
    assert len(claimed) == 8
    assert asked(site) == Counter({row.name: 1 for row in claimed})
    site.open.set()
    await fleet.checked(*names)
    assert asked(site) == Counter(names)
    assert all(replica.clock.reads > 0 for replica in replicas)


async def test_what_a_killed_replica_was_asking_is_taken_over_when_its_claim_has_ended(
    fleet: Fleet, member: MemberFactory
) -> None:
    site = member()
    site.open.clear()
    await fleet.add("east-1", site.url)
    first = await fleet.replica(scale=0.01, margin_s=0.5)
    first.start()
    await arrived(site, 1)
    ((until,),) = await fleet.rows("SELECT claimed_until FROM clusters")
    await first.kill()
    site.open.set()
    second = await fleet.replica(scale=0.01, margin_s=0.5)
    second.start()
    await arrived(site, 2)
    ((now,),) = await fleet.rows("SELECT now()")
    assert now > until
    await fleet.checked("east-1")


async def test_a_result_that_comes_after_another_took_over_is_dropped(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    site.open.clear()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    await arrived(site, 1)
    await fleet.change("UPDATE clusters SET claimed_until = claimed_until + interval '1 second'")
    before = await fleet.rows("SELECT status, state, recent, claimed_until FROM clusters")
    (check,) = checks()
    site.open.set()
    await asyncio.wait([check])
    assert await fleet.rows("SELECT status, state, recent, claimed_until FROM clusters") == before


async def test_what_was_edited_meanwhile_is_asked_again_at_once(fleet: Fleet, member: MemberFactory) -> None:
    site, other = member(), member()
    site.open.clear()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    await arrived(site, 1)
    await fleet.change(
        "UPDATE clusters SET version = version + 1, "
        "endpoints = jsonb_set(endpoints, '{prometheus_url}', to_jsonb(CAST(:url AS text)))",
        url=other.url,
    )
    site.answers[READY] = 503
    site.open.set()
    await fleet.checked("east-1")
    assert asked(other) == {"": 1}
    assert await fleet.rows("SELECT recent FROM clusters") == [(["ONLINE"],)]


async def test_a_registration_is_checked_at_once(
    hub: Hub, member: MemberFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "IDLE_S", 3600.0)
    first = await hub.register("first", endpoints={"prometheus_url": member().url})
    second = await hub.register("second", endpoints={"prometheus_url": member().url})

    async def online() -> bool:
        found = (await hub.call("GET", "/clusters", params={"state": "ONLINE"})).json()["items"]
        return {one["id"] for one in found} == {first["id"], second["id"]}

    # The loop has at most the one wait of before its hour in it; the second registration can only be found by waking.
    await eventually(online, what="both clusters to be ONLINE")


async def test_a_cluster_that_cannot_be_checked_keeps_no_other_from_it(fleet: Fleet, member: MemberFactory) -> None:
    await fleet.add("broken", member().url)
    await fleet.add("whole", member().url)
    await fleet.change("UPDATE clusters SET endpoints = '{\"prometheus_url\": 7}' WHERE name = 'broken'")
    replica = await fleet.replica(max_concurrent=1)
    replica.start()
    await fleet.checked("whole")
    assert replica.running


# --- what is made of it -------------------------------------------------------------------------------------------


async def test_one_bad_round_does_not_end_online_and_the_second_does(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    assert (await fleet.round(replica))["state"] == "ONLINE"
    site.answers[READY] = 503
    once = await fleet.round(replica)
    assert (once["state"], once["health_score"], once["prometheus_healthy"]) == ("ONLINE", 80, False)
    ((soon,),) = await fleet.rows("SELECT next_due_at - now() FROM clusters")
    assert soon <= timedelta(seconds=10)
    assert (await fleet.round(replica))["state"] == "OFFLINE"
    del site.answers[READY]
    assert (await fleet.round(replica))["state"] == "ONLINE"
    told = await fleet.rows("SELECT payload FROM outbox WHERE event_type = 'CLUSTER_STATUS_CHANGED' ORDER BY id")
    changes = [(payload["old_state"], payload["new_state"]) for payload in (as_json(row[0]) for row in told)]
    assert changes == [("PROVISIONING", "ONLINE"), ("ONLINE", "OFFLINE"), ("OFFLINE", "ONLINE")]


async def test_a_bad_round_between_good_ones_changes_nothing(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    for status in (200, 503, 200, 503, 200):
        site.answers[READY] = status
        assert (await fleet.round(replica))["state"] == "ONLINE"
    assert len(await fleet.rows("SELECT 1 FROM health_history WHERE kind = 'TRANSITION'")) == 1


async def test_an_answering_api_server_with_a_failing_prometheus_is_degraded(
    fleet: Fleet, member: MemberFactory
) -> None:
    site, api = member(), member(tls=True)
    await fleet.add("east-1", site.url, api_server=api.url)
    await fleet.change("UPDATE clusters SET credential_ca = :ca", ca=api.ca)
    replica = await fleet.replica()
    replica.start()
    site.answers[READY] = 503
    status = await fleet.round(replica)
    assert (status["state"], status["health_score"], status["api_server_healthy"]) == ("DEGRADED", 80, True)
    site.answers[READY] = 200
    api.default = 500
    assert (await fleet.round(replica))["state"] == "OFFLINE"


async def test_a_mixed_record_of_the_last_ten_rounds_is_intermittent(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    seen = []
    for status in (200, 503, *[200] * 10):
        site.answers[READY] = status
        seen.append((await fleet.round(replica))["connectivity"])
    assert seen == ["CONNECTED", *["INTERMITTENT"] * 10, "CONNECTED"]
    ((recent,),) = await fleet.rows("SELECT recent FROM clusters")
    assert recent == ["ONLINE"] * 10


async def test_a_cluster_that_was_not_checked_for_long_starts_anew(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    await fleet.round(replica)
    site.answers[READY] = 503
    assert (await fleet.round(replica, after_s=3600))["state"] == "OFFLINE"


async def test_history_has_a_line_for_each_change_and_one_for_each_five_minutes(
    fleet: Fleet, member: MemberFactory
) -> None:
    site = member()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    # Noon plus half a minute each: nine rounds end before 12:05, the tenth begins the next line.
    for status in (*[200] * 4, *[503] * 4, 200, 200):
        site.answers[READY] = status
        await fleet.round(replica)
    lines = await fleet.rows("SELECT observed_at, state, health_score, checks, kind FROM health_history ORDER BY 1, 5")
    transitions = [(line.observed_at, line.state) for line in lines if line.kind == "TRANSITION"]
    assert transitions == [(at(0.5), "ONLINE"), (at(3.0), "OFFLINE"), (at(4.5), "ONLINE")]
    aggregates = {line.observed_at: line for line in lines if line.kind == "AGGREGATE"}
    assert sorted(aggregates) == [NOON, at(5)]
    first, second = aggregates[NOON], aggregates[at(5)]
    assert (first.state, first.health_score) == ("ONLINE", round((5 * 100 + 4 * 80) / 9))
    assert first.checks == {"prometheus": {"passed": 5, "failed": 4}}
    assert second.checks == {"prometheus": {"passed": 1, "failed": 0}}


# --- nothing makes it stop ----------------------------------------------------------------------------------------


async def test_a_check_that_is_cancelled_is_made_again_and_the_loop_goes_on(
    fleet: Fleet, member: MemberFactory
) -> None:
    site = member()
    site.open.clear()
    await fleet.add("east-1", f"{site.url}/east-1")
    replica = await fleet.replica(scale=0.01, margin_s=0.2)
    replica.start()
    await arrived(site, 1)
    for check in checks():
        check.cancel()
    site.open.set()
    await fleet.add("west-1", f"{site.url}/west-1")
    await fleet.checked("east-1", "west-1")
    assert replica.running


async def test_wherever_a_check_is_cancelled_nothing_is_held_and_the_next_one_is_made(
    fleet: Fleet, member: MemberFactory
) -> None:
    site = member()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    await fleet.round(replica)
    cancelled = 0
    for steps in range(0, 120, 2):
        await fleet.change("UPDATE clusters SET next_due_at = now(), claimed_until = NULL")
        replica.loop.wake()
        check = await begun()
        for _ in range(steps):
            await asyncio.sleep(0)  # one step of the event loop, so that each await is met in turn
        cancelled += check.cancel()
        await asyncio.wait([check])
    assert cancelled > 10
    assert (await fleet.round(replica))["state"] == "ONLINE"

    async def given_back() -> bool:
        return replica.lent == 0

    await eventually(given_back, what="every connection to be given back")
    assert replica.running


async def test_a_loop_that_is_ended_ends_its_checks(fleet: Fleet, member: MemberFactory) -> None:
    site = member()
    site.open.clear()
    await fleet.add("east-1", site.url)
    replica = await fleet.replica()
    replica.start()
    await arrived(site, 1)
    assert len(checks()) == 1
    async with asyncio.timeout(5):  # well below the ten seconds that the check would wait for its answer
        await replica.kill()
    assert checks() == []
    assert replica.lent == 0


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server = Postgres(Path(folder))
        server.start()
        yield server
        server.stop()


async def test_a_restart_of_the_database_stops_checks_for_as_long_as_it_is_away(
    postgres: Postgres, member: MemberFactory
) -> None:
    url = postgres.new_database()
    await asyncio.to_thread(migrations.upgrade, url)
    async with checking.fleet(url) as fleet:
        site = member()
        await fleet.add("east-1", site.url)
        replica = await fleet.replica()
        supervisor = Supervisor([Task("registry.health", replica.loop.run)], first_delay_s=0.05, max_delay_s=0.2)
        async with supervisor:
            await fleet.round(replica)
            for _ in range(3):
                site.open.clear()
                before = asked(site).total()
                await fleet.change("UPDATE clusters SET next_due_at = now(), claimed_until = NULL")
                replica.loop.wake()
                await arrived(site, before + 1)
                postgres.kill()
                site.open.set()
                await eventually(no_check, what="the check to fail")
                await asyncio.to_thread(postgres.start)
                assert (await fleet.round(replica))["state"] == "ONLINE"
            assert not supervisor.failed.is_set()

        async def given_back() -> bool:
            return replica.lent == 0

        await eventually(given_back, what="every connection to be given back")


def checks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("check ")]


async def begun() -> asyncio.Task[Any]:
    """The next check, in the step of the event loop in which it begins."""
    async with asyncio.timeout(20):
        while not (found := checks()):
            await asyncio.sleep(0)
    return found[0]


async def no_check() -> bool:
    return checks() == []


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def as_json(payload: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload) if isinstance(payload, (str, bytes)) else payload
    return found
