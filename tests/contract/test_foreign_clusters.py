"""What a caller sees of clusters that are not his: exactly what he sees of clusters that do not exist."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.hub import Answer, Hub

CLUSTERS = "/api/v1/clusters"
UNREACHABLE = {"endpoints": {"prometheus_url": "http://127.0.0.1:1"}}
NOT_FOUND = (404, "CLUSTER_NOT_FOUND")
DENIED = (403, "PERMISSION_DENIED")


@pytest.fixture(scope="module")
def own(hub: Hub) -> dict[str, Any]:
    return hub.register("own", labels={"team": "blue"}, **UNREACHABLE)


@pytest.fixture(scope="module")
def foreign(hub: Hub) -> dict[str, Any]:
    return hub.register("foreign", labels={"team": "red"}, **UNREACHABLE)


@pytest.fixture(scope="module")
def viewer(hub: Hub, own: dict[str, Any]) -> Hub:
    """A viewer of one cluster, by its id."""
    return hub.signed_in(hub.token_for("viewer", {"ids": [own["id"]]}))


@pytest.fixture(scope="module")
def operator(hub: Hub, own: dict[str, Any]) -> Hub:
    """An operator of one team's clusters, by their label."""
    return hub.signed_in(hub.token_for("operator", {"labels": {"team": "blue"}}))


@pytest.fixture(params=["viewer", "operator"])
def caller(request: pytest.FixtureRequest) -> Hub:
    found: Hub = request.getfixturevalue(request.param)
    return found


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


READS = ["", "/status", "/health-history"]
QUESTIONS = [
    ("/api/v1/metrics/query", {"query": "up"}),
    ("/api/v1/metrics/query_range", {"query": "up"}),
    ("/api/v1/metrics/query", {"query": "up", "mode": "per_cluster"}),
    ("/api/v1/analysis/anomaly", {"query": "up"}),
]
LISTS = [
    "/api/v1/alerts?",
    "/api/v1/alerts/history?",
    "/api/v1/alerts/summary?",
    "/api/v1/alerts/groups?",
    "/api/v1/metrics/labels?",
    "/api/v1/metrics/label/job/values?",
    "/api/v1/metrics/series?match[]=up&",
    "/api/v1/metrics/metadata?",
]


@pytest.mark.parametrize("path", READS)
def test_a_foreign_cluster_is_read_like_one_that_does_not_exist(
    caller: Hub, own: dict[str, Any], foreign: dict[str, Any], path: str
) -> None:
    assert caller.ask("GET", f"{CLUSTERS}/{own['id']}{path}").status == 200
    there = caller.ask("GET", f"{CLUSTERS}/{foreign['id']}{path}")
    nowhere = caller.ask("GET", f"{CLUSTERS}/{uuid4()}{path}")
    assert outcome(there) == outcome(nowhere) == NOT_FOUND
    assert b"foreign" not in there.body


def test_a_foreign_name_is_not_known(caller: Hub, own: dict[str, Any], foreign: dict[str, Any]) -> None:
    assert caller.ask("GET", f"{CLUSTERS}/by-name/own").json()["id"] == own["id"]
    assert outcome(caller.ask("GET", f"{CLUSTERS}/by-name/foreign")) == NOT_FOUND
    assert outcome(caller.ask("GET", f"{CLUSTERS}/by-name/nowhere")) == NOT_FOUND


def test_lists_and_sums_hold_ones_own_only(caller: Hub, own: dict[str, Any], foreign: dict[str, Any]) -> None:
    for query in ("", "?name=foreign", "?search=foreign", "?label=team=red", "?sort=-name"):
        found = caller.ask("GET", f"{CLUSTERS}{query}").json()
        assert {cluster["name"] for cluster in found["items"]} <= {"own"}
        assert found["total"] == len(found["items"])
    assert caller.ask("GET", "/api/v1/fleet/summary").json()["total_clusters"] == 1


@pytest.mark.parametrize(("path", "document"), QUESTIONS)
def test_a_foreign_cluster_is_not_asked(
    caller: Hub, own: dict[str, Any], foreign: dict[str, Any], path: str, document: dict[str, Any]
) -> None:
    for ids in ([foreign["id"]], [own["id"], foreign["id"]], [str(uuid4())]):
        answer = caller.ask("POST", path, {**document, "cluster_ids": ids})
        assert outcome(answer) == NOT_FOUND
    everything = caller.ask("POST", path, document)
    assert outcome(everything) == (503, "CLUSTER_UNREACHABLE")
    assert b"foreign" not in everything.body
    assert foreign["id"].encode() not in everything.body


@pytest.mark.parametrize("path", LISTS)
def test_a_foreign_cluster_is_not_looked_up(
    caller: Hub, own: dict[str, Any], foreign: dict[str, Any], path: str
) -> None:
    for ids in (foreign["id"], f"{own['id']},{foreign['id']}", str(uuid4())):
        assert outcome(caller.ask("GET", f"{path}cluster_ids={ids}")) == NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", CLUSTERS, {"name": "mine-too", "labels": {"team": "blue"}}),
        ("PUT", CLUSTERS + "/{id}", {}),
        ("DELETE", CLUSTERS + "/{id}", None),
        ("POST", CLUSTERS + "/{id}/refresh", None),
        ("POST", CLUSTERS + "/{id}/webhook-token", None),
        ("POST", CLUSTERS + "/{id}/credentials", {"auth_type": "SERVICE_ACCOUNT", "token": "t"}),
        ("DELETE", CLUSTERS + "/{id}/credentials", None),
        ("POST", "/api/v1/tokens", {"name": "more", "role": "admin"}),
        ("GET", "/api/v1/tokens", None),
        ("GET", "/api/v1/audit", None),
        ("GET", "/api/v1/streaming/status", None),
        ("GET", "/api/v1/streaming/clients", None),
    ],
)
def test_neither_role_writes_or_administers(
    hub: Hub, caller: Hub, own: dict[str, Any], foreign: dict[str, Any], method: str, path: str, document: Any
) -> None:
    before = hub.ask("GET", f"{CLUSTERS}/{own['id']}").json()["version"]
    for cluster in (own, foreign):
        assert outcome(caller.ask(method, path.format(id=cluster["id"]), document)) == DENIED
    assert hub.ask("GET", f"{CLUSTERS}/{own['id']}").json()["version"] == before
    assert hub.names() == {"own", "foreign"}


def test_an_administrator_of_some_clusters_reaches_no_others(hub: Hub, foreign: dict[str, Any]) -> None:
    blue = hub.signed_in(hub.token_for("admin", {"labels": {"team": "blue"}}))
    target = f"{CLUSTERS}/{foreign['id']}"
    for method, path, document in (
        ("PUT", target, {"labels": {"team": "blue"}}),
        ("DELETE", target, None),
        ("POST", f"{target}/refresh", None),
        ("POST", f"{target}/webhook-token", None),
        ("POST", f"{target}/credentials", {"auth_type": "SERVICE_ACCOUNT", "token": "t"}),
        ("DELETE", f"{target}/credentials", None),
    ):
        assert outcome(blue.ask(method, path, document)) == NOT_FOUND
    assert outcome(blue.ask("POST", CLUSTERS, {"name": "red-one", "labels": {"team": "red"}})) == DENIED
    for method, path, document in (
        ("GET", "/api/v1/audit", None),
        ("GET", "/api/v1/tokens", None),
        ("POST", "/api/v1/tokens", {"name": "more", "role": "admin"}),
        ("GET", "/api/v1/streaming/status", None),
    ):
        assert outcome(blue.ask(method, path, document)) == DENIED


def test_nobody_gives_a_cluster_away_from_his_own_reach(hub: Hub, own: dict[str, Any]) -> None:
    blue = hub.signed_in(hub.token_for("admin", {"labels": {"team": "blue"}}))
    answer = blue.ask("PUT", f"{CLUSTERS}/{own['id']}", {"labels": {"team": "red"}})
    assert outcome(answer) == DENIED


def test_a_revoked_token_is_worth_nothing(hub: Hub) -> None:
    made = hub.ask("POST", "/api/v1/tokens", {"name": "short", "role": "viewer"}).json()
    caller = hub.signed_in(made["token"])
    assert caller.ask("GET", "/api/v1/me").status == 200
    assert hub.ask("DELETE", f"/api/v1/tokens/{made['id']}").status == 204
    assert outcome(caller.ask("GET", "/api/v1/me")) == (401, "AUTH_FAILED")
