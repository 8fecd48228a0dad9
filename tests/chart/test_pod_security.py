"""Every pod that the chart can make passes OpenShift's restricted-v2 and Kubernetes' *restricted* profile.

The rules are those of the Pod Security Standards; restricted-v2 adds that user and group are the namespace's to choose.
Hooks and tests are pods too.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from tests.chart.cases import CASES
from tests.chart.helm import Case, Object, objects
from tests.chart.workloads import Workload, workloads

VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
HOST_FIELDS: Final = ("hostNetwork", "hostPID", "hostIPC", "hostUsers")
# What a container may not choose for itself, as the namespace's range is not known.
NAMESPACES_TO_CHOOSE: Final = (
    "runAsUser",
    "runAsGroup",
    "fsGroup",
    "supplementalGroups",
    "seLinuxOptions",
    "procMount",
)


def violations(pod: Workload) -> Iterator[str]:
    """What the admission of a restricted namespace would say."""
    spec = pod.spec
    context = spec.get("securityContext", {})
    yield from (f"{pod}: {name} is set" for name in HOST_FIELDS if spec.get(name))
    yield from (f"{pod}: securityContext.{name} is set" for name in NAMESPACES_TO_CHOOSE if name in context)
    for volume in spec.get("volumes", []):
        if kinds := set(volume) - {"name"} - VOLUMES:
            yield f"{pod}: volume {volume['name']} is {', '.join(sorted(kinds))}"
    yield from (f"{pod}: sysctl {one['name']} is set" for one in context.get("sysctls", []))
    for container in pod.all_containers:
        yield from (f"{pod}, container {container['name']}: {said}" for said in _of_container(container, context))


def _of_container(container: Object, context: Object) -> Iterator[str]:
    own = container.get("securityContext", {})
    effective: dict[str, Any] = {**context, **own}
    capabilities = own.get("capabilities", {})
    if effective.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if effective.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "its seccompProfile is not RuntimeDefault"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "its capabilities are not drop: [ALL] alone"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "its root file system can be written"
    if own.get("privileged"):
        yield "it is privileged"
    yield from (f"securityContext.{name} is set" for name in NAMESPACES_TO_CHOOSE if name in own)
    yield from (f"host port {port['hostPort']}" for port in container.get("ports", []) if port.get("hostPort"))


def pods(case: Case) -> Sequence[Workload]:
    found = list(workloads(objects(case)))
    assert found, f"{case.name} renders no pod at all"
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_pod_fits_a_restricted_namespace(case: Case) -> None:
    assert [said for pod in pods(case) for said in violations(pod)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_pod_names_the_scc_that_it_needs(case: Case) -> None:
    """Else an SCC that happens to be granted to everybody, and is more lenient, may be chosen."""
    named = {str(pod): pod.annotations.get("openshift.io/required-scc") for pod in pods(case)}
    assert {name: scc for name, scc in named.items() if scc != "restricted-v2"} == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_pod_is_told_of_services_by_variables(case: Case) -> None:
    """A Service called redis would otherwise set `REDIS_PORT=tcp://...` in every container."""
    assert [str(pod) for pod in pods(case) if pod.spec.get("enableServiceLinks") is not False] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_written_has_a_place(case: Case) -> None:
    """The root file system is read-only, so /tmp is a volume wherever a container may write to it."""
    homeless = [
        f"{pod}, container {container['name']}"
        for pod in pods(case)
        for container in pod.all_containers
        if "/tmp" not in {mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts", [])}  # noqa: S108 - the container's
    ]
    assert homeless == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_pods_that_call_the_api_carry_a_token(case: Case) -> None:
    """A token is mounted exactly where the pod's ServiceAccount is given rights, or its token is what signs in."""
    rendered = objects(case)
    bound = {
        subject["name"]
        for binding in rendered
        if binding["kind"] in ("RoleBinding", "ClusterRoleBinding")
        for subject in binding["subjects"]
        if subject["kind"] == "ServiceAccount"
    }
    accounts = {item["metadata"]["name"]: item for item in rendered if item["kind"] == "ServiceAccount"}
    wrong: list[str] = []
    for pod in pods(case):
        name = pod.spec.get("serviceAccountName", "default")
        by_account = accounts.get(name, {}).get("automountServiceAccountToken", True)
        mounted = pod.spec.get("automountServiceAccountToken", by_account)
        if mounted and name not in bound:
            wrong.append(f"{pod} mounts the token of {name}, which may do nothing")
    assert wrong == []


def test_the_rules_themselves_refuse_a_careless_pod() -> None:
    careless = {
        "kind": "Pod",
        "metadata": {"name": "careless"},
        "spec": {
            "hostNetwork": True,
            "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
            "containers": [{"name": "main", "securityContext": {"runAsUser": 0, "capabilities": {"add": ["NET_RAW"]}}}],
        },
    }
    said = list(violations(next(workloads([careless]))))
    assert len(said) == 8, said
