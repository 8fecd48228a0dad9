"""What a socket hears: everything that it asked for and may hear, once, and never a gap that is not told."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from aiops.core.bus import Bus
from aiops.core.redis import RedisConnection
from aiops.streaming.session import CLOSE_GOING_AWAY, CLOSE_POLICY, MAX_MISTAKES
from tests.unit.streaming.conftest import EAST, PATIENCE_S, WEST, Stage, caller, event, replica

pytestmark = pytest.mark.anyio

FIRED, RESOLVED = "ALERT_FIRED", "ALERT_RESOLVED"
LAST = 99


def since(answer: dict[str, Any], offset: str | None = None) -> dict[str, str]:
    """Where a client stopped that was told `answer` and then heard up to `offset`."""
    return {"epoch": answer["epoch"], "offset": offset or answer["offset"]}


async def test_a_subscriber_hears_what_comes_and_nothing_from_before(stage: Stage) -> None:
    await stage.append(event(1))
    async with stage.connected() as socket:
        answer = await socket.subscribe()
        assert (answer["type"], answer["recovered"]) == ("subscribed", None)
        (offset,) = await stage.append(event(2))
        heard = await socket.hear()
    assert (heard["type"], UUID(heard["event_id"]).int, heard["offset"]) == ("event", 2, offset)
    assert heard["epoch"] == answer["epoch"]
    assert heard["cluster_id"] == str(EAST)


async def test_nothing_comes_before_the_subscription_and_after_its_end(stage: Stage) -> None:
    async with stage.connected() as socket:
        await stage.append(event(1))
        await socket.subscribe()
        await stage.append(event(2))
        assert await socket.numbers(until=2) == [2]
        socket.say({"type": "unsubscribe"})
        socket.say({"type": "ping"})
        assert (await socket.hear())["type"] == "pong"
        await stage.append(event(3))
        await socket.subscribe()
        await stage.append(event(LAST))
        assert await socket.numbers(until=LAST) == [LAST]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3, 4, LAST]),
        ({"event_types": [FIRED]}, [1, 3, LAST]),
        ({"event_types": [FIRED, RESOLVED]}, [1, 2, 3, LAST]),
        ({"cluster_filter": [str(WEST)]}, [3, LAST]),
        ({"event_types": [FIRED], "cluster_filter": [str(EAST), str(WEST)]}, [1, 3, LAST]),
        ({"namespace_filter": ["shop"]}, [1, 4, LAST]),
    ],
    ids=str,
)
async def test_filters_choose(stage: Stage, wanted: dict[str, Any], numbers: list[int]) -> None:
    async with stage.connected() as socket:
        await socket.subscribe(**wanted)
        await stage.append(
            event(1, event_type=FIRED, alert={"labels": {"namespace": "shop"}}),
            event(2, event_type=RESOLVED),
            event(3, event_type=FIRED, cluster=WEST, namespace="other"),
            event(4, cluster=None, namespace="shop"),
            event(LAST, event_type=FIRED, cluster=WEST, namespace="shop"),
        )
        assert await socket.numbers(until=LAST) == numbers


async def test_unsubscribing_from_one_type_leaves_the_others(stage: Stage) -> None:
    async with stage.connected() as socket:
        await socket.subscribe()
        socket.say({"type": "unsubscribe", "event_types": [FIRED]})
        socket.say({"type": "ping"})
        assert (await socket.hear())["type"] == "pong"
        await stage.append(event(1, event_type=FIRED), event(2, event_type=RESOLVED), event(LAST))
        assert await socket.numbers(until=LAST) == [2, LAST]


class TestScope:
    async def test_events_of_other_clusters_and_of_none_are_not_heard(self, stage: Stage) -> None:
        async with stage.connected(caller(ids=frozenset({EAST}))) as socket:
            await socket.subscribe()
            await stage.append(event(1), event(2, cluster=WEST), event(3, cluster=None), event(LAST))
            assert await socket.numbers(until=LAST) == [1, LAST]

    async def test_a_filter_cannot_name_a_cluster_outside_it(self, stage: Stage) -> None:
        async with stage.connected(caller(ids=frozenset({EAST}))) as socket:
            answer = await socket.subscribe(cluster_filter=[str(WEST)])
            assert (answer["type"], answer["code"]) == ("error", "CLUSTER_NOT_FOUND")

    async def test_labels_are_looked_up_anew_when_a_cluster_changes(self, stage: Stage) -> None:
        async with stage.connected(caller(labels={"site": "east"})) as socket:
            await socket.subscribe()
            await stage.append(event(1, cluster=WEST), event(2))
            assert await socket.numbers(until=2) == [2]
            stage.registry.of = {EAST: {"site": "gone"}, WEST: {"site": "east"}}
            await stage.append(
                event(3, event_type="CLUSTER_UPDATED", cluster=WEST), event(4), event(LAST, cluster=WEST)
            )
            assert await socket.numbers(until=LAST) == [3, LAST]

    async def test_whoever_saw_a_cluster_hears_that_it_is_gone(self, stage: Stage) -> None:
        async with stage.connected(caller(labels={"site": "east"})) as socket:
            await socket.subscribe()
            await stage.append(event(1))
            assert await socket.numbers(until=1) == [1]
            del stage.registry.of[EAST]
            await stage.append(event(LAST, event_type="CLUSTER_DELETED"))
            assert await socket.numbers(until=LAST) == [LAST]

    async def test_what_cannot_be_judged_waits_for_the_registry(self, stage: Stage) -> None:
        async with stage.connected(caller(labels={"site": "east"})) as socket:
            await socket.subscribe()
            stage.registry.away = True
            await stage.append(event(1, event_type="CLUSTER_UPDATED"), event(2))
            stage.registry.away = False
            assert await socket.numbers(until=2) == [1, 2]

    async def test_equal_scopes_share_one_question(self, stage: Stage) -> None:
        identity = caller(labels={"site": "east"})
        async with stage.connected(identity) as one, stage.connected(identity) as other:
            await one.subscribe()
            await other.subscribe()
            await stage.append(event(LAST))
            await one.numbers(until=LAST)
            await other.numbers(until=LAST)
        assert stage.registry.asked == 1


class TestRecovery:
    async def test_everything_missed_comes_once_and_in_order(self, stage: Stage) -> None:
        async with stage.connected() as socket:
            answer = await socket.subscribe()
        offsets = await stage.append(*(event(number) for number in range(1, 8)))
        async with stage.connected() as socket:
            again = await socket.subscribe(since(answer, offsets[1]))
            assert again["recovered"] is True
            await stage.append(event(LAST))
            assert await socket.numbers(until=LAST) == [3, 4, 5, 6, 7, LAST]

    async def test_what_the_ring_has_forgotten_comes_from_the_stream(self, bus: Bus) -> None:
        async with replica(bus, max_events=3) as stage:
            async with stage.connected() as socket:
                answer = await socket.subscribe()
            await stage.append(*(event(number) for number in range(1, 21)))
            async with stage.connected() as socket:
                assert (await socket.subscribe(since(answer)))["recovered"] is True
                assert await socket.numbers(until=20) == list(range(1, 21))

    async def test_a_new_epoch_is_told_and_the_refilled_stream_follows(self, stage: Stage) -> None:
        await stage.append(event(1), event(2))
        async with stage.connected() as socket:
            answer = await socket.subscribe({"epoch": "another", "offset": "5-0"})
            assert answer["recovered"] is False
            assert await socket.numbers(until=2) == [1, 2]

    async def test_a_stream_that_was_lost_is_told_to_open_sockets(self, stage: Stage, redis: RedisConnection) -> None:
        async with stage.connected() as socket:
            before = await socket.subscribe()
            await stage.append(event(1))
            assert await socket.numbers(until=1) == [1]
            with redis.use() as client:
                await client.flushall()
            await stage.bus.append([event(LAST)])
            answer = await socket.hear()
            assert (answer["type"], answer["recovered"]) == ("subscribed", False)
            assert answer["epoch"] != before["epoch"]
            assert await socket.numbers(until=LAST) == [LAST]

    async def test_an_offset_that_nobody_has_written_yet_is_not_believed(self, stage: Stage) -> None:
        async with stage.connected() as socket:
            answer = await socket.subscribe()
            future = since(answer, "99999999999999-0")
            assert (await socket.subscribe(future))["recovered"] is False

    async def test_one_whose_labels_may_have_hidden_a_deleted_cluster_is_not_called_whole(self, stage: Stage) -> None:
        async with stage.connected(caller(labels={"site": "east"})) as socket:
            answer = await socket.subscribe()
        del stage.registry.of[WEST]
        await stage.append(event(1, event_type="CLUSTER_DELETED", cluster=WEST))
        async with stage.connected(caller(labels={"site": "east"})) as socket:
            assert (await socket.subscribe(since(answer)))["recovered"] is False

    @pytest.mark.parametrize(
        "offset",
        ["", "x", "5", "1-x", "-1-0", " 5-0", "5_0-0", "\u0661-0", f"{2**64}-0", f"5-{2**64}", "5-0-0", "$", "(5-0"],
    )
    async def test_an_offset_that_is_none_is_refused_and_the_socket_lives(self, stage: Stage, offset: str) -> None:
        async with stage.connected() as socket:
            answer = await socket.subscribe()
            refused = await socket.subscribe({"epoch": answer["epoch"], "offset": offset})
            assert (refused["type"], refused["code"]) == ("error", "INVALID_REQUEST"), refused
            await stage.append(event(LAST))
            assert await socket.numbers(until=LAST) == [LAST]


async def test_a_slow_socket_is_told_how_much_it_lost_and_holds_up_nobody(bus: Bus) -> None:
    async with replica(bus, max_events=5) as stage, stage.connected() as slow, stage.connected() as quick:
        await slow.subscribe()
        await quick.subscribe()
        slow.takes.clear()
        await stage.append(event(1))
        for number in range(2, 31):
            await stage.append(event(number))
        assert await quick.numbers(until=30) == list(range(1, 31))
        slow.takes.set()
        heard = [await slow.hear()]
        while heard[-1].get("event_id") != str(UUID(int=30)):
            heard.append(await slow.hear())
        got = [UUID(message["event_id"]).int for message in heard if message["type"] == "event"]
        lost = sum(message["count"] for message in heard if message["type"] == "dropped")
        assert lost > 0
        assert len(got) + lost == 30
        assert got == sorted(set(got))
        assert stage.metrics.get_sample_value("ws_events_dropped_total") == lost


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"type":"dance"}', b"\xff\xfe", '{"type":"subscribe","since":5}'])
async def test_garbage_is_answered_and_too_much_of_it_ends_the_socket(stage: Stage, garbage: str | bytes) -> None:
    async with stage.connected() as socket:
        for _ in range(MAX_MISTAKES):
            socket.say(garbage)
            answer = await socket.hear()
            assert (answer["type"], answer["code"]) == ("error", "INVALID_REQUEST")
        async with asyncio.timeout(PATIENCE_S):
            assert await socket.closed == CLOSE_POLICY


async def test_draining_says_when_to_come_back_and_waits_for_all(stage: Stage) -> None:
    async with stage.connected() as one, stage.connected() as other:
        await one.subscribe()
        async with asyncio.timeout(PATIENCE_S):
            await stage.hub.drain()
        for socket in (one, other):
            goodbye = await socket.hear()
            assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "shutting_down")
            assert 0 <= goodbye["reconnect_after_ms"] <= 5000
            assert await socket.closed == CLOSE_GOING_AWAY
    assert stage.metrics.get_sample_value("ws_connections_active") == 0


async def test_a_replica_that_starts_knows_the_past_of_the_stream(bus: Bus) -> None:
    async with replica(bus) as stage, stage.connected() as socket:
        answer = await socket.subscribe()
        await stage.append(event(1), event(2))
    async with replica(bus) as stage, stage.connected() as socket:
        assert (await socket.subscribe(since(answer)))["recovered"] is True
        assert await socket.numbers(until=2) == [1, 2]


async def test_a_client_that_hangs_up_is_forgotten(stage: Stage) -> None:
    async with stage.connected() as socket:
        await socket.subscribe()
        assert stage.metrics.get_sample_value("ws_subscription_count") == 1
        socket.say(None)
        async with asyncio.timeout(PATIENCE_S):
            assert await socket.closed is None
    assert stage.hub.sessions == set()
    assert stage.metrics.get_sample_value("ws_subscription_count") == 0
