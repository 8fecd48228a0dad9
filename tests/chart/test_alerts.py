"""The alerts fire when they should and only then, proven by promtool; what they name is exported and selected."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.chart import exported
from tests.chart.cases import DEFAULT, PROD
from tests.chart.helm import CHART, NAMESPACE, Object, get, objects
from tests.servers.processes import require

EXAMPLES: Final = Path(__file__).with_name("alert_examples.yaml")
JOB: Final = "aiops-nextgen"


def rules(case: Any = PROD) -> dict[str, Object]:
    """The alerting rules by name."""
    found = [
        rule
        for item in objects(case)
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
        for rule in group["rules"]
    ]
    assert all("alert" in rule for rule in found)
    named = {rule["alert"]: rule for rule in found}
    assert len(named) == len(found), "two rules share a name"
    return named


def examples() -> dict[str, Any]:
    return dict(yaml.safe_load(EXAMPLES.read_text()))


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([require("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as the operator hands them to Prometheus."""
    groups = [group for item in objects(PROD) if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
    return file


def test_the_rules_are_what_prometheus_reads(rule_file: Path) -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", rule_file)


def test_every_alert_has_examples() -> None:
    assert sorted(rules()) == sorted(examples())
    for name, each in examples().items():
        assert each["fires"], name
        assert each["stays quiet"], name


def test_alerts_fire_when_they_should_and_only_then(rule_file: Path) -> None:
    tests = list(unit_tests())
    assert len(tests) >= 2 * len(rules())
    file = rule_file.with_name("tests.yaml")
    file.write_text(yaml.safe_dump({"rule_files": [rule_file.name], "evaluation_interval": "30s", "tests": tests}))
    promtool("test", "rules", file)


def unit_tests() -> Iterator[dict[str, Any]]:
    """Each example once, as promtool reads it."""
    known = rules()
    for alert, each in examples().items():
        for kind in ("fires", "stays quiet"):
            for number, example in enumerate(each[kind], 1):
                yield {
                    "name": f"{alert} {kind}, example {number}",
                    "interval": "30s",
                    "input_series": [{"series": key, "values": str(value)} for key, value in example["series"].items()],
                    "alert_rule_test": [
                        {
                            "eval_time": example["at"],
                            "alertname": alert,
                            "exp_alerts": [expected(example, known[alert])] if kind == "fires" else [],
                        }
                    ],
                }


def expected(example: dict[str, Any], rule: Object) -> dict[str, Any]:
    """The alert with what the example says of it: labels beside the rule's, annotations in the place of templates."""
    return {
        "exp_labels": {**rule["labels"], **example.get("labels", {})},
        "exp_annotations": {**rule["annotations"], **example.get("annotations", {})},
    }


def test_every_metric_is_exported_or_somebody_else_s() -> None:
    invented = {
        f"{name}: {metric}"
        for name, rule in rules().items()
        for metric in exported.named(rule["expr"])
        if metric not in exported.metrics() and not exported.OTHERS.fullmatch(metric)
    }
    assert invented == set()


def test_the_monitor_s_job_is_the_one_that_the_rules_select() -> None:
    """`job` is the Service's name unless the monitor says which label of the Service gives it."""
    monitor = get(PROD, "ServiceMonitor", "aiops-nextgen")["spec"]
    chosen = [
        item
        for item in objects(PROD)
        if item["kind"] == "Service"
        and monitor["selector"]["matchLabels"].items() <= item["metadata"]["labels"].items()
        and {port.get("name") for port in item["spec"]["ports"]} & {one["port"] for one in monitor["endpoints"]}
    ]
    assert {item["metadata"]["name"] for item in chosen} >= {
        "api-gateway",
        "cluster-registry",
        "observability-collector",
        "intelligence-engine",
        "realtime-streaming",
    }
    assert {item["metadata"]["labels"][monitor["jobLabel"]] for item in chosen} == {JOB}
    own = [rule["expr"] for rule in rules().values() if set(exported.named(rule["expr"])) & exported.metrics()]
    assert own
    assert [expression for expression in own if f'job="{JOB}"' not in expression] == []


def test_what_others_export_is_looked_at_in_our_namespace_only() -> None:
    """Every chart's PostgreSQL has a claim called data-postgresql-0."""
    foreign = [
        rule["expr"] for rule in rules().values() if not set(exported.named(rule["expr"])) & {*exported.metrics(), "up"}
    ]
    assert foreign
    assert [expression for expression in foreign if f'namespace="{NAMESPACE}"' not in expression] == []


@pytest.mark.parametrize("case", [DEFAULT, PROD], ids=lambda case: case.name)
def test_pods_are_not_scraped_twice(case: Any) -> None:
    """A monitor and the old annotations together would count everything double."""
    assert [item for item in objects(case) if item["kind"] == "ServiceMonitor"]
    assert "prometheus.io/scrape" not in str(objects(case))


def test_names_are_found_in_expressions() -> None:
    expression = (
        'sum by (role) (rate(http_requests_total{status=~"5.."}[5m])) / on (role) up > 0.05 and absent(a:b) offset 5m'
    )
    assert list(exported.named(expression)) == ["http_requests_total", "up", "a:b"]
    assert "http_request_duration_seconds_bucket" in exported.metrics()
    assert "http_requests" not in exported.metrics()


def test_dashboards_name_exported_metrics_only() -> None:
    files = sorted((CHART / "files").rglob("*.json"))
    asked = [(file.name, target["expr"]) for file in files for target in targets(yaml.safe_load(file.read_text()))]
    assert asked
    invented = {
        f"{file}: {metric}"
        for file, expression in asked
        for metric in exported.named(expression.replace("$__rate_interval", "5m"))
        if metric not in exported.metrics() and not exported.OTHERS.fullmatch(metric)
    }
    assert invented == set()


def targets(part: Any) -> Iterator[dict[str, Any]]:
    """Every query of a Grafana dashboard, wherever it stands."""
    if isinstance(part, dict):
        if "expr" in part:
            yield part
        for value in part.values():
            yield from targets(value)
    elif isinstance(part, list):
        for value in part:
            yield from targets(value)
