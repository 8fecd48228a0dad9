"""Clients of Prometheus at a whole hub over real Prometheus servers: promtool, and what Grafana sends."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import PrometheusPair
from tests.contract.hub import ADMIN, Answer, Hub
from tests.servers.processes import require
from tests.servers.site import FAULT_ALERT, Site
from tests.servers.waiting import until

pytestmark = pytest.mark.real

API = "/prometheus/api/v1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOTH = ["east", "west"]


@pytest.fixture(scope="module")
def sites(hub: Hub, prometheus_pair: PrometheusPair) -> dict[str, Site]:
    found = {"east": prometheus_pair.east, "west": prometheus_pair.west}
    for name, site in found.items():
        hub.register(name, labels={"site": name}, endpoints={"prometheus_url": site.prometheus.url})
    return found


def get(hub: Hub, path: str, **parameters: Any) -> Any:
    """The `data` of an answer that lacks nothing."""
    answer = hub.send("GET", f"{API}/{path}?{urlencode(parameters, doseq=True)}")
    return data(answer)


def post(hub: Hub, path: str, **parameters: Any) -> Any:
    return data(hub.send("POST", f"{API}/{path}", urlencode(parameters, doseq=True).encode(), FORM))


def data(answer: Answer) -> Any:
    document = answer.json()
    assert (answer.status, document["status"]) == (200, "success"), answer.body
    assert "warnings" not in document, document["warnings"]
    return document["data"]


def clusters(rows: list[dict[str, Any]], field: str = "labels") -> list[str]:
    return sorted({row[field]["cluster"] for row in rows})


# --- promtool --------------------------------------------------------------------------------------------------------


@pytest.fixture
def promtool(hub: Hub, sites: dict[str, Site], tmp_path: Path) -> Callable[..., str]:
    """Asks with promtool, which signs in by a file; what it printed."""
    assert sites
    config = tmp_path / "http.yml"
    config.write_text(json.dumps({"authorization": {"type": "Bearer", "credentials": ADMIN}}))

    def ask(*arguments: str) -> str:
        kind, *rest = arguments
        flags = [f"--http.config.file={config}", *(["--format=json"] if kind != "labels" else [])]
        argv = [str(require("promtool")), "query", kind, *flags, f"{hub.url}/prometheus", *rest]
        found = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert found.returncode == 0, found.stderr
        return found.stdout

    return ask


def test_promtool_asks_at_one_time(promtool: Callable[..., str]) -> None:
    rows = json.loads(promtool("instant", "up"))

    assert sorted((row["metric"]["cluster"], row["metric"]["job"]) for row in rows) == [
        (name, job) for name in BOTH for job in ("node", "prometheus")
    ]


def test_promtool_asks_over_a_range(promtool: Callable[..., str]) -> None:
    rows = json.loads(promtool("range", "--step=5s", "sum by (cluster) (up)"))

    assert sorted(row["metric"]["cluster"] for row in rows) == BOTH


def test_promtool_lists_labels_and_series(promtool: Callable[..., str]) -> None:
    assert promtool("labels", "cluster").split() == BOTH
    series = json.loads(promtool("series", '--match=up{job="node",cluster="west"}'))
    assert [row["cluster"] for row in series] == ["west"]


# --- Grafana ---------------------------------------------------------------------------------------------------------


def test_grafanas_health_check_and_first_looks(hub: Hub, sites: dict[str, Site]) -> None:
    """What its data source sends when it is saved, and when Explore is opened."""
    now = time.time()
    window = {"start": f"{now - 3600:.0f}", "end": f"{now:.0f}"}

    assert post(hub, "query", query="1+1", time=f"{now:.3f}")["resultType"] in ("scalar", "vector")
    version = get(hub, "status/buildinfo")["version"]
    assert tuple(map(int, version.split("."))) >= (2, 24, 0)
    names = get(hub, "label/__name__/values", **window)
    assert {"up", "node_load1"} <= set(names)
    assert {"__name__", "cluster", "instance", "job"} <= set(post(hub, "labels", **window))
    assert get(hub, "metadata", limit_per_metric="1")["node_load1"][0]["type"] == "gauge"
    matched = get(hub, "label/job/values", **{"match[]": 'up{cluster="east"}'}, **window)
    assert matched == ["node", "prometheus"]
    assert get(hub, "label/cluster/values", **{"match[]": 'up{cluster=~"we.*"}'}, **window) == ["west"]
    assert sorted({row["cluster"] for row in post(hub, "series", **{"match[]": "up"}, **window)}) == BOTH


def test_grafanas_panels(hub: Hub, sites: dict[str, Site]) -> None:
    now = int(time.time())

    ranged = post(hub, "query_range", query="rate(node_cpu_seconds_total[1m])", start=now - 60, end=now, step=15)
    instant = post(hub, "query", query="up", time=f"{now}.123")
    exemplars = post(hub, "query_exemplars", query="rate(node_cpu_seconds_total[1m])", start=now - 60, end=now)

    assert ranged["resultType"] == "matrix"
    assert instant["resultType"] == "vector"
    assert clusters(instant["result"], "metric") == BOTH
    assert exemplars == []


def test_grafanas_variables_and_ad_hoc_filters(hub: Hub, sites: dict[str, Site]) -> None:
    for name in BOTH:
        rows = get(hub, "query", query=f'up{{cluster="{name}"}}')["result"]
        assert clusters(rows, "metric") == [name]
    nowhere = hub.send("GET", f"{API}/query?{urlencode({'query': 'up{cluster=`nowhere`}'})}").json()
    assert nowhere["data"]["result"] == []
    assert "no visible cluster matches" in nowhere["warnings"][0]


# --- what Prometheus knows of itself ---------------------------------------------------------------------------------


def test_alerting_rules_and_alerts_are_those_of_all(hub: Hub, sites: dict[str, Site]) -> None:
    with sites["east"].fault(service="shop"):
        until(lambda: sites["east"].prometheus.alerts(FAULT_ALERT), what="the alert fires at its Prometheus")
        alerts = get(hub, "alerts")["alerts"]
        groups = get(hub, "rules")["groups"]

    (alert,) = (one for one in alerts if one["labels"]["alertname"] == FAULT_ALERT)
    assert alert["labels"]["cluster"] == "east"
    assert alert["state"] == "firing"
    rules = [rule for group in groups for rule in group["rules"]]
    assert sorted(rule["labels"]["cluster"] for rule in rules) == BOTH
    assert {"health", "query", "evaluationTime"} <= set(rules[0])
    firing = {rule["labels"]["cluster"]: [one["labels"]["cluster"] for one in rule["alerts"]] for rule in rules}
    assert firing == {"east": ["east"], "west": []}


def test_rules_are_filtered(hub: Hub, sites: dict[str, Site]) -> None:
    assert sites
    assert get(hub, "rules", type="record")["groups"] == []
    assert len(get(hub, "rules", type="alert")["groups"]) == 2
    assert get(hub, "rules", **{"rule_name[]": "other"})["groups"] == []
    assert len(get(hub, "rules", **{"rule_name[]": FAULT_ALERT, "rule_group[]": "aiops-test"})["groups"]) == 2
    only = get(hub, "rules", **{"match[]": '{severity="critical",cluster="west"}'})["groups"]
    assert [rule["labels"]["cluster"] for group in only for rule in group["rules"]] == ["west"]
    bare = get(hub, "rules", exclude_alerts="true")["groups"]
    assert [rule["alerts"] for group in bare for rule in group["rules"]] == [[], []]


def test_targets_are_those_of_all(hub: Hub, sites: dict[str, Site]) -> None:
    found = get(hub, "targets", state="active")

    assert clusters(found["activeTargets"]) == BOTH
    assert sorted(target["labels"]["job"] for target in found["activeTargets"]) == ["node", "node"] + ["prometheus"] * 2
    assert found["droppedTargets"] == []
    only = get(hub, "targets", scrapePool="node", clusters="west")["activeTargets"]
    assert [target["labels"]["cluster"] for target in only] == ["west"]


# --- who may ask -----------------------------------------------------------------------------------------------------


def test_a_token_of_one_cluster_sees_one_cluster(hub: Hub, sites: dict[str, Site]) -> None:
    caller = hub.signed_in(hub.token_for("viewer", {"labels": {"site": "east"}}))

    assert clusters(get(caller, "query", query='up{cluster=~".*"}')["result"], "metric") == ["east"]
    assert get(caller, "label/cluster/values") == ["east"]
    assert clusters(get(caller, "targets")["activeTargets"]) == ["east"]
    refused = caller.send("GET", f"{API}/query?query=up&clusters=west")
    assert (refused.status, refused.json()["errorType"]) == (404, "not_found")


def test_nobody_is_told_in_a_shape_that_grafana_shows(hub: Hub) -> None:
    answer = hub.send("GET", f"{API}/query?query=up", headers={"Authorization": "Bearer wrong"})

    assert answer.status == 401
    assert set(answer.json()) == {"status", "errorType", "error"}
