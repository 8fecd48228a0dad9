"""The chart against a real API server: accepted whole, upgraded, rolled back, removed; each role may do its work only.

Runs where `AIOPS_TEST_KUBECONFIG` names a cluster that may be changed: an administrator's kubeconfig. Everything
happens in a namespace of its own. A server without nodes is enough: hooks are then shown to it in a dry run, since
nobody would run them. Kinds that the server lacks are defined for the time of the test, as loosely as possible.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.chart.api_server import CREATED, VARIABLE, ApiServer, kubeconfig
from tests.chart.cases import CASES, CHANGES, DEFAULT, SPOKE
from tests.chart.foreign_schemas import FLAT, SPECS
from tests.chart.helm import CHART, RELEASE, Case, Object, documents, objects
from tests.chart.job_runner import JobRunner
from tests.chart.rbac import grants
from tests.chart.workloads import workloads
from tests.servers.processes import require
from tests.servers.waiting import until

pytestmark = pytest.mark.cluster
RESTRICTED: Final = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
CLUSTER_WIDE: Final = frozenset({"OAuthClient", "ConsoleLink"})
# One of the ways to install names it; an administrator has made it.
PRIORITY: Final = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "high"},
    "value": 1000,
}
RBAC: Final = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
# Verb, resource, name and namespace of what no account of the release may do.
NEVER: Final = (
    ("list", "secrets", "", ""),
    ("get", "secrets", "another", ""),
    ("delete", "secrets", "aiops-secrets", ""),
    ("get", "secrets", "aiops-secrets", "kube-system"),
    ("create", "pods", "", ""),
    ("create", "pods/exec", "", ""),
    ("list", "nodes", "", "*"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """The API server, knowing every kind that the chart can render."""
    with ApiServer.of(kubeconfig()) as server:
        made = [item for item in [PRIORITY, *definitions(server)] if create(server, item)]
        until(lambda: all(server.knows(*place) for place in (*SPECS, *FLAT)), what="every kind known", timeout_s=30)
        yield server
        for item in made:
            server.call("DELETE", f"{server.path(item, '')}/{item['metadata']['name']}")


@pytest.fixture
def namespace(server: ApiServer) -> Iterator[str]:
    """A namespace of the test's own that enforces the restricted profile, gone afterwards."""
    name = f"aiops-chart-test-{uuid4().hex[:8]}"
    meta = {"name": name, "labels": RESTRICTED}
    assert create(server, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    # A server without controllers makes none; one with them may have been quicker.
    server.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}, name)
    yield name
    remove_namespace(server, name)


def create(server: ApiServer, item: Object, namespace: str = "default") -> bool:
    return server.create(item, namespace).status in CREATED


def definitions(server: ApiServer) -> Iterator[Object]:
    """Definitions of the foreign kinds that this server lacks."""
    for api_version, kind in (*SPECS, *FLAT):
        if server.knows(api_version, kind):
            continue
        group, version = api_version.split("/")
        plural = f"{kind.lower()}s"
        scope = "Cluster" if kind in CLUSTER_WIDE else "Namespaced"
        loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{plural}.{group}",
                "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
            },
            "spec": {
                "group": group,
                "scope": scope,
                "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
                "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": loose}}],
            },
        }


def run_helm(namespace: str, *arguments: str) -> str:
    done = subprocess.run(
        [require("helm"), *arguments, "--kubeconfig", os.environ[VARIABLE], "--namespace", namespace],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def values_file(folder: Path, case: Case) -> list[str]:
    file = folder / "values.json"
    file.write_text(json.dumps(dict(case.values)))
    return [part for name in case.files for part in ("--values", str(CHART / name))] + ["--values", str(file)]


def test_every_object_is_accepted(server: ApiServer, namespace: str) -> None:
    """Hooks and tests too; strictly, and without a warning of the restricted profile."""
    said = set()
    for case, item in every(namespace):
        answer = server.create(item, namespace, dry=True)
        if answer.status not in CREATED or answer.warnings:
            said.add(f"{case.name}: {item['kind']} {item['metadata']['name']}: {answer.message} {answer.warnings}")
    assert said == set()


def test_every_pod_is_admitted(server: ApiServer, namespace: str) -> None:
    """A template is judged only when a pod is made of it: make one of each."""
    said = set()
    for case in CASES:
        for pod in workloads(in_namespace(objects(case), case.namespace, namespace)):
            if pod.kind == "InferenceService":
                continue  # KServe makes the pod, with fields of its own
            claims = pod.owner.get("spec", {}).get("volumeClaimTemplates", [])
            claimed = [{"name": claim["metadata"]["name"], "emptyDir": {}} for claim in claims]
            spec = {**pod.spec, "serviceAccountName": "default"}
            spec["volumes"] = [*spec.get("volumes", []), *claimed]
            meta = {"name": pod.name, "labels": pod.labels, "annotations": pod.annotations}
            answer = server.create(
                {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, namespace, dry=True
            )
            if answer.status not in CREATED:
                said.add(f"{case.name}: {pod}: {answer.message}")
    assert said == set()


def every(namespace: str) -> Iterator[tuple[Case, Object]]:
    """Every object of every case that lands in the release's own namespace, or in none."""
    for case in (*CASES, SPOKE):
        for item in in_namespace(objects(case), case.namespace, namespace):
            if item["metadata"].get("namespace", namespace) == namespace:
                yield case, item


def in_namespace(rendered: Any, was: str, becomes: str) -> list[Object]:
    """The objects as they would be rendered for another namespace."""
    return list(json.loads(json.dumps(list(rendered)).replace(f'"namespace": "{was}"', f'"namespace": "{becomes}"')))


def test_it_is_installed_changed_rolled_back_and_removed(server: ApiServer, namespace: str, tmp_path: Path) -> None:
    nodes = server.call("GET", "/api/v1/nodes").body["items"]
    hooks = [] if nodes else ["--no-hooks"]
    run_helm(namespace, "install", RELEASE, str(CHART), *values_file(tmp_path, DEFAULT), *hooks)
    first = documents(run_helm(namespace, "get", "manifest", RELEASE))
    assert present(server, first, namespace) == [identity(item) for item in first]
    for change in CHANGES:
        run_helm(namespace, "upgrade", RELEASE, str(CHART), *values_file(tmp_path, change), *hooks)
        changed = documents(run_helm(namespace, "get", "manifest", RELEASE))
        assert present(server, changed, namespace) == [identity(item) for item in changed]
        run_helm(namespace, "rollback", RELEASE, *hooks)
    assert present(server, first, namespace) == [identity(item) for item in first]
    run_helm(namespace, "uninstall", RELEASE, *hooks)
    kept = [
        identity(item)
        for item in first
        if item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    ]
    assert present(server, first, namespace) == kept


def test_the_oauth_client_and_its_secret_agree_whatever_helm_does(
    server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """Installed, upgraded to another host, with a changed secret, rolled back, removed and installed again."""
    if server.call("GET", "/api/v1/nodes").body["items"]:
        pytest.skip("the cluster has nodes: the hook's Job would need the product's image in its registry")
    name = f"{namespace}-client"
    client = f"/apis/oauth.openshift.io/v1/oauthclients/{name}"
    secret = f"/api/v1/namespaces/{namespace}/secrets/oauth-client-secret"
    role = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/aiops-secrets-hook-{namespace}"

    def of_host(host: str) -> list[str]:
        admin = {"rbac": {"clusterScoped": True}, "auth": {"mode": "openshift"}, "route": {"host": host}}
        return values_file(tmp_path, Case(host, {**admin, "global": {"oauth": {"clientId": name}}}))

    def agreed(host: str) -> str:
        made = server.call("GET", client).body
        held = base64.b64decode(server.call("GET", secret).body["data"]["OAUTH_CLIENT_SECRET"]).decode()
        assert (made["secret"], made["redirectURIs"]) == (held, [f"https://{host}/oauth/callback"])
        # The right to make such clients is gone with the Job.
        assert server.call("GET", role).status == 404
        return held

    with JobRunner(server, namespace) as jobs:
        try:
            run_helm(namespace, "install", RELEASE, str(CHART), *of_host("a.example.com"))
            first = agreed("a.example.com")
            run_helm(namespace, "upgrade", RELEASE, str(CHART), *of_host("b.example.com"))
            assert agreed("b.example.com") == first
            server.merge(secret, {"stringData": {"OAUTH_CLIENT_SECRET": "changed by somebody"}})
            run_helm(namespace, "upgrade", RELEASE, str(CHART), *of_host("b.example.com"))
            assert agreed("b.example.com") == "changed by somebody"
            run_helm(namespace, "rollback", RELEASE, "1")
            assert agreed("a.example.com") == "changed by somebody"
            run_helm(namespace, "uninstall", RELEASE)
            assert agreed("a.example.com") == "changed by somebody"
            server.call("DELETE", secret)
            run_helm(namespace, "install", RELEASE, str(CHART), *of_host("a.example.com"))
            assert agreed("a.example.com") not in (first, "changed by somebody")
        finally:
            run_helm(namespace, "uninstall", RELEASE)
            server.call("DELETE", client)
    assert len(jobs.said) == 5
    assert not any(word in said for said in jobs.said for word in (first, "changed by somebody"))


def test_each_account_may_do_its_work_and_no_more(server: ApiServer, namespace: str) -> None:
    """What the rendered roles say is what the server allows, name by name, and nothing near to it."""
    made = [item for item in in_namespace(objects(DEFAULT), DEFAULT.namespace, namespace) if item["kind"] in RBAC]
    assert all(create(server, item, namespace) for item in made)
    case = Case("installed", namespace=namespace)
    for account, where, resource, verb, name in grants(case):
        assert server.may(account, namespace, verb, resource, "" if name == "*" else name, where)
    accounts = {item["metadata"]["name"] for item in made if item["kind"] == "ServiceAccount"}
    for account in accounts:
        for verb, resource, name, where in NEVER:
            assert not server.may(account, namespace, verb, resource, name, where), f"{account} may {verb} {resource}"


def test_a_spoke_s_account_reads_and_executes_where_asked_for(server: ApiServer) -> None:
    rendered = list(objects(SPOKE))
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gpu"}}]
    made = [item for item in [*spaces, *rendered] if item["kind"] in (*RBAC, "Namespace") and create(server, item)]
    try:
        for account, where, resource, verb, _ in grants(SPOKE):
            if not resource.startswith("role "):
                assert server.may(account, "aiops-spoke", verb, resource, where=where), f"{verb} {resource}"
        for verb, resource, where in (("create", "pods/exec", "*"), ("get", "secrets", "*"), ("delete", "pods", "gpu")):
            assert not server.may("aiops-collector", "aiops-spoke", verb, resource, where=where), f"{verb} {resource}"
    finally:
        for item in reversed(made):
            if item["kind"] == "Namespace":
                remove_namespace(server, item["metadata"]["name"])
            else:
                server.call("DELETE", f"{server.path(item, 'default')}/{item['metadata']['name']}")


def remove_namespace(server: ApiServer, name: str) -> None:
    """Delete it, also where no controller is at work that would empty it and let it go."""
    path = f"/api/v1/namespaces/{name}"
    server.call("DELETE", path)
    if not server.call("GET", "/api/v1/nodes").body["items"]:
        left = server.call("GET", path).body
        server.call("PUT", f"{path}/finalize", {**left, "spec": {"finalizers": []}})


def identity(item: Object) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def present(server: ApiServer, rendered: list[Object], namespace: str) -> list[str]:
    """Those of the objects that the server has and is not deleting."""
    found = []
    for item in rendered:
        answer = server.call("GET", f"{server.path(item, namespace)}/{item['metadata']['name']}")
        if answer.status == CREATED[0] and "deletionTimestamp" not in answer.body["metadata"]:
            found.append(identity(item))
    return found
