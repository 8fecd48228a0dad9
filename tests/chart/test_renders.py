"""The chart renders in every way that it offers, the same each time, and helm finds nothing to complain of."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.chart.cases import CASES, CLUSTERS, DEFAULT, DEV, DIGEST, MIRRORED, PROD
from tests.chart.helm import CHART, NAMESPACE, RELEASE, Case, Refused, documents, helm, objects, rendered, text
from tests.chart.workloads import workloads
from tests.servers.processes import find

CLUSTER_WIDE = frozenset({"ClusterRole", "ClusterRoleBinding", "ConsoleLink", "OAuthClient"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rendering_twice_gives_the_same_bytes(case: Case) -> None:
    """Nothing random: else each upgrade would make new passwords, and GitOps would never be in sync."""
    assert text(case) == rendered(case)


@pytest.mark.parametrize("case", [DEFAULT, DEV, PROD, *CLUSTERS], ids=lambda case: case.name)
def test_helm_lint_is_content(case: Case) -> None:
    files = [part for name in case.files for part in ("--values", str(CHART / name))]
    said = helm(
        "lint", str(CHART), "--strict", "--kube-version", case.kube, *files, "--values", "-", values=case.values
    )
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_everything_is_labelled_as_part_of_the_release(case: Case) -> None:
    """`oc get all -l app.kubernetes.io/instance=...` shows the whole, and cleaning up finds it."""
    wanted = {
        "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/part-of": "aiops-nextgen",
        "app.kubernetes.io/managed-by": "Helm",
    }
    unlabelled = [
        f"{item['kind']} {item['metadata']['name']}"
        for item in objects(case)
        if not wanted.items() <= item["metadata"].get("labels", {}).items()
    ]
    assert unlabelled == []
    pods = [str(pod) for pod in workloads(objects(case)) if pod.labels.get("app.kubernetes.io/instance") != RELEASE]
    assert pods == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cluster_wide_objects_are_an_explicit_choice(case: Case) -> None:
    """A namespace's administrator can install all else."""
    found = {item["kind"] for item in objects(case)} & CLUSTER_WIDE
    asked = case.values.get("rbac", {}).get("clusterScoped") or case.values.get("spoke", {}).get("enabled")
    assert not found or asked, found


@pytest.mark.parametrize("case", MIRRORED, ids=lambda case: case.name)
def test_a_mirror_serves_every_image(case: Case) -> None:
    mirror = case.values["global"]["mirrorRegistry"]
    foreign = {
        container["image"]
        for pod in workloads(objects(case))
        for container in pod.all_containers
        if not container["image"].startswith(f"{mirror}/")
    }
    assert foreign == set()


def test_a_digest_wins_over_the_tag() -> None:
    case = Case("digest", {"image": {"digest": DIGEST}, "global": {"imageTag": "9.9.9"}})
    images = {container["image"] for pod in workloads(objects(case)) for container in pod.containers}
    assert any(image.endswith(f"@{DIGEST}") for image in images)
    assert not any("9.9.9" in image for image in images)


def test_the_oldest_kubernetes_is_said_and_kept() -> None:
    with pytest.raises(Refused, match=r"1\.28\.\d+"):
        text(Case("too old", kube="1.28.9"))


def test_a_namespace_that_is_not_the_release_s_is_refused() -> None:
    with pytest.raises(Refused, match="namespace"):
        text(Case("elsewhere", {"global": {"namespace": "another"}}))
    assert text(Case("here", {"global": {"namespace": NAMESPACE}}))


def test_the_chart_can_be_packaged_and_published(tmp_path: Path) -> None:
    helm("package", str(CHART), "--destination", str(tmp_path))
    helm("repo", "index", str(tmp_path), "--url", "https://charts.example.com/aiops")
    index = yaml.safe_load((tmp_path / "index.yaml").read_text())
    (entry,) = index["entries"]["aiops-nextgen"]
    assert (tmp_path / entry["urls"][0].rsplit("/", 1)[-1]).is_file()
    packaged = helm("template", RELEASE, str(next(tmp_path.glob("*.tgz"))), *DEFAULT.arguments(), values=DEFAULT.values)
    assert packaged == text(DEFAULT)


def test_the_package_holds_nothing_but_the_chart(tmp_path: Path) -> None:
    helm("package", str(CHART), "--destination", str(tmp_path))
    package = next(tmp_path.glob("*.tgz"))
    listed = subprocess.run(["tar", "-tzf", package], capture_output=True, text=True, check=True).stdout.splitlines()
    tops = {re.split(r"/", name)[1] for name in listed}
    assert tops <= {".helmignore", "Chart.yaml", "README.md", "LICENSE", "templates", "values.schema.json", "files"} | {
        name for name in tops if re.fullmatch(r"values(-[a-z]+)?\.yaml", name)
    }


@pytest.mark.skipif(find("helm4") is None, reason="helm 4 is not installed as helm4")
def test_helm_4_renders_the_same() -> None:
    """The same objects in the same order; it leaves more blank lines between them."""
    assert [case.name for case in CASES if documents(text(case, program="helm4")) != documents(rendered(case))] == []
