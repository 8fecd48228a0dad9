"""What lies in chart/examples installs: values render, GitOps objects name this chart, image lists are complete."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.chart.cases import CLUSTERS, LLM, PROD, SIZES
from tests.chart.helm import CHART, MONITORING, Case, default_values, objects
from tests.chart.test_pod_security import violations
from tests.chart.workloads import workloads

EXAMPLES: Final = CHART / "examples"
# Examples that are values; the others are objects or lists.
VALUES: Final = ("air-gapped", "external-stores", "kserve", "kubernetes")
OBJECTS: Final = ("argocd", "flux", "imageset")


def read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / f"{name}.yaml").read_text()))


def case(name: str) -> Case:
    """The production profile with the example on top, on the cluster that it is for."""
    (values,) = read(name)
    return Case(f"example {name}", values, files=PROD.files, apis=MONITORING if name == "kubernetes" else PROD.apis)


def images(*cases: Case) -> Iterator[str]:
    for one in cases:
        for pod in workloads(objects(one)):
            yield from (container["image"] for container in pod.all_containers)


def test_every_example_is_looked_at() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {f"{name}.yaml" for name in (*VALUES, *OBJECTS)} | {
        "images.txt"
    }


@pytest.mark.parametrize("name", VALUES)
def test_its_values_render(name: str) -> None:
    assert {item["kind"] for item in objects(case(name))} >= {"Deployment", "NetworkPolicy"}


def test_elsewhere_every_pod_has_a_user_and_its_volumes_a_group() -> None:
    """Images that would run as root are refused by the kubelet; restricted-v2 sets what the example sets."""
    for pod in workloads(objects(case("kubernetes"))):
        context = pod.spec["securityContext"]
        assert (context["runAsUser"], context["fsGroup"], context["runAsNonRoot"]) == (999, 999, True), str(pod)
        assert all("securityContext." in said for said in violations(pod)), str(pod)


def test_external_stores_leave_no_store_in_the_release() -> None:
    assert [
        item["metadata"]["name"] for item in objects(case("external-stores")) if item["kind"] == "StatefulSet"
    ] == []


def test_the_images_are_all_that_the_chart_can_ask_for() -> None:
    listed = (EXAMPLES / "images.txt").read_text().split()
    asked = set(images(PROD, *CLUSTERS, *(LLM[profile, SIZES[0]] for profile in ("vllm", "kserve", "sidecar"))))
    assert set(listed) == asked
    (mirrored,) = read("imageset")
    assert [entry["name"] for entry in mirrored["mirror"]["additionalImages"]] == listed


def test_behind_a_mirror_nothing_else_is_asked() -> None:
    assert {image.split("/")[0] for image in images(case("air-gapped"))} == {"mirror.example.com:5000"}


def test_gitops_objects_name_this_chart_and_values_that_it_takes() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (application,) = read("argocd")
    source = application["spec"]["source"]
    repository, release = read("flux")
    chart = release["spec"]["chart"]["spec"]
    for asked, version in ((source["chart"], source["targetRevision"]), (chart["chart"], chart["version"])):
        assert (asked, version) == (about["name"], about["version"])
    assert chart["sourceRef"] == {"kind": repository["kind"], "name": repository["metadata"]["name"]}
    for name in (*source["helm"]["valueFiles"], *chart["valuesFiles"]):
        assert (CHART / name).is_file(), name
    for values in (source["helm"]["valuesObject"], release["spec"]["values"]):
        assert set(values) <= set(default_values())
        assert objects(Case("GitOps", values, files=PROD.files))
