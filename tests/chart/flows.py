"""The connections that a release needs, read from what it renders: settings, Services, Routes, monitors and hooks.

What nobody configures is not required here, so a policy that allows more than is needed is caught by the forbidden
connections of `test_reachability.py`, which are written by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiops.compose import NEEDS
from tests.chart.helm import Case, Object, objects
from tests.chart.network import NAMESPACE_NAME, Peer, pods
from tests.chart.workloads import Workload, environment

# The chart's component -> the product's role.
ROLES: Final = {
    "api-gateway": "gateway",
    "cluster-registry": "registry",
    "observability-collector": "collector",
    "intelligence-engine": "intelligence",
    "realtime-streaming": "streaming",
}
COMPONENTS: Final = {role: component for component, role in ROLES.items()}
# Whose addresses only running clusters know: spokes, model providers, sign-in, object stores.
TALKS_TO_THE_WORLD: Final = ("api-gateway", "cluster-registry", "observability-collector", "intelligence-engine")
STORES: Final = {"DATABASE_URL": ("postgresql", 5432), "REDIS_URL": ("redis", 6379)}

ROUTER: Final = Peer(
    "router",
    "openshift-ingress",
    {"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"},
    {
        NAMESPACE_NAME: "openshift-ingress",
        "network.openshift.io/policy-group": "ingress",
        "policy-group.network.openshift.io/ingress": "",
    },
)
PROMETHEUS: Final = Peer(
    "prometheus",
    "openshift-user-workload-monitoring",
    {"app.kubernetes.io/name": "prometheus"},
    {
        NAMESPACE_NAME: "openshift-user-workload-monitoring",
        "network.openshift.io/policy-group": "monitoring",
    },
)
OPENSHIFT_DNS: Final = Peer(
    "DNS of OpenShift",
    "openshift-dns",
    {"dns.operator.openshift.io/daemonset-dns": "default"},
    {NAMESPACE_NAME: "openshift-dns"},
    {"dns": 5353, "dns-tcp": 5353},
)
KUBE_DNS: Final = Peer(
    "DNS of Kubernetes",
    "kube-system",
    {"k8s-app": "kube-dns"},
    {NAMESPACE_NAME: "kube-system"},
    {"dns": 53, "dns-tcp": 53},
)
CNPG_OPERATOR: Final = Peer(
    "CloudNativePG's operator",
    "cnpg-system",
    {"app.kubernetes.io/name": "cloudnative-pg"},
    {NAMESPACE_NAME: "cnpg-system"},
)
# A host-network pod: no selector names it, an address does.
API_SERVER: Final = Peer("API server", address="10.0.0.1")
MODELS: Final = Peer("hub of models", address="198.51.100.30")
SPOKE: Final = Peer("spoke", address="198.51.100.20")


@dataclass(frozen=True)
class Flow:
    """One connection."""

    source: Peer
    target: Peer
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}:{self.port}/{self.protocol}"


class Release:
    """The pods of one render by name, and the Services in front of them."""

    def __init__(self, case: Case) -> None:
        self.rendered = objects(case)
        self.case = case
        self.pods = list(pods(self.rendered, case.namespace))
        self.instances = next((self._instances(item) for item in self.rendered if item["kind"] == "Cluster"), None)

    def peer(self, name: str) -> Peer | None:
        """The pod that the workload of that name makes; CloudNativePG's stand for postgresql."""
        if name == "postgresql" and self.instances is not None:
            return self.instances
        return next((peer for workload, peer in self.pods if workload.name == name), None)

    def _instances(self, cluster: Object) -> Peer:
        labels = cluster["spec"]["inheritedMetadata"]["labels"]
        ports = {"postgresql": 5432, "status": 8000}
        return Peer("instances", self.case.namespace, labels, {NAMESPACE_NAME: self.case.namespace}, ports)

    def behind(self, service: str, port: int | str) -> Iterator[tuple[Peer, int]]:
        """The pods and ports to which a Service leads."""
        for item in self.rendered:
            if item["kind"] != "Service" or item["metadata"]["name"] != service:
                continue
            place = item["metadata"].get("namespace", self.case.namespace)
            selector = item["spec"].get("selector", {})
            chosen = [peer for workload, peer in self.pods if peer.namespace == place and workload.behind(selector)]
            for rule in item["spec"]["ports"]:
                if port not in (rule["port"], rule.get("name")):
                    continue
                target = rule.get("targetPort", rule["port"])
                for peer in chosen:
                    number = peer.ports.get(target) if isinstance(target, str) else target
                    if number is None:
                        raise LookupError(f"Service {service} leads to port {target}, which {peer} does not name")
                    yield peer, number


def required(case: Case) -> Iterator[Flow]:
    """All connections without which this release would not work."""
    release = Release(case)
    for workload, peer in release.pods:
        yield from _names(peer)
        yield from _stores(release, workload, peer)
        yield from _peers(release, workload, peer)
        if workload.hooks and "test" not in workload.hooks and workload.spec.get("automountServiceAccountToken", True):
            yield Flow(peer, API_SERVER, 6443)
    yield from _world(release)
    yield from _optional_parts(release)
    yield from _members(release)
    yield from _operated(release)
    yield from _visitors(release)


def _names(peer: Peer) -> Iterator[Flow]:
    for protocol in ("UDP", "TCP"):
        yield Flow(peer, OPENSHIFT_DNS, 5353, protocol)
        yield Flow(peer, KUBE_DNS, 53, protocol)


def _stores(release: Release, workload: Workload, peer: Peer) -> Iterator[Flow]:
    wanted = {name for container in workload.all_containers for name in environment(container)}
    for variable, (store, port) in STORES.items():
        target = release.peer(store)
        if variable in wanted and target is not None:
            yield Flow(peer, target, port)


def _peers(release: Release, workload: Workload, peer: Peer) -> Iterator[Flow]:
    """The other roles that this one calls; each by the URL that the pod is given."""
    role = ROLES.get(workload.name)
    for needed in NEEDS.get(role or "", ()):
        variable = f"{COMPONENTS[needed].upper().replace('-', '_')}_URL"
        url = urlsplit(environment(workload.containers[0])[variable]["value"])
        found = list(release.behind(str(url.hostname).split(".")[0], url.port or 80))
        if not found:
            raise LookupError(f"{variable} of {workload} leads to no pod: {url.geturl()}")
        yield from (Flow(peer, target, port) for target, port in found)


def _world(release: Release) -> Iterator[Flow]:
    for name in TALKS_TO_THE_WORLD:
        if (peer := release.peer(name)) is not None:
            yield Flow(peer, API_SERVER, 6443)
            yield Flow(peer, SPOKE, 443)
            if not release.case.values.get("networkPolicy", {}).get("strictEgress"):
                yield Flow(peer, SPOKE, 9091)


def _optional_parts(release: Release) -> Iterator[Flow]:
    """The model's and the object store's servers, where the release brings them, and what `helm test` asks."""
    engine = release.peer("intelligence-engine")
    if engine is not None:
        for server, port in (("vllm-inference", 8080), ("vllm", 8080), ("minio", 9000)):
            if (target := release.peer(server)) is not None:
                yield Flow(engine, target, port)
    for server in ("vllm-inference", "vllm"):
        if (peer := release.peer(server)) is not None and not release.case.values["llm"].get("offline"):
            yield Flow(peer, MODELS, 443)
    for workload, peer in release.pods:
        if "test" in workload.hooks:
            for front in ("api-gateway", "frontend"):
                if (target := release.peer(front)) is not None:
                    yield Flow(peer, target, 8080)


def _members(release: Release) -> Iterator[Flow]:
    """What the replicas of a store say to each other."""
    for name, ports in {"postgresql": (5432,), "redis": (6379, 26379)}.items():
        peer = release.peer(name)
        workload = next((one for one, _ in release.pods if one.name == name), None)
        if peer is not None and workload is not None and workload.replicas > 1:
            yield from (Flow(peer, peer, port) for port in ports if port in peer.ports.values())


def _operated(release: Release) -> Iterator[Flow]:
    """What CloudNativePG's operator and its instances need; each instance manages itself through the API server."""
    if release.instances is not None:
        yield Flow(CNPG_OPERATOR, release.instances, 8000)
        yield Flow(release.instances, release.instances, 5432)
        yield Flow(release.instances, API_SERVER, 6443)
        yield from _names(release.instances)


def _visitors(release: Release) -> Iterator[Flow]:
    """Routers, and Prometheus at every endpoint that a monitor names."""
    for service, port in fronts(release.rendered):
        yield from (Flow(ROUTER, target, number) for target, number in release.behind(service, port))
    for item in release.rendered:
        if item["kind"] != "ServiceMonitor":
            continue
        wanted = item["spec"]["selector"]["matchLabels"]
        for front in release.rendered:
            if front["kind"] == "Service" and wanted.items() <= front["metadata"].get("labels", {}).items():
                for endpoint in item["spec"]["endpoints"]:
                    found = release.behind(front["metadata"]["name"], endpoint["port"])
                    yield from (Flow(PROMETHEUS, target, number) for target, number in found)


def fronts(rendered: Sequence[Object]) -> Iterator[tuple[str, int | str]]:
    """The Services, with their ports, that Routes, Ingresses and HTTPRoutes lead to."""
    for item in rendered:
        spec = item.get("spec", {})
        if item["kind"] == "Route":
            yield spec["to"]["name"], spec["port"]["targetPort"]
        elif item["kind"] == "Ingress":
            for rule in spec["rules"]:
                for path in rule["http"]["paths"]:
                    port = path["backend"]["service"]["port"]
                    yield path["backend"]["service"]["name"], port.get("name") or port["number"]
        elif item["kind"] == "HTTPRoute":
            for rule in spec["rules"]:
                yield from ((backend["name"], backend["port"]) for backend in rule["backendRefs"])
