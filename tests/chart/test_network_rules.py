"""The evaluation of NetworkPolicies itself, by examples of the API's documentation of what a rule means."""

import pytest

from tests.chart.helm import Object
from tests.chart.network import Network, Peer

HERE = "hub"
WEB = Peer("web", HERE, {"app": "web"}, {"kubernetes.io/metadata.name": HERE}, {"http": 8080})
DATABASE = Peer("database", HERE, {"app": "database"}, {"kubernetes.io/metadata.name": HERE}, {"sql": 5432})
STRANGER = Peer("stranger", "elsewhere", {"app": "web"}, {"kubernetes.io/metadata.name": "elsewhere"})
OUTSIDE = Peer("outside", address="203.0.113.7")
METADATA = Peer("metadata", address="169.254.169.254")


def policy(selects: Object | None = None, **spec: object) -> Object:
    kinds = [kind for kind in ("Ingress", "Egress") if kind.lower() in spec]
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": "one"},
        "spec": {"podSelector": selects or {}, "policyTypes": kinds, **spec},
    }


def only(app: str) -> Object:
    return {"matchLabels": {"app": app}}


def test_without_policies_all_is_open() -> None:
    assert Network([], HERE).allows(STRANGER, DATABASE, 5432)


def test_a_policy_without_rules_closes_its_direction_only() -> None:
    network = Network([policy(ingress=[])], HERE)
    assert not network.allows(WEB, DATABASE, 5432)
    assert network.allows(WEB, OUTSIDE, 443)


def test_policies_add_up() -> None:
    network = Network(
        [policy(ingress=[]), policy(only("database"), ingress=[{"from": [{"podSelector": only("web")}]}])], HERE
    )
    assert network.allows(WEB, DATABASE, 5432)
    assert not network.allows(DATABASE, WEB, 8080)


def test_a_pod_selector_alone_means_this_namespace() -> None:
    network = Network([policy(ingress=[{"from": [{"podSelector": only("web")}]}])], HERE)
    assert network.allows(WEB, DATABASE, 5432)
    assert not network.allows(STRANGER, DATABASE, 5432)


def test_both_selectors_of_one_peer_must_match() -> None:
    elsewhere = {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}
    both = Network([policy(ingress=[{"from": [{"namespaceSelector": elsewhere, "podSelector": only("api")}]}])], HERE)
    assert not both.allows(STRANGER, DATABASE, 5432)
    either = Network(
        [policy(ingress=[{"from": [{"namespaceSelector": elsewhere}, {"podSelector": only("api")}]}])], HERE
    )
    assert either.allows(STRANGER, DATABASE, 5432)


@pytest.mark.parametrize(
    ("port", "allowed"),
    [
        ({"port": 5432}, True),
        ({"port": "sql"}, True),
        ({"port": "http"}, False),
        ({"port": 5000, "endPort": 6000}, True),
    ],
)
def test_ports_by_number_name_and_range(port: Object, allowed: bool) -> None:  # noqa: FBT001 - parametrised
    assert Network([policy(ingress=[{"ports": [port]}])], HERE).allows(WEB, DATABASE, 5432) is allowed


def test_a_port_is_of_one_protocol() -> None:
    network = Network([policy(egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}])], HERE)
    assert network.allows(WEB, OUTSIDE, 53, "UDP")
    assert not network.allows(WEB, OUTSIDE, 53)


def test_blocks_of_addresses_with_exceptions() -> None:
    block = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}
    network = Network([policy(egress=[{"to": [block]}])], HERE)
    assert network.allows(WEB, OUTSIDE, 443)
    assert not network.allows(WEB, METADATA, 80)


def test_a_target_that_no_selector_of_a_namespace_names_is_out_of_reach() -> None:
    network = Network([policy(egress=[{"to": [{"namespaceSelector": {}}]}])], HERE)
    assert network.allows(WEB, STRANGER, 80)
    assert not network.allows(WEB, OUTSIDE, 80)
