"""What a person does with a fleet, from registration to an alert on the screen, with real servers."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from tests.conftest import PrometheusPair
from tests.flows.hubs import HubUnderTest, OneProcess
from tests.flows.listener import Listener
from tests.servers.alertmanager import Alertmanager
from tests.servers.otlp import OtlpReceiver, Span
from tests.servers.prometheus import require_tracing
from tests.servers.site import Site
from tests.servers.waiting import until

pytestmark = pytest.mark.real

Sites = dict[str, dict[str, Any]]
# A W3C span id: of whoever asks the hub.
CALLER: Final = "00f067aa0ba902b7"


def rows(answer: dict[str, Any], cluster: str) -> list[tuple[dict[str, str], list[Any]]]:
    """One cluster's series of a federated answer, sorted, without the cluster label."""
    (result,) = [one for one in answer["results"] if one["cluster_name"] == cluster]
    assert all(row["metric"]["cluster"] == cluster for row in result["data"])
    found = [({k: v for k, v in row["metric"].items() if k != "cluster"}, row["values"]) for row in result["data"]]
    return sorted(found, key=str)


def asked(site: Site, moment: str) -> list[dict[str, Any]]:
    """What the member itself answers."""
    path = f"/api/v1/query?query=node_cpu_seconds_total&time={moment}"
    found: list[dict[str, Any]] = site.prometheus.get(path)["data"]["result"]
    return found


def test_the_federated_answer_equals_asking_each_member(
    hub: HubUnderTest, sites: Sites, prometheus_pair: PrometheusPair
) -> None:
    both = (prometheus_pair.east, prometheus_pair.west)

    def settled() -> str | None:
        """A moment that no scrape will write into any more and for which both have data."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2))
        return moment if all(asked(site, moment) for site in both) else None

    moment = until(settled, what="both sites to have scraped their node-exporter")
    answer = hub.ask("POST", "/api/v1/metrics/query", {"query": "node_cpu_seconds_total", "time": moment})
    assert not answer["partial"]
    for site in both:
        expected = sorted([(one["metric"], [one["value"]]) for one in asked(site, moment)], key=str)
        assert rows(answer, f"site-{site.name}") == expected


def test_anomalies_are_looked_for_over_the_fleet(hub: HubUnderTest, sites: Sites) -> None:
    answer = hub.ask("POST", "/api/v1/analysis/anomaly", {"query": "up", "step": "10s", "sensitivity": "LOW"})
    assert {band["labels"]["cluster"] for band in answer["baseline"]} == {"site-east", "site-west"}


def test_an_alert_reaches_the_socket_once_and_once_more_when_it_resolves(
    hub: HubUnderTest,
    sites: Sites,
    prometheus_pair: PrometheusPair,
    alertmanager: Callable[[str, str], Alertmanager],
) -> None:
    webhook = sites["east"]["webhook"]
    service = f"svc-{uuid.uuid4().hex[:6]}"
    running = alertmanager(webhook["url"], webhook["token"])
    prometheus_pair.east.prometheus.send_alerts_to(running.address)
    with Listener(hub) as listener:
        with prometheus_pair.east.fault(service=service):
            until(lambda: listener.of("ALERT_FIRED", service=service) or None, what="the alert", timeout_s=60)
            listed = hub.ask("GET", f"/api/v1/alerts?state=FIRING&label=service={service}")
            assert [one["alertname"] for one in listed["items"]] == ["AiopsTestFault"]
        until(lambda: listener.of("ALERT_RESOLVED", service=service) or None, what="its end", timeout_s=60)
        assert len(listener.of("ALERT_FIRED", service=service)) == 1
        assert len(listener.of("ALERT_RESOLVED", service=service)) == 1
        assert max(listener.times.values()) == 1
    prometheus_pair.east.prometheus.send_alerts_to()


def test_a_dead_member_is_named_and_comes_back_by_itself(
    hub: HubUnderTest, sites: Sites, prometheus_pair: PrometheusPair
) -> None:
    west = prometheus_pair.west.prometheus
    west.kill()
    answer = hub.ask("POST", "/api/v1/metrics/query", {"query": "up"})
    assert answer["partial"]
    failed = {one["cluster_name"]: one for one in answer["federation"]["clusters"] if one["status"] != "SUCCESS"}
    assert set(failed) == {"site-west"}
    assert failed["site-west"]["error"]
    hub.ask("POST", "/api/v1/metrics/query", {"query": "up", "cluster_ids": [sites["west"]["id"]]}, expect=503)
    assert "items" in hub.ask("GET", "/api/v1/alerts")
    west.restart()

    def whole() -> bool | None:
        return not hub.ask("POST", "/api/v1/metrics/query", {"query": "vector(1)"})["partial"] or None

    until(whole, what="the member to be asked again", timeout_s=60)


def test_one_trace_leads_through_the_hub_into_the_member(hub: HubUnderTest, sites: Sites, otlp: OtlpReceiver) -> None:
    require_tracing()
    trace_id = uuid.uuid4().hex
    hub.ask(
        "POST",
        "/api/v1/metrics/query",
        {"query": "up"},
        headers={"traceparent": f"00-{trace_id}-{CALLER}-01"},
    )
    hops = ["aiops"] if isinstance(hub, OneProcess) else ["aiops-gateway", "aiops-collector"]

    def arrived() -> bool | None:
        return _way_to_the_caller("prometheus", otlp.of_trace(trace_id)) == ["prometheus", *reversed(hops)] or None

    until(arrived, what="a span of the member below one of each hop", timeout_s=40)


def test_nothing_acknowledged_is_lost_or_doubled_when_everything_is_killed(hub: HubUnderTest, sites: Sites) -> None:
    with Listener(hub) as listener:
        names = [f"crash-{uuid.uuid4().hex[:8]}" for _ in range(6)]
        created = [register(hub, name) for name in names[:3]]
        hub.crash()
        created += [register(hub, name) for name in names[3:]]

        def told() -> bool | None:
            return {event["cluster_name"] for event in listener.of("CLUSTER_REGISTERED")} >= set(names) or None

        until(told, what="every registration to be told", timeout_s=90)
        kept = {one["name"] for one in hub.ask("GET", "/api/v1/clusters?search=crash-&page_size=100")["items"]}
        assert kept >= set(names)
        for name in names:
            assert sum(event["cluster_name"] == name for event in listener.of("CLUSTER_REGISTERED")) == 1
    answer = hub.ask(
        "POST", "/api/v1/metrics/query", {"query": "up", "cluster_ids": [one["id"] for one in sites.values()]}
    )
    assert not answer["partial"]
    for cluster in created:
        hub.ask("DELETE", f"/api/v1/clusters/{cluster['id']}", expect=204)


def _way_to_the_caller(service: str, spans: Sequence[Span]) -> list[str]:
    """The services from a span of this one up to the first hop, each named once; empty while spans are missing."""
    by_id = {span.span_id: span for span in spans}
    at = next((span for span in spans if span.service == service), None)
    way: list[str] = []
    while at is not None:
        if at.service not in way:
            way.append(at.service)
        if at.parent_span_id == CALLER:
            return way
        at = by_id.get(at.parent_span_id)
    return []


def register(hub: HubUnderTest, name: str) -> dict[str, Any]:
    """Register a cluster that nobody can reach."""
    body = {"name": name, "endpoints": {"prometheus_url": "http://127.0.0.1:9"}}
    found: dict[str, Any] = hub.ask("POST", "/api/v1/clusters", body, expect=201)
    return found
