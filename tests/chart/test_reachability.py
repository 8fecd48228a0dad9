"""Who can reach whom under the chart's NetworkPolicies: all that is needed, none of what is forbidden."""

from collections.abc import Iterator

import pytest

from tests.chart.cases import CASES, CNPG_DATABASE, DEFAULT, LLM, MINIO, PROD, STRICT_EGRESS
from tests.chart.flows import API_SERVER, PROMETHEUS, ROUTER, SPOKE, Flow, Release, required
from tests.chart.helm import NAMESPACE, Case, objects
from tests.chart.network import NAMESPACE_NAME, Network, Peer

STRANGER = Peer("a pod of another namespace", "elsewhere", {"app": "x"}, {NAMESPACE_NAME: "elsewhere"})
# It carries our gateway's labels, which proves nothing outside our namespace.
IMPOSTOR = Peer(
    "an impostor in another namespace",
    "elsewhere",
    {"app.kubernetes.io/name": "api-gateway", "app.kubernetes.io/part-of": "aiops-nextgen"},
    {NAMESPACE_NAME: "elsewhere"},
)
NEIGHBOUR = Peer("a foreign pod of our namespace", NAMESPACE, {"app": "x"}, {NAMESPACE_NAME: NAMESPACE})
METADATA = Peer("the cloud's metadata service", address="169.254.169.254")
BACKENDS = ("cluster-registry", "observability-collector", "intelligence-engine", "realtime-streaming")
STORES = {"postgresql": 5432, "redis": 6379}
# Together they render every policy that there is.
ALL_POLICIES = (DEFAULT, PROD, STRICT_EGRESS, CNPG_DATABASE, LLM["vllm", "3b"], LLM["kserve", "3b"], MINIO)
CLOSED = [case for case in CASES if case.values.get("networkPolicy", {}).get("enabled", True)]


def forbidden(case: Case) -> Iterator[Flow]:
    """Connections that nobody needs, each of which would help an intruder."""
    release = Release(case)
    found = {name: peer for name in ("api-gateway", "frontend", *BACKENDS, *STORES) if (peer := release.peer(name))}
    for name, port in STORES.items():
        if name in found:
            outsiders = (STRANGER, IMPOSTOR, NEIGHBOUR, ROUTER, PROMETHEUS, found["frontend"])
            yield from (Flow(source, found[name], port) for source in outsiders)
            yield Flow(found[name], found["cluster-registry"], 8080)
            if found[name] is not release.instances:  # those speak to the API server, wherever it is
                yield Flow(found[name], SPOKE, 443)
    for name in BACKENDS:
        yield from (
            Flow(source, found[name], 8080) for source in (STRANGER, IMPOSTOR, NEIGHBOUR, ROUTER, found["frontend"])
        )
    yield from (Flow(source, found["api-gateway"], 8080) for source in (STRANGER, IMPOSTOR, NEIGHBOUR))
    yield from (Flow(source, found["frontend"], 8080) for source in (STRANGER, IMPOSTOR, NEIGHBOUR))
    yield from (Flow(STRANGER, peer, 8080) for _, peer in release.pods if peer.namespace == case.namespace)
    yield from (Flow(found["frontend"], target, 443) for target in (SPOKE, API_SERVER))
    yield from (Flow(peer, METADATA, 80) for peer in found.values())


@pytest.mark.parametrize("case", CLOSED, ids=lambda case: case.name)
def test_what_is_needed_is_reached(case: Case) -> None:
    network = Network(objects(case), case.namespace)
    flows = list(required(case))
    assert len(flows) > 50
    assert [str(flow) for flow in flows if not allowed(network, flow)] == []


@pytest.mark.parametrize("case", CLOSED, ids=lambda case: case.name)
def test_what_is_forbidden_is_not_reached(case: Case) -> None:
    network = Network(objects(case), case.namespace)
    assert [str(flow) for flow in forbidden(case) if allowed(network, flow)] == []


def test_no_policy_can_be_taken_away() -> None:
    """Without any one of them, in some way to install, something needed is cut off or something forbidden is open."""
    names = {item["metadata"]["name"] for case in CLOSED for item in objects(case) if item["kind"] == "NetworkPolicy"}
    assert names == {name for case in ALL_POLICIES for name in needed_policies(case)}


def needed_policies(case: Case) -> Iterator[str]:
    rendered = objects(case)
    needed, unwanted = list(required(case)), list(forbidden(case))
    whole = Network(rendered, case.namespace)
    assert not any(allowed(whole, flow) for flow in unwanted), "else every policy would seem to be needed"
    for policy in (item for item in rendered if item["kind"] == "NetworkPolicy"):
        network = Network([item for item in rendered if item is not policy], case.namespace)
        if not all(allowed(network, flow) for flow in needed) or any(allowed(network, flow) for flow in unwanted):
            yield policy["metadata"]["name"]


def allowed(network: Network, flow: Flow) -> bool:
    return network.allows(flow.source, flow.target, flow.port, flow.protocol)
