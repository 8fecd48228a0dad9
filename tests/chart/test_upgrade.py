"""An upgrade, a rollback or a changed value never meets a field that cannot change, and never drops what holds data."""

import re
import shutil
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import pytest

from tests.chart.cases import CHANGES, DEFAULT, DEV, PROD, ROLLED_OUT_ANEW
from tests.chart.helm import CHART, RELEASE, Case, Object, documents, helm, objects
from tests.chart.upgrades import KEEPS_DATA, refused
from tests.chart.workloads import workloads


@pytest.mark.parametrize("base", [DEFAULT, DEV, PROD], ids=lambda case: case.name)
@pytest.mark.parametrize("change", CHANGES, ids=lambda case: case.name)
def test_a_changed_value_can_be_rolled_out_and_back(base: Case, change: Case) -> None:
    changed = Case(change.name, change.values, base.files)
    assert list(refused(objects(base), objects(changed))) == []
    assert list(refused(objects(changed), objects(base))) == []


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as it will be released next: another version of itself and of what it installs."""
    folder = tmp_path_factory.mktemp("next") / CHART.name
    shutil.copytree(CHART, folder)
    meta = folder / "Chart.yaml"
    text = re.sub(r"^version: .*$", "version: 99.9.9", meta.read_text(), flags=re.MULTILINE)
    meta.write_text(re.sub(r"^appVersion: .*$", 'appVersion: "99.9.9"', text, flags=re.MULTILINE))
    return folder


@pytest.mark.parametrize("case", [DEFAULT, DEV, PROD], ids=lambda case: case.name)
def test_the_next_release_can_be_rolled_out_and_back(case: Case, next_release: Path) -> None:
    """The version is a label of most objects, and must be none where labels are for ever."""
    text = helm("template", RELEASE, str(next_release), *case.arguments(), values=case.values)
    assert "99.9.9" in text
    after = documents(text)
    assert list(refused(objects(case), after)) == []
    assert list(refused(after, objects(case))) == []


@pytest.mark.parametrize("case", [DEFAULT, PROD], ids=lambda case: case.name)
def test_changed_configuration_restarts_the_pods_that_read_it(case: Case) -> None:
    """A ConfigMap that is read at start is of no use to a pod that runs on."""
    changed = Case(ROLLED_OUT_ANEW.name, ROLLED_OUT_ANEW.values, case.files)
    before, after = templates(objects(case)), templates(objects(changed))
    readers = {name for name, pod in before.items() if "aiops-config" in str(pod)}
    assert readers
    assert {name for name in readers if before[name] == after[name]} == set()


def templates(rendered: Sequence[Object]) -> dict[str, Object]:
    return {str(pod): pod.pod for pod in workloads(rendered) if not pod.hooks and pod.kind != "CronJob"}


def test_a_change_of_what_cannot_change_is_seen() -> None:
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "one"}}
    before = [{**binding, "roleRef": {"kind": "Role", "name": "one"}}, *objects(DEFAULT)]
    for kind, path, value in (
        ("Deployment", ("spec", "selector", "matchLabels", "version"), "2"),
        ("StatefulSet", ("spec", "serviceName"), "other"),
        ("RoleBinding", ("roleRef", "name"), "other"),
    ):
        after = deepcopy(list(before))
        item = next(item for item in after if item["kind"] == kind)
        for key in path[:-1]:
            item = item[key]
        item[path[-1]] = value
        assert len(list(refused(before, after))) == 1, kind
    without = [item for item in before if item["kind"] not in KEEPS_DATA]
    assert any("is deleted" in said for said in refused(before, without))
