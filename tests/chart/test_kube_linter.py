"""The rules that kube-linter checks by default, by its names, for everything that the chart can render."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pytest

from tests.chart.cases import CASES
from tests.chart.helm import Object, objects
from tests.chart.workloads import LASTING, Workload, environment, workloads

Rule = Callable[[Sequence[Object]], Iterator[str]]
SENSITIVE: Final = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")
UNSAFE_SYSCTLS: Final = ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.", "net.")
PORT_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
# Hosted by the cluster for its own purposes, or the chart's own users' to make.
FOREIGN_ACCOUNTS: Final = frozenset({"default"})


def containers(rendered: Sequence[Object]) -> Iterator[tuple[str, Workload, Object]]:
    for pod in workloads(rendered):
        for container in pod.all_containers:
            yield f"{pod}, container {container['name']}", pod, container


def matches(selector: Object, labels: dict[str, str]) -> bool:
    wanted = (
        selector.get("matchLabels", {}) if "matchLabels" in selector or "matchExpressions" in selector else selector
    )
    return wanted.items() <= labels.items()


def dangling_service(rendered: Sequence[Object]) -> Iterator[str]:
    pods = list(workloads(rendered))
    for item in rendered:
        selector = item["spec"].get("selector") if item["kind"] == "Service" else None
        if selector and not any(pod.behind(selector) for pod in pods):
            yield item["metadata"]["name"]


def deprecated_service_account_field(rendered: Sequence[Object]) -> Iterator[str]:
    return (str(pod) for pod in workloads(rendered) if "serviceAccount" in pod.spec)


def drop_net_raw_capability(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        dropped = container.get("securityContext", {}).get("capabilities", {}).get("drop", [])
        if not {"ALL", "NET_RAW"} & set(dropped):
            yield where


def duplicate_env_var(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        names = [entry["name"] for entry in container.get("env", [])]
        if len(names) != len(set(names)):
            yield where


def env_var_secret(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        for name, entry in environment(container).items():
            if "secret" in name.lower() and entry.get("value"):
                yield f"{where}: {name}"


def host_namespaces(rendered: Sequence[Object]) -> Iterator[str]:
    fields = ("hostIPC", "hostNetwork", "hostPID")
    return (f"{pod}: {name}" for pod in workloads(rendered) for name in fields if pod.spec.get(name))


def host_mounts(rendered: Sequence[Object]) -> Iterator[str]:
    for pod in workloads(rendered):
        for volume in pod.spec.get("volumes", []):
            path = volume.get("hostPath", {}).get("path", "")
            if path in SENSITIVE or path.endswith("docker.sock"):
                yield f"{pod}: {path}"


def invalid_target_ports(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        for port in container.get("ports", []):
            if not PORT_NAME.fullmatch(port.get("name", "unnamed")):
                yield f"{where}: {port['name']}"
    for item in rendered:
        if item["kind"] == "Service":
            for port in item["spec"]["ports"]:
                if isinstance(target := port.get("targetPort"), str) and not PORT_NAME.fullmatch(target):
                    yield f"Service {item['metadata']['name']}: {target}"


def job_ttl_seconds_after_finished(rendered: Sequence[Object]) -> Iterator[str]:
    for item in rendered:
        if item["kind"] == "Job" and "ttlSecondsAfterFinished" not in item["spec"]:
            yield f"Job {item['metadata']['name']} has none"
        if item["kind"] == "CronJob" and "ttlSecondsAfterFinished" in item["spec"]["jobTemplate"]["spec"]:
            yield f"CronJob {item['metadata']['name']} has one beside its history limits"


def latest_tag(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        name = container["image"].rsplit("/", 1)[-1]
        if "@sha256:" not in name and (":" not in name or name.endswith((":latest", ":"))):
            yield f"{where}: {container['image']}"


def probe_port(probe: str) -> Rule:
    def rule(rendered: Sequence[Object]) -> Iterator[str]:
        for where, _, container in containers(rendered):
            ports = {port[key] for port in container.get("ports", []) for key in ("name", "containerPort")}
            for action in ("httpGet", "tcpSocket", "grpc"):
                wanted = container.get(probe, {}).get(action, {}).get("port")
                if wanted is not None and wanted not in ports:
                    yield f"{where}: {wanted} is none of {sorted(map(str, ports))}"

    return rule


def mismatching_selector(rendered: Sequence[Object]) -> Iterator[str]:
    for pod in workloads(rendered):
        selector = pod.owner["spec"].get("selector") if pod.kind in LASTING else None
        if pod.kind in LASTING and (not selector or not matches(selector, pod.labels)):
            yield str(pod)


def scaled(rendered: Sequence[Object]) -> dict[str, int]:
    """The least replicas that each autoscaler keeps."""
    return {
        item["spec"]["scaleTargetRef"]["name"]: item["spec"]["minReplicas"]
        for item in rendered
        if item["kind"] == "HorizontalPodAutoscaler"
    }


def no_anti_affinity(rendered: Sequence[Object]) -> Iterator[str]:
    least = scaled(rendered)
    for pod in workloads(rendered):
        if pod.kind not in LASTING or max(pod.replicas, least.get(pod.name, 1)) < 2:
            continue
        rules = pod.spec.get("affinity", {}).get("podAntiAffinity", {})
        terms: list[Any] = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution", []))
        preferred = rules.get("preferredDuringSchedulingIgnoredDuringExecution", [])
        terms += [one["podAffinityTerm"] for one in preferred]
        if not any(
            term["topologyKey"] == "kubernetes.io/hostname" and matches(term["labelSelector"], pod.labels)
            for term in terms
        ):
            yield str(pod)


def no_read_only_root_fs(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield where


def non_existent_service_account(rendered: Sequence[Object]) -> Iterator[str]:
    known = {item["metadata"]["name"] for item in rendered if item["kind"] == "ServiceAccount"}
    for pod in workloads(rendered):
        if (name := pod.spec.get("serviceAccountName", "default")) not in known | FOREIGN_ACCOUNTS:
            yield f"{pod}: {name}"


def pdb(rendered: Sequence[Object]) -> Iterator[str]:
    """A budget that forbids every eviction blocks the drain of a node, as one that selects nothing guards nothing."""
    least = scaled(rendered)
    pods = [pod for pod in workloads(rendered) if pod.kind in LASTING]
    for item in rendered:
        if item["kind"] != "PodDisruptionBudget":
            continue
        name, spec = item["metadata"]["name"], item["spec"]
        chosen = [pod for pod in pods if matches(spec["selector"], pod.labels)]
        replicas = sum(max(pod.replicas, least.get(pod.name, 1)) for pod in chosen)
        if replicas == 0:
            yield f"{name} guards no pod"
        if spec.get("maxUnavailable") in (0, "0", "0%"):
            yield f"{name} lets no pod go"
        if (at_least := spec.get("minAvailable")) is not None and (at_least == "100%" or int(at_least) >= replicas):
            yield f"{name} wants {at_least} of {replicas}"


def pdb_unhealthy_pod_eviction_policy(rendered: Sequence[Object]) -> Iterator[str]:
    for item in rendered:
        if item["kind"] == "PodDisruptionBudget" and "unhealthyPodEvictionPolicy" not in item["spec"]:
            yield item["metadata"]["name"]


def privileged(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        own = container.get("securityContext", {})
        added = own.get("capabilities", {}).get("add", [])
        if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False or "SYS_ADMIN" in added:
            yield where


def run_as_non_root(rendered: Sequence[Object]) -> Iterator[str]:
    for where, pod, container in containers(rendered):
        effective = {**pod.spec.get("securityContext", {}), **container.get("securityContext", {})}
        if effective.get("runAsNonRoot") is not True or effective.get("runAsGroup") == 0:
            yield where


def ssh_port(rendered: Sequence[Object]) -> Iterator[str]:
    for where, _, container in containers(rendered):
        if any(port["containerPort"] == 22 for port in container.get("ports", [])):
            yield where


def unsafe_sysctls(rendered: Sequence[Object]) -> Iterator[str]:
    for pod in workloads(rendered):
        for one in pod.spec.get("securityContext", {}).get("sysctls", []):
            if one["name"].startswith(UNSAFE_SYSCTLS):
                yield f"{pod}: {one['name']}"


def unset(kind: str, resource: str) -> Rule:
    def rule(rendered: Sequence[Object]) -> Iterator[str]:
        for where, _, container in containers(rendered):
            if resource not in container.get("resources", {}).get(kind, {}):
                yield where

    return rule


# Several of kube-linter's rules stand in one of ours where they look at the same place.
RULES: Final[dict[str, Rule]] = {
    "dangling-service": dangling_service,
    "deprecated-service-account-field": deprecated_service_account_field,
    "drop-net-raw-capability": drop_net_raw_capability,
    "duplicate-env-var": duplicate_env_var,
    "env-var-secret": env_var_secret,
    "host-ipc, host-network, host-pid": host_namespaces,
    "docker-sock, sensitive-host-mounts": host_mounts,
    "invalid-target-ports": invalid_target_ports,
    "job-ttl-seconds-after-finished": job_ttl_seconds_after_finished,
    "latest-tag": latest_tag,
    "liveness-port": probe_port("livenessProbe"),
    "readiness-port": probe_port("readinessProbe"),
    "startup-port": probe_port("startupProbe"),
    "mismatching-selector": mismatching_selector,
    "no-anti-affinity": no_anti_affinity,
    "no-read-only-root-fs": no_read_only_root_fs,
    "non-existent-service-account": non_existent_service_account,
    "pdb-max-unavailable, pdb-min-available": pdb,
    "pdb-unhealthy-pod-eviction-policy": pdb_unhealthy_pod_eviction_policy,
    "privileged-container, privilege-escalation-container": privileged,
    "run-as-non-root": run_as_non_root,
    "ssh-port": ssh_port,
    "unsafe-sysctls": unsafe_sysctls,
    "unset-cpu-requirements": unset("requests", "cpu"),
    "unset-memory-requirements": unset("limits", "memory"),
}


@pytest.mark.parametrize("rule", RULES)
def test_nothing_breaks_the_rule(rule: str) -> None:
    broken = {case.name: said for case in CASES if (said := list(RULES[rule](objects(case))))}
    assert broken == {}


def careless(**changed: object) -> list[Object]:
    """A chart that breaks every rule at once."""
    container = {
        "name": "main",
        "image": "registry.example.com/app:latest",
        "env": [{"name": "APP_SECRET", "value": "hunter2"}, {"name": "TWICE"}],
        "ports": [{"name": "Not_A_Name", "containerPort": 22}],
        "securityContext": {"privileged": True},
        "livenessProbe": {"httpGet": {"port": 1}},
        "readinessProbe": {"httpGet": {"port": 2}},
        "startupProbe": {"tcpSocket": {"port": 3}},
        **changed,
    }
    spec = {
        "serviceAccount": "old",
        "serviceAccountName": "absent",
        "hostNetwork": True,
        "securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
        "volumes": [{"name": "run", "hostPath": {"path": "/var/run/docker.sock"}}],
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": "app"}}, "spec": spec}
    named = {"metadata": {"name": "app"}}
    return [
        {
            "kind": "Deployment",
            **named,
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "other"}}, "template": template},
        },
        {"kind": "Job", **named, "spec": {"template": template}},
        {
            "kind": "Service",
            **named,
            "spec": {"selector": {"app.kubernetes.io/name": "nobody"}, "ports": [{"port": 80}]},
        },
        {
            "kind": "PodDisruptionBudget",
            **named,
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "app"}}},
        },
    ]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "duplicate-env-var"])
def test_the_rule_refuses_a_careless_chart(rule: str) -> None:
    assert list(RULES[rule](careless()))


def test_a_variable_set_twice_is_refused() -> None:
    assert list(duplicate_env_var(careless(env=[{"name": "TWICE"}, {"name": "TWICE"}])))
