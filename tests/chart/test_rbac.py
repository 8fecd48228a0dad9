"""Who may do what in a cluster because of this chart: exactly this, and nothing more."""

import pytest

from tests.chart.cases import CASES, CLUSTER_ADMIN, OWN_OAUTH_SECRET, SPOKE
from tests.chart.helm import Case, get, objects
from tests.chart.hook import JOB, asked, filled
from tests.chart.rbac import grants

RIGHTS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
READ = ("get", "list", "watch")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_installation_s_job_may_anything(case: Case) -> None:
    """It reads and fills the Secrets that it knows by name, and creates missing ones, in its own namespace.

    Where it makes the OAuthClient, it reads and changes the one of that name, and reads the Secret that it follows.
    """
    names = filled(case)
    wanted = {(JOB, case.namespace, "secrets", verb, name) for verb in ("get", "patch") for name in names}
    if names:
        wanted.add((JOB, case.namespace, "secrets", "create", "*"))
    if client := asked(case).get("oauth_client"):
        clients = "oauth.openshift.io/oauthclients"
        wanted |= {(JOB, "*", clients, verb, client["name"]) for verb in ("get", "patch")}
        wanted |= {(JOB, "*", clients, "create", "*"), (JOB, case.namespace, "secrets", "get", client["secret"])}
    assert set(grants(case)) == wanted


def test_an_own_secret_is_only_read() -> None:
    verbs = {verb for *_, verb, name in grants(OWN_OAUTH_SECRET) if name == "own-oauth-secret"}
    assert verbs == {"get"}


def test_rights_over_the_whole_cluster_last_as_long_as_the_job() -> None:
    """Else whoever may start pods in the namespace could borrow them. Two releases have objects of their own."""
    wide = [item for item in objects(CLUSTER_ADMIN) if item["kind"] in ("ClusterRole", "ClusterRoleBinding")]
    assert len(wide) == 2
    for item in wide:
        policy = item["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
        assert set(policy.split(",")) == {"before-hook-creation", "hook-succeeded"}
        assert item["metadata"]["name"] == f"{JOB}-{CLUSTER_ADMIN.namespace}"


def test_the_job_and_its_rights_come_together() -> None:
    """At every moment at which it runs, and before it."""
    for case in (CLUSTER_ADMIN, OWN_OAUTH_SECRET, CASES[0]):
        job = get(case, "Job", JOB)["metadata"]["annotations"]
        assert job["helm.sh/hook"].split(",") == ["pre-install", "pre-upgrade", "pre-rollback"]
        for item in objects(case):
            if item["kind"] in (*RIGHTS, "ServiceAccount") and item["metadata"]["name"].startswith(JOB):
                own = item["metadata"]["annotations"]
                assert own["helm.sh/hook"] == job["helm.sh/hook"]
                assert int(own["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"])


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
