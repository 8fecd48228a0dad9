"""Real Prometheus servers and a real Alertmanager: the federated answer equals asking each of them directly."""

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from aiops.collector.alerts.model import fingerprint_of
from aiops.collector.alerts.webhook import Status, decode
from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.catalogue import CatalogueQuery, CatalogueService
from aiops.collector.generations import Generations
from aiops.collector.members import Members
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.collector.splice import with_label
from aiops.core.clock import utc_now
from aiops.core.errors import InvalidPromql
from aiops.core.http import HttpClient
from aiops.core.identity import FLEET
from aiops.ports.collector import ClusterStatus, MetricsAnswer, Mode, RangeQuery
from tests.conftest import PrometheusPair
from tests.servers.alertmanager import Alertmanager
from tests.servers.processes import require
from tests.servers.prometheus import Prometheus
from tests.servers.recorder import Recorder
from tests.servers.waiting import eventually
from tests.unit.collector.members import StaticRegistry, target

pytestmark = [pytest.mark.anyio, pytest.mark.real]

QUERIES = [
    "up",
    "{job=~'.+'}",
    "rate(prometheus_http_requests_total[30s])",
    "sum by (job) (up)",
    "time()",
    "count(up) > 100",
    'label_replace(up, "cluster", "own", "job", "(.*)")',
    'label_replace(up, "note", "{\\"metric\\":{ é", "job", "(.*)")',
    "histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[30s]))",
    "-up * NaN",
]


@pytest.fixture
def fleet(registry: StaticRegistry, prometheus_pair: PrometheusPair) -> dict[str, Prometheus]:
    sites = {"east": prometheus_pair.east.prometheus, "west": prometheus_pair.west.prometheus}
    registry.add(*(target(name, site.url) for name, site in sites.items()))
    return sites


def direct(site: Prometheus, path: str) -> dict[str, Any]:
    found: dict[str, Any] = site.get(path)["data"]
    return found


def encoded(**parameters: object) -> str:
    return urlencode(parameters)


def rows(answer: MetricsAnswer) -> dict[str | None, Any]:
    return {result.cluster_name: ordered(json.loads(bytes(result.data))) for result in answer.results}


def ordered(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prometheus promises no order for a vector."""
    return sorted(found, key=lambda row: sorted(row["metric"].items()))


def expected(data: dict[str, Any], cluster: str) -> list[dict[str, Any]]:
    result = data["result"]
    if data["resultType"] == "scalar":
        return [{"metric": {"cluster": cluster}, "values": [result]}]
    labelled = [
        {
            "metric": with_label(row["metric"], "cluster", cluster),
            "values": row["values"] if "values" in row else [row["value"]],
        }
        for row in result
    ]
    return ordered(labelled)


@pytest.mark.parametrize("query", QUERIES)
async def test_a_range_equals_asking_each_directly(
    metrics: MetricsService, fleet: dict[str, Prometheus], query: str
) -> None:
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    start = end - timedelta(minutes=2)

    answer = await metrics.query_range(
        RangeQuery(
            scope=FLEET,
            query=query,
            start_time=start,
            end_time=end,
            step_s=5.0,
            timeout_s=10.0,
            mode=Mode.PER_CLUSTER,
        )
    )

    asked = encoded(query=query, start=start.timestamp(), end=end.timestamp(), step=5)
    assert answer.federation.exact
    assert rows(answer) == {
        name: expected(direct(site, f"/api/v1/query_range?{asked}"), name) for name, site in fleet.items()
    }


@pytest.mark.parametrize("binary", ["prometheus", "/usr/bin/prometheus"])
async def test_a_server_tells_its_generation_by_what_it_does(http: HttpClient, tmp_path: Path, binary: str) -> None:
    server = type("Chosen", (Prometheus,), {"binary": binary})(tmp_path / "prometheus")
    told = subprocess.run([require(binary), "--version"], capture_output=True, text=True, check=True)  # noqa: ASYNC221 - done at once
    registry = StaticRegistry()
    generations = Generations(Members(registry), PrometheusApi(http, max_response_bytes=100_000), utc_now)
    with server:
        found = await generations.of([target("east", server.url)], 10.0)
    assert len(found) == 1
    # Builds from source name no version.
    if named := re.search(r"version (\d+)\.", told.stdout + told.stderr):
        assert found == {int(named[1])}


PARTS: dict[str, tuple[str, Callable[[list[float]], float]]] = {
    # What is asked of the fleet, what of each site, and how the sites' numbers make the fleet's.
    "sum by (job) (up)": ("sum by (job) (up)", sum),
    "count(up)": ("count(up)", sum),
    "avg(up) * count(up)": ("sum(up)", sum),
    "max by (job) (prometheus_tsdb_head_series)": ("max by (job) (prometheus_tsdb_head_series)", max),
    "max_over_time(sum(up)[30s:5s])": ("max_over_time(sum(up)[30s:5s])", sum),
    "min(time() - up)": ("min(time() - up)", min),
}


@pytest.mark.parametrize("query", PARTS)
async def test_over_all_sites_numbers_are_put_together(
    metrics: MetricsService, fleet: dict[str, Prometheus], query: str
) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    part, together = PARTS[query]
    asked = encoded(query=part, time=at.timestamp())

    answer = await metrics.query(InstantQuery(FLEET, query, 10.0, time=at))

    wanted: dict[str, list[float]] = {}
    for site in fleet.values():
        for row in direct(site, f"/api/v1/query?{asked}")["result"]:
            wanted.setdefault(json.dumps(row["metric"]), []).append(float(row["value"][1]))
    found = {json.dumps(row["metric"]): float(row["values"][0][1]) for row in rows(answer)[None]}
    assert answer.federation.exact
    assert found == {metric: together(values) for metric, values in wanted.items()}


@pytest.mark.parametrize("query", QUERIES)
async def test_an_instant_equals_asking_each_directly(
    metrics: MetricsService, fleet: dict[str, Prometheus], query: str
) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)

    answer = await metrics.query(InstantQuery(FLEET, query, 10.0, time=at, mode=Mode.PER_CLUSTER))

    asked = encoded(query=query, time=at.timestamp())
    assert rows(answer) == {
        name: expected(direct(site, f"/api/v1/query?{asked}"), name) for name, site in fleet.items()
    }


async def test_a_wrong_query_carries_the_members_text(metrics: MetricsService, fleet: dict[str, Prometheus]) -> None:
    with pytest.raises(InvalidPromql, match="parse error"):
        await metrics.query(InstantQuery(FLEET, "up{", 10.0))


async def test_the_catalogue_is_that_of_both(catalogue: CatalogueService, fleet: dict[str, Prometheus]) -> None:
    labels = await catalogue.labels(CatalogueQuery(FLEET))
    jobs = await catalogue.label_values("job", CatalogueQuery(FLEET))
    clusters = await catalogue.label_values("cluster", CatalogueQuery(FLEET))
    series = await catalogue.series(CatalogueQuery(FLEET, match=("up",)))
    metadata = await catalogue.metadata("go_goroutines", CatalogueQuery(FLEET))

    assert {"__name__", "cluster", "instance", "job"} <= set(labels.items)
    assert set(jobs.items) == {"node", "prometheus"}
    assert clusters.items == ["east", "west"]
    assert sorted((row["cluster"], row["job"]) for row in series.items) == [
        (cluster, job) for cluster in ("east", "west") for job in ("node", "prometheus")
    ]
    assert {name for item in metadata.items for name in item.clusters} == {"east", "west"}


async def test_a_killed_prometheus_is_named_and_comes_back_by_itself(
    metrics: MetricsService,
    registry: StaticRegistry,
    prometheus: Callable[..., Prometheus],
    fleet: dict[str, Prometheus],
) -> None:
    victim = prometheus("victim")
    registry.add(target("victim", victim.url))

    async def status() -> ClusterStatus:
        answer = await metrics.query(InstantQuery(FLEET, "up", 5.0))
        return next(one.status for one in answer.federation.clusters if one.cluster_name == "victim")

    assert await status() is ClusterStatus.SUCCESS
    victim.kill()
    assert await status() is ClusterStatus.ERROR
    victim.start()

    async def back() -> bool:
        return await status() is ClusterStatus.SUCCESS

    await eventually(back, what="the restarted Prometheus answers again")


async def test_a_real_alertmanagers_notification_is_read_and_its_fingerprint_is_ours(
    webhook: Recorder, alertmanager: Callable[[str, str], Alertmanager]
) -> None:
    server = alertmanager(webhook.url, "token")
    labels = {"alertname": "Disk", "severity": "none", "path": "/var/ü", "zone": "a"}
    server.post({"labels": labels, "annotations": {"summary": "full"}, "startsAt": "2026-01-01T00:00:00Z"})

    async def told() -> bool:
        return bool(webhook.requests)

    await eventually(told, what="Alertmanager tells its webhook")

    request = webhook.requests[0]
    (alert,) = decode(request.body).alerts
    assert request.headers["authorization"] == "Bearer token"
    assert (alert.status, alert.ends_at, alert.labels) == (Status.FIRING, None, labels)
    assert alert.fingerprint == fingerprint_of(labels)
