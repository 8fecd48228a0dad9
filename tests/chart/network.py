"""Who reaches whom under the rendered NetworkPolicies: the rules of networking.k8s.io/v1 evaluated over labels.

A connection is allowed when the source's egress and the target's ingress both allow it; a pod that no policy of a
direction selects is open in that direction. The network plug-in is taken to do what the API says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final

from tests.chart.helm import Object
from tests.chart.workloads import Workload, workloads

Labels = Mapping[str, str]
NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
NOTHING: Final[Labels] = {}


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod with its namespace's labels, or an address outside the cluster."""

    name: str
    namespace: str = ""
    labels: Labels = field(default_factory=dict)
    namespace_labels: Labels = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = "10.128.0.1"

    @property
    def is_pod(self) -> bool:
        return bool(self.namespace)

    def __str__(self) -> str:
        return self.name


def in_namespace(workload: Workload, namespace: str) -> Peer:
    """The pod that a rendered object makes, as an end of connections."""
    here = workload.owner["metadata"].get("namespace", namespace)
    ports = {
        port["name"]: port["containerPort"]
        for container in workload.all_containers
        for port in container.get("ports", [])
        if "name" in port
    }
    return Peer(workload.name, here, workload.labels, {NAMESPACE_NAME: here}, ports)


class Network:
    """The policies of one render. Peers are told apart by their names."""

    def __init__(self, rendered: Sequence[Object], namespace: str) -> None:
        self._namespace = namespace
        self._policies = [item for item in rendered if item["kind"] == "NetworkPolicy"]
        self._selecting: dict[tuple[str, str, str], list[Object]] = {}

    def allows(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether `source` can open a connection to that port of `target`."""
        leaves = self._allows("Egress", source, target, target, port, protocol)
        return leaves and self._allows("Ingress", target, source, target, port, protocol)

    def _allows(self, way: str, mine: Peer, other: Peer, target: Peer, port: int, protocol: str) -> bool:
        if not mine.is_pod:
            return True
        place = (way, mine.namespace, mine.name)
        if (selecting := self._selecting.get(place)) is None:
            selecting = [policy for policy in self._policies if self._selects(policy, mine, way)]
            self._selecting[place] = selecting
        if not selecting:
            return True
        return any(
            self._peers_match(rule.get("from" if way == "Ingress" else "to"), policy, other)
            and _port_matches(rule.get("ports"), target, port, protocol)
            for policy in selecting
            for rule in policy["spec"].get(way.lower(), [])
        )

    def _selects(self, policy: Object, pod: Peer, way: str) -> bool:
        here = policy["metadata"].get("namespace", self._namespace)
        kinds = policy["spec"].get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in policy["spec"] else [])]
        return here == pod.namespace and way in kinds and selected(policy["spec"]["podSelector"], pod.labels)

    def _peers_match(self, peers: Sequence[Object] | None, policy: Object, other: Peer) -> bool:
        if not peers:
            return True
        here = policy["metadata"].get("namespace", self._namespace)
        return any(_peer_matches(peer, other, here) for peer in peers)


def _peer_matches(peer: Object, other: Peer, here: str) -> bool:
    if (block := peer.get("ipBlock")) is not None:
        address = ip_address(other.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(cut) for cut in block.get("except", [])
        )
    if not other.is_pod:
        return False
    if (namespaces := peer.get("namespaceSelector")) is not None:
        if not selected(namespaces, other.namespace_labels):
            return False
    elif other.namespace != here:
        return False
    return selected(peer.get("podSelector", {}), other.labels)


def _port_matches(ports: Sequence[Object] | None, target: Peer, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for rule in ports:
        if rule.get("protocol", "TCP") != protocol:
            continue
        wanted = rule.get("port")
        if wanted is None:
            return True
        first: int | None = target.ports.get(wanted) if isinstance(wanted, str) else int(wanted)
        if first is not None and first <= port <= int(rule.get("endPort", first)):
            return True
    return False


def selected(selector: Object, labels: Labels) -> bool:
    """Whether a label selector chooses these labels; an empty one chooses all."""
    if not selector.get("matchLabels", NOTHING).items() <= labels.items():
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions", []))


def _expression(one: Mapping[str, Any], labels: Labels) -> bool:
    has, value = one["key"] in labels, labels.get(one["key"])
    outcomes = {
        "In": has and value in one.get("values", []),
        "NotIn": not has or value not in one.get("values", []),
        "Exists": has,
        "DoesNotExist": not has,
    }
    return outcomes[one["operator"]]


def pods(rendered: Sequence[Object], namespace: str) -> Iterator[tuple[Workload, Peer]]:
    """Each object that makes pods, and its pod as an end of connections."""
    for workload in workloads(rendered):
        yield workload, in_namespace(workload, namespace)
