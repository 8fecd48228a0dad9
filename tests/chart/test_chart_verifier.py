"""What Red Hat's chart-verifier asks of a chart without a cluster (profile 1.3), by its names."""

import json
from typing import Any

import yaml

from tests.chart.cases import CASES
from tests.chart.helm import CHART, helm, objects
from tests.chart.workloads import workloads

CSI_KINDS = frozenset({"CSIDriver", "CSINode", "CSIStorageCapacity", "VolumeSnapshotClass", "StorageClass"})


def meta() -> dict[str, Any]:
    return dict(yaml.safe_load((CHART / "Chart.yaml").read_text()))


def test_is_helm_v3() -> None:
    assert meta()["apiVersion"] == "v2"


def test_has_readme() -> None:
    text = (CHART / "README.md").read_text()
    assert text.startswith("# ")
    assert "helm install" in text


def test_contains_test() -> None:
    """One that does something: `helm test` runs at least one pod."""
    assert list((CHART / "templates" / "tests").glob("*.yaml"))
    for case in CASES:
        assert [pod for pod in workloads(objects(case)) if "test" in pod.hooks], case.name


def test_has_kubeversion() -> None:
    assert meta()["kubeVersion"].startswith(">=1.29")


def test_contains_values_and_their_schema() -> None:
    assert (CHART / "values.yaml").is_file()
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["additionalProperties"] is False


def test_not_contains_crds() -> None:
    assert not (CHART / "crds").exists()
    for case in CASES:
        assert not [item for item in objects(case) if item["kind"] == "CustomResourceDefinition"]


def test_not_contain_csi_objects() -> None:
    for case in CASES:
        assert not [item for item in objects(case) if item["kind"] in CSI_KINDS]


def test_helm_lint() -> None:
    assert "0 chart(s) failed" in helm("lint", str(CHART), "--strict")


def test_required_annotations_present() -> None:
    assert meta()["annotations"]["charts.openshift.io/name"]


def test_has_notes() -> None:
    assert (CHART / "templates" / "NOTES.txt").read_text().strip()


def test_has_what_a_catalogue_shows() -> None:
    """Not one of chart-verifier's checks; the catalogue of charts shows these."""
    assert meta().keys() >= {
        "description",
        "home",
        "icon",
        "keywords",
        "maintainers",
        "sources",
        "appVersion",
        "version",
    }
