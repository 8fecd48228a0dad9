"""What a real Prometheus refuses, the fleet refuses alike: the same status and the same word, by GET and by form."""

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest

from tests.conftest import PrometheusPair
from tests.unit.collector.conftest import application, viewer
from tests.unit.collector.members import StaticRegistry, target

pytestmark = [pytest.mark.anyio, pytest.mark.real]
Client = httpx.AsyncClient

WINDOW: Final = {"start": "1767225600", "end": "1767229200"}
RANGE: Final = {"query": "up", **WINDOW, "step": "15"}
LISTS: Final = ("series", "labels", "label/job/values")
# Path and parameters; a GET unless the path takes forms too.
ASKED: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("query", {}),
    ("query", {"query": ""}),
    ("query", {"query": "sum("}),
    ("query", {"query": "up{"}),
    ("query", {"query": "nofunction(up)"}),
    ("query", {"query": "rate(up)"}),
    ("query", {"query": "up + on () up{a=~'('}"}),
    ("query", {"query": "{}"}),
    ("query", {"query": "up", "time": "yesterday"}),
    ("query", {"query": "up", "timeout": "soon"}),
    ("query", {"query": "up", "limit": "-1"}),
    ("query", {"query": "up", "limit": "many"}),
    ("query", {"query": "up", "unknown": "1"}),
    ("query", {"query": "prometheus_build_info + on () group_left () {job=~'.+'}"}),
    ("query", {"query": "label_replace(up, '~', '$1', 'job', '(.*)')"}),
    ("query", {"query": "label_replace(up, 'a', '$1', 'job', '(')"}),
    ("query", {"query": "up[5m]"}),
    ("query", {"query": "'text'"}),
    ("query_range", {}),
    ("query_range", {**RANGE, "query": ""}),
    ("query_range", {**RANGE, "query": "up["}),
    ("query_range", {**RANGE, "query": "up[5m]"}),
    ("query_range", {**RANGE, "query": "'text'"}),
    ("query_range", {**RANGE, "start": ""}),
    ("query_range", {**RANGE, "start": "soon"}),
    ("query_range", {**RANGE, "end": "5"}),
    ("query_range", {**RANGE, "end": ""}),
    ("query_range", {**RANGE, "step": ""}),
    ("query_range", {**RANGE, "step": "0"}),
    ("query_range", {**RANGE, "step": "-15"}),
    ("query_range", {**RANGE, "step": "often"}),
    ("query_range", {**RANGE, "step": "0.1"}),
    ("query_range", {**RANGE, "start": "1767225600", "end": "1767236600", "step": "1"}),  # 11,000 steps: the most
    ("query_range", {**RANGE, "start": "1767225600", "end": "1767236601", "step": "1"}),
    ("query_range", {**RANGE, "timeout": "-1s"}),
    ("series", {}),
    ("series", {"match[]": "up{"}),
    ("series", {"match[]": "rate(up[5m])"}),
    ("series", {"match[]": "{}"}),
    ("series", {"match[]": "up", "start": "never"}),
    ("labels", {"match[]": "up{"}),
    ("labels", {"end": "never"}),
    ("labels", {"limit": "x"}),
    ("label/job/values", {"match[]": "{"}),
    ("label/job/values", {"start": "never"}),
    ("label/__name__/values", {}),
    ("query_exemplars", {**WINDOW}),
    ("query_exemplars", {**WINDOW, "query": "sum("}),
    ("metadata", {"limit": "x"}),
    ("metadata", {"limit_per_metric": "x"}),
    ("rules", {"type": "x"}),
    ("rules", {"exclude_alerts": "x"}),
    ("format_query", {}),
    ("format_query", {"query": "sum("}),
    ("parse_query", {"query": "sum("}),
    ("parse_query", {}),
    ("rules", {"exclude_alerts": "TRUE"}),
    ("rules", {"type": "ALERT"}),
    ("targets", {"state": "Active"}),
    ("query", {"query": "up", "time": "2026-13-01T00:00:00Z"}),
    ("query", {"query": "up", "time": "2026-01-01 00:00:00"}),
    ("query", {"query": "up", "time": ""}),
    ("query", {"query": "up", "timeout": "0"}),
    ("query", {"query": "up", "timeout": "1h30m"}),
    ("query", {"query": "up", "limit": "1.5"}),
    ("query", {"query": "up", "limit": "0"}),
    ("query", {"query": "up", "lookback_delta": "soon"}),
    *(("query_range", {**RANGE, "step": step}) for step in ("NaN", "1e300", "0.3", "10ms", "1y", "1h30m", "1.5h")),
    *(("query_range", {**RANGE, "step": step}) for step in ("5m1h", "0x10", "-15s")),
    ("series", {"match[]": ""}),
    ("label/job/values", {"match[]": ""}),
    *((path, {"match[]": bad}) for path in LISTS for bad in ("up[5m]", "1", '{a=~"("}', "up offset 5m")),
    *((path, {"match[]": "up", "limit": "-1"}) for path in LISTS),
    *((path, {"match[]": "up", "start": "20", "end": "10"}) for path in LISTS),
    ("label/not.classic/values", {}),
    ("query_exemplars", {**WINDOW, "query": "up", "start": "20", "end": "10"}),
    ("metadata", {"limit": "-1"}),
    ("metadata", {"limit_per_metric": "-1"}),
    ("rules", {"match[]": "up{"}),
)
# Where the fleet differs on purpose: what Prometheus says, what the fleet says, and why.
OWN: Final[tuple[tuple[str, dict[str, str], tuple[int, str], tuple[int, str]], ...]] = (
    # An answer without a body is no JSON; an empty list says the same.
    ("query_exemplars", {"query": "1"}, (204, ""), (200, "")),
    # Prometheus takes a typing error for a wish to see nothing.
    ("targets", {"state": "some"}, (200, ""), (400, "bad_data")),
    # Each cluster looks back as far as it is configured to.
    ("query", {"query": "up", "lookback_delta": "1m"}, (200, ""), (400, "bad_data")),
)
FORMS: Final = frozenset({"query", "query_range", "query_exemplars", "series", "labels", "format_query", "parse_query"})


@pytest.fixture
async def client(
    registry: StaticRegistry, prometheus_pair: PrometheusPair, fresh_database: str, valkey_url: str
) -> AsyncIterator[Client]:
    registry.add(target("east", prometheus_pair.east.prometheus.url))
    async with application(registry, fresh_database, valkey_url, viewer) as client:
        yield client


def said(response: httpx.Response) -> tuple[int, str]:
    """The status and the word."""
    body: Any = response.json() if response.headers.get("content-type", "").startswith("application/json") else {}
    return response.status_code, body.get("errorType", "") if isinstance(body, dict) else ""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_no_other_method_reaches_anything(client: Client, method: str) -> None:
    """Prometheus answers these with a page of its own; a client of ours gets an error that it can show."""
    for path in ("query", "labels", "rules", "label/job/values"):
        response = await client.request(method, f"/prometheus/api/v1/{path}")
        assert said(response) == (405, "bad_data")
        assert response.headers["allow"]


async def test_a_path_that_nobody_serves_is_told_in_the_same_shape(client: Client) -> None:
    for path in ("/prometheus/api/v1/no/such/path", "/prometheus/api/v1/", "/prometheus", "/prometheus/graph"):
        response = await client.get(path)
        assert said(response) == (404, "not_found"), path
        assert response.json()["error"].startswith(f"GET {path}: there is no such path")


async def test_a_refusal_is_the_one_of_prometheus(client: Client, prometheus_pair: PrometheusPair) -> None:
    different: list[str] = []
    async with Client(base_url=prometheus_pair.east.prometheus.url) as prometheus:
        for path, parameters in ASKED:
            for method in ("GET", "POST") if path in FORMS else ("GET",):
                given: dict[str, Any] = {"params": parameters} if method == "GET" else {"data": parameters}
                real = said(await prometheus.request(method, f"/api/v1/{path}", **given))
                ours = said(await client.request(method, f"/prometheus/api/v1/{path}", **given))
                if real != ours:
                    different.append(f"{method} {path}?{urlencode(parameters)}: Prometheus {real}, the fleet {ours}")
    assert not different, "\n".join(different)


async def test_where_the_fleet_differs_it_is_on_purpose(client: Client, prometheus_pair: PrometheusPair) -> None:
    async with Client(base_url=prometheus_pair.east.prometheus.url) as prometheus:
        for path, parameters, real, ours in OWN:
            assert said(await prometheus.get(f"/api/v1/{path}", params=parameters)) == real, path
            assert said(await client.get(f"/prometheus/api/v1/{path}", params=parameters)) == ours, path


async def test_too_many_points_are_told_in_prometheus_words_and_on_our_path_with_our_code(
    client: Client, prometheus_pair: PrometheusPair
) -> None:
    fields = {**RANGE, "step": "0.1"}
    own = {"query": "up", "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T01:00:00Z", "step": "100ms"}
    async with Client(base_url=prometheus_pair.east.prometheus.url) as prometheus:
        told = (await prometheus.get("/api/v1/query_range", params=fields)).json()["error"]

    found = (await client.get("/prometheus/api/v1/query_range", params=fields)).json()["error"]
    answer = await client.post("/api/v1/metrics/query_range", json=own)

    assert found.startswith(told)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "LIMIT_EXCEEDED")
    assert answer.json()["error"]["details"]["points"] == 36_001
