"""Native histograms of real Prometheus servers: the fleet's answer is that of one Prometheus, or says why it is none.

They pass through wherever a cluster answers whole. Nobody here adds them up, so where clusters mix they are refused.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import httpx
import pytest

from tests.oracle.data import START_MS
from tests.servers.generations import Generation, Past
from tests.servers.remote_write import AnySeries, NativeHistogram
from tests.unit.collector.members import StaticRegistry, target

pytestmark = [pytest.mark.anyio, pytest.mark.real]

STEP_MS: Final = 15_000
COUNT: Final = 60
AT: Final = (START_MS + 40 * STEP_MS) / 1000
INSTANT: Final = {"time": f"{AT:.0f}"}
RANGE: Final = {"start": f"{AT:.0f}", "end": f"{AT + 120:.0f}", "step": "30"}
Rows = list[tuple[list[tuple[str, str]], Any, Any]]


def histograms(factor: int, **labels: str) -> AnySeries:
    samples = [
        (START_MS + n * STEP_MS, NativeHistogram((n * factor, 2 * n, 3), float(n * factor))) for n in range(1, COUNT)
    ]
    return labels, samples


def floats(factor: int, **labels: str) -> AnySeries:
    return labels, [(START_MS + n * STEP_MS, float(n * factor)) for n in range(1, COUNT)]


# `unlike` is of floats in one cluster and of histograms in the other; in `torn` both kinds meet in one group of west.
PARTS: Final[dict[str, list[AnySeries]]] = {
    "east": [
        histograms(1, __name__="h", job="a"),
        histograms(2, __name__="h", job="b"),
        floats(1, __name__="unlike", job="a"),
        floats(1, __name__="torn", job="a", n="0"),
        floats(3, __name__="f", job="a"),
    ],
    "west": [
        histograms(3, __name__="h", job="a"),
        histograms(1, __name__="unlike", job="a"),
        floats(2, __name__="torn", job="a", n="1"),
        histograms(1, __name__="torn", job="a", n="2"),
        floats(4, __name__="f", job="a"),
    ],
}
# Answered as one Prometheus answers: each cluster alone, or by what is made of histograms before clusters mix.
EXACT: Final = (
    "h",
    "h{job='a'}",
    "{__name__=~'h|f|torn'}",
    "rate(h[1m])",
    "sum by (cluster) (rate(h[2m]))",
    "avg by (cluster, job) (h)",
    "h * 2",
    "h + on (cluster, job) h",
    "h{cluster='west'}",
    "sum(h{cluster='east'})",
    "histogram_quantile(0.9, rate(h[2m]))",
    "histogram_quantile(0.9, sum by (cluster) (rate(h[2m])))",
    "histogram_count(h)",
    "sum(histogram_count(h))",
    "sum by (job) (histogram_sum(rate(h[2m])))",
    "max(histogram_quantile(0.5, h))",
    "count(h)",
    "count by (job) ({__name__=~'h|f|torn'})",
    "group by (job) (h)",
    "count_values('value', h)",
    "max(unlike)",
    "min by (job) (torn)",
    "topk(1, torn)",
    "absent(h) or sum(f)",
    "sum(count_over_time(h[2m]))",
    "unlike",
    "torn",
    "sum by (job) (f)",
)
# Nobody here can add histograms up.
REFUSED: Final = (
    "sum(h)",
    "avg(h)",
    "sum by (job) (rate(h[2m]))",
    "histogram_quantile(0.9, sum by (job) (rate(h[2m])))",
    "histogram_count(sum(h))",
    "sum(unlike)",
    "avg by (job) (unlike)",
    "max_over_time(sum(h)[2m:30s])",
    "label_replace(h, 'to', '$1', 'cluster', '(.*)')",
    "limitk(1, h)",
    "sum(h) or vector(0)",
    "quantile_over_time(scalar(max(f)) / 1000, h[1m])",
    # One member leaves a group of both kinds out, and the other has floats for it.
    "sum(torn)",
    "avg by (job) (torn)",
    "stddev(torn)",
)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Past]]:
    folder = tmp_path_factory.mktemp("native")
    with (
        Past(folder / "east", Generation.THREE) as east,
        Past(folder / "west", Generation.THREE) as west,
        Past(folder / "union", Generation.THREE) as union,
    ):
        for server, name in ((east, "east"), (west, "west")):
            server.load(PARTS[name])
        union.load(({**labels, "cluster": name}, samples) for name, part in PARTS.items() for labels, samples in part)
        yield {"east": east, "west": west, "union": union}


@pytest.fixture
def fleet(registry: StaticRegistry, members: dict[str, Past]) -> None:
    registry.add(*(target(name, f"http://127.0.0.1:{members[name].port}") for name in PARTS))


def rows(answer: dict[str, Any]) -> Rows:
    """The series in an order, their floats, and their histograms."""
    return sorted(
        (
            sorted(row["metric"].items()),
            row.get("value", row.get("values")),
            row.get("histogram", row.get("histograms")),
        )
        for row in answer["data"]["result"]
    )


async def both(client: httpx.AsyncClient, members: dict[str, Past], query: str, grid: dict[str, str]) -> Any:
    path = "query" if grid is INSTANT else "query_range"
    fields = {"query": query, **grid}
    real = members["union"].ask(path, fields)
    ours = (await client.get(f"/prometheus/api/v1/{path}", params={**fields, "stats": "all"})).json()
    return real, ours


def words(notes: list[str]) -> set[str]:
    """Notes without the cluster in front and the place behind."""
    return {note.removeprefix("east: ").removeprefix("west: ").partition(" (")[0] for note in notes}


async def test_what_each_cluster_answers_is_what_one_prometheus_answers(
    client: httpx.AsyncClient, members: dict[str, Past], fleet: None
) -> None:
    del fleet
    for query, grid in product(EXACT, (INSTANT, RANGE)):
        real, ours = await both(client, members, query, grid)

        assert rows(ours) == rows(real), query
        assert rows(ours), query
        assert ours["federation"]["exact"], query
        assert words(ours.get("infos", [])) == words(real.get("infos", [])), query


async def test_what_would_add_histograms_up_across_clusters_is_refused_by_name(
    client: httpx.AsyncClient, members: dict[str, Past], fleet: None
) -> None:
    del fleet
    for query, grid in product(REFUSED, (INSTANT, RANGE)):
        _, ours = await both(client, members, query, grid)

        assert ours.get("errorType") == "execution", query
        assert "histogram" in ours["error"], query
        assert "cluster" in ours["error"], query


async def test_a_histogram_of_one_cluster_or_of_each_is_as_its_own_prometheus_says(
    client: httpx.AsyncClient, members: dict[str, Past], fleet: None
) -> None:
    del fleet
    for name in PARTS:
        fields = {"query": "histogram_quantile(0.9, sum(rate(h[2m])))", **RANGE}
        own = members[name].ask("query_range", fields)
        one = await client.get("/prometheus/api/v1/query_range", params={**fields, "clusters": name})
        each = await client.get("/prometheus/api/v1/query_range", params={**fields, "mode": "per_cluster"})

        values = own["data"]["result"][0]["values"]
        assert [row["values"] for row in one.json()["data"]["result"]] == [values]
        found = {row["metric"]["cluster"]: row["values"] for row in each.json()["data"]["result"]}
        assert found[name] == values
