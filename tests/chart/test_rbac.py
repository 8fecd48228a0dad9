"""Who may do what in a cluster because of this chart: exactly this, and nothing more."""

import pytest

from tests.chart.cases import CASES, SPOKE
from tests.chart.helm import Case, objects
from tests.chart.hook import JOB, filled
from tests.chart.rbac import grants

READ = ("get", "list", "watch")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_installation_s_job_may_anything(case: Case) -> None:
    """It reads and fills the Secrets that it knows by name, and creates missing ones, in its own namespace."""
    names = filled(case)
    wanted = {(JOB, case.namespace, "secrets", verb, name) for verb in ("get", "patch") for name in names}
    if names:
        wanted.add((JOB, case.namespace, "secrets", "create", "*"))
    assert set(grants(case)) == wanted


def test_a_spoke_is_read_and_commands_run_only_where_asked_for() -> None:
    reads = ("pods", "nodes", "events", "namespaces")
    assert set(grants(SPOKE)) == {
        *(("aiops-collector", "*", resource, verb, "*") for resource in reads for verb in READ),
        ("aiops-collector", "*", "role cluster-monitoring-view", "*", "*"),
        ("aiops-collector", "gpu", "pods/exec", "create", "*"),
        ("aiops-collector", "gpu", "pods/exec", "get", "*"),
    }


def test_no_role_lies_unused() -> None:
    for case in (*CASES, SPOKE):
        bound = {
            item["roleRef"]["name"] for item in objects(case) if item["kind"] in ("RoleBinding", "ClusterRoleBinding")
        }
        roles = {item["metadata"]["name"] for item in objects(case) if item["kind"] in ("Role", "ClusterRole")}
        assert roles <= bound, case.name
