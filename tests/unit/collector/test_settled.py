"""What is kept of answers about a settled past, and what never is."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs
from prometheus_client import CollectorRegistry

from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.fanout import Fanout
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.collector.settled import KEEP_S, Answered, SettledAnswers
from aiops.collector.turns import UserTurns
from aiops.core.http import HttpClient
from aiops.core.identity import FLEET
from aiops.ports.collector import Mode, RangeQuery
from aiops.promql.engine import Grid
from aiops.settings import CollectorSettings
from tests.unit.collector.conftest import Join, viewer
from tests.unit.collector.members import Asked, StaticRegistry, answering, cluster_id, failure, success

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)


class Hub:
    """The service with room for answers, and a monotonic time that a test moves on."""

    def __init__(self, registry: StaticRegistry, http: HttpClient, room: int) -> None:
        self.metrics = CollectorRegistry()
        meters = Meters(self.metrics)
        self.time = 0.0
        self.settled = SettledAnswers(room, lambda: NOW, meters, lambda: self.time)
        self.service = MetricsService(
            Members(registry),
            PrometheusApi(http, max_response_bytes=4_000_000),
            Fanout(max_total=64, max_per_cluster=8, meters=meters),
            CollectorSettings(),
            lambda: NOW,
            self.settled,
        )

    async def ask(self, query: str = "up", *, end: datetime = YESTERDAY, mode: Mode = Mode.GLOBAL) -> Any:
        start = end - timedelta(hours=1)
        asked = RangeQuery(scope=FLEET, query=query, start_time=start, end_time=end, step_s=60, timeout_s=5, mode=mode)
        return await self.service.query_range(asked)


Opened = Callable[..., Hub]


@pytest.fixture
def opened(registry: StaticRegistry, http: HttpClient) -> Opened:
    return lambda room=1_000_000: Hub(registry, http, room)


def matrix(value: str = "1") -> dict[str, Any]:
    samples = [[YESTERDAY.timestamp(), value]]
    return {"resultType": "matrix", "result": [{"metric": {"job": "api"}, "values": samples}]}


async def test_a_settled_past_is_asked_once(opened: Opened, join: Join) -> None:
    north, south = await join("north", answering(matrix())), await join("south", answering(matrix("2")))
    hub = opened()
    first, second = await hub.ask(), await hub.ask()
    assert (len(north.asked), len(south.asked)) == (1, 1)
    assert [bytes(result.data) for result in first.results] == [bytes(result.data) for result in second.results]
    assert b"north" in bytes(second.results[0].data)
    assert hub.metrics.get_sample_value("collector_settled_answers_total", {"result": "hit"}) == 2
    assert (hub.metrics.get_sample_value("collector_settled_answers_bytes") or 0) > 0


async def test_what_is_finished_here_uses_what_a_union_has_kept(opened: Opened, join: Join) -> None:
    member = await join("north", answering(matrix()))
    hub = opened()
    await hub.ask("sum(up)")
    again = await hub.ask("sum(up)")
    assert len(member.asked) == 1
    assert b'"1"' in bytes(again.results[0].data)


async def test_a_cluster_that_is_down_still_has_its_past(opened: Opened, join: Join) -> None:
    member = await join("north", answering(matrix()))
    hub = opened()
    await hub.ask()

    async def refuse(_: Asked) -> web.StreamResponse:
        return failure(503, "unavailable", "no")

    member.answer = refuse
    assert not (await hub.ask()).partial


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=9)])
async def test_the_newest_minutes_are_always_asked(opened: Opened, join: Join, age: timedelta) -> None:
    member = await join("north", answering(matrix()))
    hub = opened()
    member.answer = answering({"resultType": "matrix", "result": []})
    for _ in range(2):
        await hub.ask(end=NOW - age)
    assert len(member.asked) == 2


@pytest.mark.parametrize("query", ["up @ 1767225600", "up offset -2d", "up @ end()", "up offset # later\n -2d"])
@pytest.mark.parametrize("mode", [Mode.GLOBAL, Mode.PER_CLUSTER])
async def test_what_reads_beyond_its_end_is_always_asked(opened: Opened, join: Join, query: str, mode: Mode) -> None:
    member = await join("north", answering(matrix()))
    hub = opened()
    for _ in range(2):
        await hub.ask(query, mode=mode)
    assert len(member.asked) == 2


@pytest.mark.parametrize("more", [{"warnings": ["a store is away"]}, {"isPartial": True}, {"infos": ["PromQL info"]}])
async def test_what_a_member_has_doubts_about_is_not_kept(opened: Opened, join: Join, more: dict[str, Any]) -> None:
    member = await join("north", answering(matrix(), **more))
    hub = opened()
    for _ in range(2):
        await hub.ask()
    assert len(member.asked) == 2


async def test_a_failure_is_not_kept(opened: Opened, join: Join) -> None:
    async def first_refused(_: Asked) -> web.StreamResponse:
        return success(matrix()) if len(member.asked) > 1 else failure(503, "unavailable", "no")

    await join("south", answering(matrix()))
    member = await join("north", first_refused)
    hub = opened()
    assert (await hub.ask()).partial
    assert not (await hub.ask()).partial


async def test_another_credential_sees_nothing_of_what_an_earlier_one_opened(
    opened: Opened, join: Join, registry: StaticRegistry
) -> None:
    member = await join("north", answering(matrix()))
    hub = opened()
    await hub.ask()
    registry.targets_ = [structs.replace(one, credential_version=1) for one in registry.targets_]
    await hub.ask()
    assert len(member.asked) == 2


async def test_an_answer_leaves_after_a_while(opened: Opened, join: Join) -> None:
    member = await join("north", answering(matrix()))
    hub = opened()
    await hub.ask()
    hub.time = KEEP_S - 1
    await hub.ask()
    assert len(member.asked) == 1
    hub.time = KEEP_S + 1
    await hub.ask()
    assert len(member.asked) == 2, "being read must not make it last longer"


async def test_nothing_is_kept_without_room(opened: Opened, join: Join) -> None:
    member = await join("north", answering(matrix()))
    hub = opened(0)
    for _ in range(2):
        await hub.ask()
    assert len(member.asked) == 2


async def test_an_instant_in_the_past_is_kept_too(opened: Opened, join: Join) -> None:
    answer = {"resultType": "vector", "result": [{"metric": {}, "value": [YESTERDAY.timestamp(), "1"]}]}
    member = await join("north", answering(answer))
    hub = opened()
    for _ in range(2):
        await hub.service.query(InstantQuery(scope=FLEET, query="up", timeout_s=5, time=YESTERDAY))
    assert len(member.asked) == 1


def about(query: str, end_ms: int = 0) -> Answered:
    return Answered(cluster_id("north"), 0, None, query, Grid.instant(end_ms))


def test_the_room_is_never_exceeded_and_what_is_used_stays() -> None:
    metrics = CollectorRegistry()
    settled = SettledAnswers(100_000, lambda: NOW, Meters(metrics))
    settled.put(about("first"), b"x" * 20_000)
    for index in range(50):
        settled.put(about(f"{index}"), b"x" * 10_000)
        assert settled.get(about("first")) is not None
        assert (metrics.get_sample_value("collector_settled_answers_bytes") or 0) <= 100_000
    settled.put(about("huge"), b"x" * 30_000)
    assert settled.get(about("huge")) is None
    assert settled.get(about("0")) is None


def test_long_queries_with_short_answers_take_room_too() -> None:
    settled = SettledAnswers(100_000, lambda: NOW, Meters(CollectorRegistry()))
    queries = [f"up{{a='{'x' * 20_000}{index}'}}" for index in range(10)]
    for query in queries:
        settled.put(about(query), b"{}")
    assert sum(settled.get(about(query)) is not None for query in queries) == 4


def test_what_has_run_out_takes_no_room() -> None:
    metrics, time = CollectorRegistry(), [0.0]
    settled = SettledAnswers(100_000, lambda: NOW, Meters(metrics), lambda: time[0])
    settled.put(about("up"), b"x" * 10_000)
    time[0] = KEEP_S
    assert settled.get(about("up")) is None
    assert metrics.get_sample_value("collector_settled_answers_bytes") == 0


def test_what_the_past_is_depends_on_the_clock_alone() -> None:
    settled = SettledAnswers(1, lambda: NOW, Meters(CollectorRegistry()))
    now_ms = int(NOW.timestamp() * 1000)
    assert settled.admits(about("up", now_ms - 600_000))
    assert not settled.admits(about("up", now_ms - 599_000))


@pytest.mark.parametrize("query", ["up offset (-2d)", "up offset step()", "up OFFSET -2d"])
def test_an_offset_that_is_no_plain_duration_is_never_settled(query: str) -> None:
    settled = SettledAnswers(1, lambda: NOW, Meters(CollectorRegistry()))
    assert settled.admits(about("up offset 2d"))
    assert not settled.admits(about(query))


async def test_queries_under_way_and_those_that_wait_are_counted() -> None:
    metrics = CollectorRegistry()
    turns, free = UserTurns(1, Meters(metrics)), asyncio.Event()

    def count(state: str) -> float | None:
        return metrics.get_sample_value("collector_queries", {"state": state})

    async def ask() -> None:
        async with turns.turn(viewer(), 5):
            await free.wait()

    asking = [asyncio.create_task(ask()) for _ in range(3)]
    while count("waiting") != 2:
        await asyncio.sleep(0)
    assert count("running") == 1
    free.set()
    await asyncio.gather(*asking)
    assert (count("running"), count("waiting")) == (0, 0)
