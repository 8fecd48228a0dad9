"""Global queries over members that speak real HTTP and evaluate what they are asked."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from aiops.collector.answer_json import number
from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.fanout import Fanout
from aiops.collector.gathered import gather
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.collector.splice import Malformed
from aiops.core.clock import utc_now
from aiops.core.errors import (
    AiopsError,
    ClusterUnreachable,
    InvalidPromql,
    LimitExceeded,
    QueryNotFederable,
)
from aiops.core.http import HttpClient
from aiops.core.identity import FLEET, ClusterSelector, Scope
from aiops.ports.collector import MetricsAnswer, Mode, RangeQuery, ResultType, Series
from aiops.promql.engine import PROMETHEUS_3, Grid, SeriesData, Vector, evaluate, label_set
from aiops.promql.matching_values import satisfied
from aiops.promql.parse import parse
from aiops.promql.syntax import Matcher
from aiops.settings import CollectorSettings
from tests.unit.collector.conftest import Join
from tests.unit.collector.members import Asked, StaticRegistry, answering, failure, success

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000


class Store:
    """Constant series: each has its value every 30 s."""

    def __init__(self, series: Sequence[tuple[dict[str, str], float]]) -> None:
        times = np.arange(NOW_MS - 7_200_000, NOW_MS + 1, 30_000)
        self.series = [
            SeriesData(label_set(labels.items()), times, np.full(len(times), value)) for labels, value in series
        ]

    def select(self, matchers: tuple[Matcher, ...], _from_ms: int, _to_ms: int) -> list[SeriesData]:
        return [
            one
            for one in self.series
            if all(satisfied(matcher, dict(one.labels).get(matcher.name, "")) for matcher in matchers)
        ]


def evaluating(
    *series: tuple[dict[str, str], float], refuse: Callable[[Asked], web.Response | None] = lambda _: None
) -> Any:
    """A member with these series; `refuse` may answer in its stead."""
    store = Store(series)

    async def answer(asked: Asked) -> web.StreamResponse:
        if (refused := refuse(asked)) is not None:
            return refused
        form = asked.form
        instant = asked.path.endswith("/query")
        milliseconds = [
            round(float(form[name]) * 1000) for name in (("time",) if instant else ("start", "end", "step"))
        ]
        grid = Grid.instant(milliseconds[0]) if instant else Grid(*milliseconds)
        found = evaluate(parse(form["query"]), grid, store, PROMETHEUS_3)
        assert isinstance(found, Vector)
        result = []
        for labels, values, present in zip(found.labels, found.values, found.present, strict=True):
            samples = [
                [at / 1000, number(v)] for at, v, p in zip(grid.times(), values.tolist(), present, strict=True) if p
            ]
            result.append({"metric": dict(labels), **({"value": samples[0]} if instant else {"values": samples})})
        return success({"resultType": "vector" if instant else "matrix", "result": result})

    return answer


def up(value: float, **labels: str) -> tuple[dict[str, str], float]:
    return {"__name__": "up", **labels}, value


async def ask(metrics: MetricsService, query: str, **options: Any) -> MetricsAnswer:
    return await metrics.query(
        InstantQuery(**{"scope": FLEET, "query": query, "timeout_s": 5.0, "time": NOW, **options})
    )


async def ask_range(metrics: MetricsService, query: str, **options: Any) -> MetricsAnswer:
    start = datetime.fromtimestamp(NOW.timestamp() - 600, UTC)
    defaults = {"scope": FLEET, "query": query, "timeout_s": 5.0, "start_time": start, "end_time": NOW, "step_s": 60.0}
    return await metrics.query_range(RangeQuery(**{**defaults, **options}))


def data(answer: MetricsAnswer) -> list[tuple[dict[str, str], list[str]]]:
    rows = [row for result in answer.results for row in msgspec.json.decode(result.data, type=list[Series])]
    return [(row.metric, [value for _, value in row.values]) for row in rows]


async def test_clusters_are_added_up(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1, job="a"), up(1, job="b")))
    west = await join("west", evaluating(up(1, job="a"), up(0, job="c")))

    answer = await ask(metrics, "sum by (job) (up)")

    assert answer.result_type is ResultType.VECTOR
    assert sorted(data(answer), key=str) == [({"job": "a"}, ["2"]), ({"job": "b"}, ["1"]), ({"job": "c"}, ["0"])]
    assert (answer.results[0].cluster_id, answer.results[0].cluster_name) == (None, None)
    assert (answer.partial, answer.warnings) == (False, ())
    assert answer.federation.mode is Mode.GLOBAL
    assert answer.federation.plan == "combined: sum by (job) ($1)"
    assert answer.federation.exact
    assert [one.cluster_name for one in answer.federation.clusters] == ["east", "west"]
    assert [member.asked[0].form["query"] for member in (east, west)] == ["sum by (job) (up)"] * 2


async def test_over_a_range_with_subqueries(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1, job="a"), up(3, job="b")))
    await join("west", evaluating(up(8, job="a")))

    answer = await ask_range(metrics, "avg(up) + max_over_time(sum(up)[5m:1m])")

    assert data(answer) == [({}, ["16"] * 11)]
    assert answer.result_type is ResultType.MATRIX
    asked = {(one.form["query"], one.form["start"]) for one in east.asked}
    start_s = NOW_MS / 1000 - 600
    assert asked == {
        ("count(up)", f"{start_s:.3f}"),
        ("sum(up)", f"{start_s:.3f}"),
        ("sum(up)", f"{start_s - 240:.3f}"),
    }


async def test_what_is_asked_twice_is_asked_once(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1)))
    await join("west", evaluating(up(1)))

    answers = await asyncio.gather(*(ask(metrics, "sum(up) / sum(up)") for _ in range(3)))

    assert [data(answer) for answer in answers] == [[({}, ["1"])]] * 3
    assert len(east.asked) == 1


async def test_matchers_on_the_label_choose_who_is_asked(metrics: MetricsService, join: Join) -> None:
    members = [await join(name, evaluating(up(1, cluster="own"))) for name in ("east", "north", "west")]

    answer = await ask(metrics, 'up{cluster=~"east|west", exported_cluster="own"}')

    assert [metric for metric, _ in data(answer)] == [
        {"__name__": "up", "cluster": name, "exported_cluster": "own"} for name in ("east", "west")
    ]
    assert [len(member.asked) for member in members] == [1, 0, 1]
    assert members[0].asked[0].form["query"] == 'up{cluster="own"}'
    assert [result.cluster_name for result in answer.results] == ["east", "west"]

    nobody = await ask(metrics, 'up{cluster="nowhere"}')
    assert (data(nobody), nobody.warnings) == ([], ("no visible cluster matches the query's conditions on 'cluster'",))


async def test_a_scope_is_all_there_is(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1)), env="prod")
    west = await join("west", evaluating(up(1)), env="lab")

    answer = await ask(metrics, 'sum(up{cluster=~"east|west"})', scope=Scope((ClusterSelector(labels={"env": "lab"}),)))

    assert data(answer) == [({}, ["1"])]
    assert (east.asked, len(west.asked)) == ([], 1)


async def test_one_clusters_answer_without_its_label(metrics: MetricsService, join: Join) -> None:
    await join("east", evaluating(up(1, cluster="own")))
    await join("west", evaluating(up(1)))

    answer = await ask(metrics, 'sum by (exported_cluster) (up{cluster="east"})')

    assert data(answer) == [({"exported_cluster": "own"}, ["1"])]
    assert (answer.federation.plan, answer.results[0].cluster_name) == ("single", None)


async def test_a_cluster_that_fails_in_one_part_is_left_out_of_all(metrics: MetricsService, join: Join) -> None:
    def no_sums(asked: Asked) -> web.Response | None:
        return failure(500, "internal", "boom") if asked.form["query"].startswith("sum") else None

    await join("east", evaluating(up(4)))
    await join("west", evaluating(up(100), refuse=no_sums))

    answer = await ask(metrics, "avg(up)")

    assert data(answer) == [({}, ["4"])], "not 4 divided by both clusters' count"
    assert answer.partial
    assert not answer.federation.exact
    assert [one.status for one in answer.federation.clusters] == ["SUCCESS", "ERROR"]
    assert answer.warnings == ("west: it answered HTTP 500 (internal): boom",)
    with pytest.raises(ClusterUnreachable):
        await ask(metrics, "avg(up)", deny_partial=True)


async def test_a_member_that_calls_the_query_wrong_ends_it(metrics: MetricsService, join: Join) -> None:
    await join("east", evaluating(up(1)))
    await join("west", evaluating(up(1), refuse=lambda _: failure(422, "execution", "found duplicate series")))

    with pytest.raises(InvalidPromql, match="duplicate series"):
        await ask(metrics, "sum(up)")


async def test_what_is_wrong_only_here_is_said_as_prometheus_does(metrics: MetricsService, join: Join) -> None:
    await join("east", evaluating(up(1)))
    await join("west", evaluating(up(1)))

    with pytest.raises(InvalidPromql, match="many-to-many matching not allowed") as caught:
        await ask(metrics, "up + on () up")
    assert caught.value.details["error_type"] == "execution"


async def test_absence_is_unknown_while_a_cluster_is_away(metrics: MetricsService, join: Join) -> None:
    await join("east", evaluating(up(1)))
    west = await join("west", evaluating(up(1)))

    assert data(await ask(metrics, 'absent(up{job="x"})')) == [({"job": "x"}, ["1"])]
    assert data(await ask(metrics, "absent(up)")) == []

    west.answer = answering(None)
    answer = await ask(metrics, 'absent(up{job="x"})')
    assert answer.partial
    assert answer.warnings[0] == "absent() is unknown while west do not answer"


async def test_generations_that_differ_are_said(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1)))
    west = await join("west", evaluating(up(1)))
    west.generation = 2

    for query in ("sum(up)", "up"):
        answer = await ask(metrics, query)
        assert not answer.federation.exact
        assert not answer.partial
        assert "Prometheus 2 and 3" in answer.warnings[0]
    assert east.generation == 3


async def test_a_generation_is_asked_once_and_never_guessed(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1)))
    west = await join("west", evaluating(up(1)))
    west.generation = None

    answers = await asyncio.gather(*(ask(metrics, query) for query in ("sum(up)", "up", "max(up)")))
    answers.append(await ask(metrics, "min(up)"))

    assert all(answer.federation.exact for answer in answers)
    assert (east.generation_asked, west.generation_asked) == (1, 1)


async def test_older_members_windows_hold_their_start(
    metrics: MetricsService, registry: StaticRegistry, http: HttpClient, join: Join
) -> None:
    """A window from 12:00 to 12:02 at steps of a minute has three of them before Prometheus 3, and two since."""
    east = await join("east", evaluating(up(1)))
    west = await join("west", evaluating(up(1)))
    query = "count_over_time(sum(up)[2m:1m])"
    assert data(await ask(metrics, query)) == [({}, ["2"])]

    east.generation = west.generation = 2
    fanout = Fanout(max_total=64, max_per_cluster=8, meters=Meters(CollectorRegistry()))
    api = PrometheusApi(http, max_response_bytes=4_000_000)
    older = MetricsService(Members(registry), api, fanout, CollectorSettings(), utc_now)
    assert data(await ask(older, query)) == [({}, ["3"])]


async def test_numbers_that_json_does_not_know(metrics: MetricsService, join: Join) -> None:
    await join("east", evaluating(up(float("nan"), job="a"), up(float("inf"), job="b"), up(1e22, job="c")))
    await join("west", evaluating(up(-1e-7, job="d")))

    answer = await ask(metrics, "max by (job) (up)")

    assert sorted((metric["job"], *values) for metric, values in data(answer)) == [
        ("a", "NaN"),
        ("b", "+Inf"),
        ("c", "1e+22"),
        ("d", "-1e-7"),
    ]


async def test_the_order_of_a_sort_is_the_fleets(metrics: MetricsService, join: Join) -> None:
    await join("east", evaluating(up(1, job="a"), up(3, job="b")))
    await join("west", evaluating(up(2, job="a")))

    answer = await ask(metrics, "sort_desc(up)")

    assert [values for _, values in data(answer)] == [["3"], ["2"], ["1"]]


async def test_constants_need_nobody(metrics: MetricsService) -> None:
    scalar = await ask(metrics, "1 + 2")
    assert (scalar.result_type, data(scalar), scalar.warnings) == (ResultType.SCALAR, [({}, ["3"])], ())
    text = await ask(metrics, '"a"')
    assert (text.result_type, data(text)) == (ResultType.STRING, [({}, ["a"])])
    assert (await ask_range(metrics, "vector(1)")).result_type is ResultType.MATRIX


async def test_native_histograms_pass_unions_and_nothing_else(metrics: MetricsService, join: Join) -> None:
    histogram = {"count": "1", "sum": "2", "buckets": []}
    row = {"metric": {"__name__": "h"}, "histogram": [1.5, histogram]}
    for name in ("east", "west"):
        await join(name, answering({"resultType": "vector", "result": [row]}))

    union = await ask(metrics, "h")
    assert b'"histograms":[[1.5,{"count":"1"' in bytes(union.results[0].data)
    with pytest.raises(QueryNotFederable, match="native histograms"):
        await ask(metrics, "sum(h)")


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        ("up{", InvalidPromql, "parse error"),
        ('up{cluster=~"a("}', InvalidPromql, "regular expression"),
        ("info(up)", QueryNotFederable, "info"),
        ("max_over_time(sum(up)[20d:1s])", LimitExceeded, "points per series"),
        ("quantile(0.5, up)", LimitExceeded, "12 or more series would be gathered, more than 10"),
        (
            "max_over_time(quantile(0.5, up)[10m:30s])",
            LimitExceeded,
            "120 or more samples would be gathered, more than 100",
        ),
    ],
)
async def test_refusals(
    registry: StaticRegistry, http: HttpClient, join: Join, query: str, error: type[AiopsError], words: str
) -> None:
    for name in ("east", "west"):
        await join(name, evaluating(*(up(1, job=str(job)) for job in range(6))))
    settings = CollectorSettings(max_gathered_series=10, max_gathered_samples=100)
    fanout = Fanout(max_total=64, max_per_cluster=8, meters=Meters(CollectorRegistry()))
    api = PrometheusApi(http, max_response_bytes=4_000_000)

    with pytest.raises(error, match=words):
        await ask(MetricsService(Members(registry), api, fanout, settings, utc_now), query)


async def test_a_plan_can_be_seen_without_asking(metrics: MetricsService, join: Join) -> None:
    east = await join("east", evaluating(up(1)))

    explained = await metrics.explain(InstantQuery(FLEET, "up or vector(0)", 5.0))

    assert explained.finish == "$1 or vector(0)"
    assert [(part.query, part.clusters) for part in explained.pushed] == [("up", ("east",))]
    assert east.asked == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (-0.0, "-0"), (0.1 + 0.2, "0.30000000000000004"), (1e16, "10000000000000000"), (1e21, "1e+21"),
     (1.5e-7, "1.5e-7"), (1e-6, "0.000001"), (12345678.9, "12345678.9"), (float("-inf"), "-Inf")],
)  # fmt: skip
def test_numbers_are_written_as_prometheus_writes_them(value: float, text: str) -> None:
    assert number(value) == text


GRID = Grid(1_000, 5_000, 1_000)


def body(kind: str, *rows: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": rows}}).encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "not that of a Prometheus"),
        (b"\xff", "not"),
        (body("vector"), "a vector where a matrix"),
        (body("matrix", {"metric": {}, "values": [[6, "1"]]}), "not asked for"),
        (body("matrix", {"metric": {}, "values": [[1.5, "1"]]}), "not asked for"),
        (body("matrix", {"metric": {}, "values": [[1, "1"], [2]]}), "no pairs"),
        (body("matrix", {"metric": {}, "values": [[1, "x"]]}), "no numbers"),
        (body("matrix", {"metric": {}, "values": 1}), "no pairs"),
        (body("matrix", {"metric": {"a": 1}, "values": []}), "not that of a Prometheus"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        gather(answer, GRID, max_samples=100)


def test_gaps_stay_gaps() -> None:
    rows: tuple[Any, ...] = ({"metric": {"a": "b"}, "values": [[1, "1"], [3.0, "NaN"]]}, {"metric": {}, "values": []})
    found, notes = gather(body("matrix", *rows), GRID, max_samples=100)
    assert found.present.tolist() == [[True, False, True, False, False], [False] * 5]
    assert np.isnan(found.values[0, 2])
    assert notes.complete
