"""What the operations guide says is so: its totals, its alerts, its Secrets, and helm's commands in it."""

import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.chart.cases import DEFAULT, DEV, PROD
from tests.chart.helm import CHART, Case, find, objects
from tests.chart.hook import filled
from tests.chart.workloads import workloads

GUIDE: Final = (CHART / "OPERATIONS.md").read_text()
PROFILES: Final = {"values.yaml": DEFAULT, "values-dev.yaml": DEV, "values-prod.yaml": PROD}
UNITS: Final = {"Mi": 1 / 1024, "Gi": 1.0}


def cpu(written: object) -> float:
    text = str(written)
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def gibibytes(written: str) -> float:
    return float(written[:-2]) * UNITS[written[-2:]]


def totals(case: Case) -> tuple[float, ...]:
    """Pods, CPU, memory and volumes of the fewest pods; CPU and memory of the most."""
    pods = cores = memory = volumes = most_cores = most_memory = 0.0
    for pod in workloads(objects(case)):
        if pod.owner["kind"] not in ("Deployment", "StatefulSet"):
            continue
        scaler = find(case, "HorizontalPodAutoscaler", pod.owner["metadata"]["name"])
        fewest = scaler["spec"]["minReplicas"] if scaler else pod.owner["spec"]["replicas"]
        most = scaler["spec"]["maxReplicas"] if scaler else fewest
        requests = [container["resources"]["requests"] for container in pod.containers]
        own_cores, own_memory = (
            sum(cpu(one["cpu"]) for one in requests),
            sum(gibibytes(one["memory"]) for one in requests),
        )
        claims = pod.owner["spec"].get("volumeClaimTemplates", [])
        pods += fewest
        cores += fewest * own_cores
        memory += fewest * own_memory
        volumes += fewest * sum(gibibytes(claim["spec"]["resources"]["requests"]["storage"]) for claim in claims)
        most_cores += most * own_cores
        most_memory += most * own_memory
    return pods, cores, memory, volumes, most_cores, most_memory


@pytest.mark.parametrize("name", PROFILES)
def test_its_sizing_is_the_sum_of_what_is_rendered(name: str) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", GUIDE, re.MULTILINE)
    said = tuple(float(cell.removesuffix("Gi")) for cell in row.split(" | "))
    assert said == pytest.approx(totals(PROFILES[name]))


def test_it_names_every_alert_and_no_other() -> None:
    rules = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    known = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(AIOps[A-Z]\w+)`", GUIDE)) == known


def test_it_names_every_key_that_the_job_makes() -> None:
    for name, keys in filled(PROD).items():
        assert f"Secret {name}: made with {', '.join(sorted(keys))}\n" in GUIDE


def test_what_it_refers_to_is_there() -> None:
    for place in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (CHART / place).exists(), place
    for values in re.findall(r"--values (?:chart/)?(\S+\.yaml)", GUIDE):
        assert (CHART / Path(values).name).is_file(), values


def test_the_label_that_stops_the_roles_leaves_the_stores_running() -> None:
    stopped = {
        item["metadata"]["name"]
        for item in objects(PROD)
        if item["kind"] == "Deployment"
        and item["metadata"]["labels"]["app.kubernetes.io/component"] in ("gateway", "backend")
    }
    on_database = {
        pod.owner["metadata"]["name"]
        for pod in workloads(objects(PROD))
        if pod.owner["kind"] == "Deployment" and "initContainers" in pod.spec
    }
    assert stopped == on_database != set()
