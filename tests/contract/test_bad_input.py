"""What a hub answers to callers that send nonsense or ask for what is not theirs: a 4xx that says why, and no harm."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.hub import Hub
from tests.servers.waiting import until

CLUSTERS = "/api/v1/clusters"
QUERY = "/api/v1/metrics/query"
WEBHOOK = "/api/v1/alerts/webhook"
PLAN = "/api/v1/metrics/plan"
RANGE = "/api/v1/metrics/query_range"
NOBODY = uuid4()
UNREACHABLE = {"endpoints": {"prometheus_url": "http://127.0.0.1:1"}}
DEEP = b"[" * 200_000


@pytest.fixture(scope="module")
def east(hub: Hub) -> dict[str, Any]:
    return hub.register("east", labels={"site": "east"}, **UNREACHABLE)


@pytest.fixture(scope="module")
def west(hub: Hub) -> dict[str, Any]:
    return hub.register("west", labels={"site": "west"}, **UNREACHABLE)


@pytest.fixture(autouse=True)
def unharmed(hub: Hub, east: dict[str, Any], west: dict[str, Any]) -> Any:
    before = hub.names()
    yield
    assert hub.ask("GET", "/ready").status == 200
    assert hub.names() == before


# --- who calls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "AUTH_REQUIRED"),
        ("Bearer wrong", "AUTH_FAILED"),
        ("Bearer aiops_" + "0" * 32 + "_x", "AUTH_FAILED"),
        ("Bearer " + "x" * 8000, "AUTH_FAILED"),
        ("Bearer \xff\xfe", "AUTH_FAILED"),
    ],
)
@pytest.mark.parametrize("path", [CLUSTERS, "/api/v1/alerts", "/api/v1/me", "/health/detailed"])
def test_nobody_and_strangers_get_401(hub: Hub, path: str, authorization: str, code: str) -> None:
    answer = hub.send("GET", path, headers={"Authorization": authorization})
    assert (answer.status, answer.code) == (401, code)


def test_a_hop_from_outside_opens_nothing(hub: Hub) -> None:
    answer = hub.send("GET", CLUSTERS, headers={"Authorization": "", "X-Aiops-Identity": "e30.e30.e30"})
    assert (answer.status, answer.code) == (401, "AUTH_REQUIRED")


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/clusters/../../../internal/v1/registry/targets",
        "/api/v1/clusters/%2e%2e/%2e%2e/%2e%2e/internal/v1/registry/targets",
        "/api/v1/clusters/..%2f..%2f..%2finternal/v1/registry/targets",
        "/api/v1/clusters/..\\..\\..\\internal\\v1\\registry\\targets",
        "/internal/v1/registry/targets",
        "//internal/v1/registry/targets",
        "/api//v1/clusters/x",
        "/api/v1/nothing",
        "/assets/../../../../etc/passwd",
        "/assets/%2e%2e%2f%2e%2e%2fapp.py",
        "/%2e%2e/%2e%2e/etc/passwd.txt",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_path_leads_out(hub: Hub, method: str, target: str) -> None:
    answer = hub.send(method, target, b"{}" if method == "POST" else None)
    assert answer.status in (400, 404, 405)
    assert answer.code in ("INVALID_REQUEST", "NOT_FOUND", "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("path", [f"{CLUSTERS}/%00", f"{CLUSTERS}/by-name/a%00b", "/api/v1/alerts/%00", "/%00"])
def test_a_nul_in_a_path(hub: Hub, path: str) -> None:
    answer = hub.send("GET", path)
    assert (answer.status, answer.code) in {(400, "INVALID_REQUEST"), (404, "NOT_FOUND")}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", CLUSTERS), ("DELETE", CLUSTERS), ("GET", QUERY), ("PUT", "/api/v1/me"), ("BREW", CLUSTERS)],
)
def test_a_wrong_method(hub: Hub, method: str, path: str) -> None:
    answer = hub.send(method, path)
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")


# --- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        f"page={10**23}",
        "page=0",
        "page=-1",
        "page=x",
        "page_size=101",
        "page_size=0",
        "nonsense=1",
        "name=a%00b",
        "name=%ff",
        "sort=nothing",
        "state=nothing",
        "label=without",
    ],
)
def test_wrong_parameters_of_a_list(hub: Hub, query: str) -> None:
    answer = hub.send("GET", f"{CLUSTERS}?{query}")
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/alerts", "cluster_ids=x"),
        ("/api/v1/alerts", "sort=nothing"),
        ("/api/v1/alerts", "label=without"),
        ("/api/v1/alerts/history", "start_time=2026-01-01T00:00:00"),
        ("/api/v1/alerts/history", "start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z"),
        ("/api/v1/alerts/history", "end_time=0001-01-01T00:00:00Z"),
        ("/api/v1/alerts/groups", "by=nothing"),
        ("/api/v1/metrics/labels", "timeout=soon"),
        ("/api/v1/metrics/labels", "limit=0"),
        ("/api/v1/metrics/labels", "start_time=2026-01-01T00:00:00"),
        ("/api/v1/metrics/series", ""),
        ("/api/v1/audit", "cluster_id=x"),
    ],
)
def test_wrong_parameters_elsewhere(hub: Hub, path: str, query: str) -> None:
    answer = hub.send("GET", f"{path}?{query}")
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CLUSTERS, QUERY, "/api/v1/analysis/anomaly", "/api/v1/session", "/api/v1/tokens"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b"{",
        b"\xff\xfe",
        b'{"name": "\xff"}',
        DEEP,
        b'{"name":' + DEEP,
        b'{"name": "a\\u0000b"}',
    ],
    ids=["empty", "null", "list", "number", "open", "no-text", "no-utf8", "deep", "deep-inside", "nul"],
)
def test_a_body_that_is_none(hub: Hub, path: str, body: bytes) -> None:
    answer = hub.send("POST", path, body)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("path", [CLUSTERS, QUERY, "/api/v1/session"])
def test_a_body_that_is_too_large(hub: Hub, path: str) -> None:
    answer = hub.send("POST", path, b'{"name": "' + b"x" * 20_000_000 + b'"}')
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_body_of_another_type(hub: Hub, kind: str) -> None:
    answer = hub.send("POST", CLUSTERS, b'{"name": "other"}', {"Content-Type": kind})
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("name", ["", "ab", "Upper", "-begins", "ends-", "x" * 64, "a b c", "ünder", "new\nline"])
def test_a_bad_name(hub: Hub, name: str) -> None:
    answer = hub.ask("POST", CLUSTERS, {"name": name})
    assert (answer.status, answer.code) == (400, "INVALID_CLUSTER_NAME")


@pytest.mark.parametrize(
    "fields",
    [
        {"nonsense": 1},
        {"cluster_type": "MOON"},
        {"labels": {"": "x"}},
        {"labels": {"a": 1}},
        {"labels": {"\ud7ff": "x" * 300}},
        {"api_server_url": "http://plain"},
        {"endpoints": {"prometheus_url": "file:///etc/passwd"}},
        {"endpoints": {"prometheus_url": "http://user:word@host"}},
        {"endpoints": {"prometheus_url": "http://[::1"}},
        {"endpoints": {"prometheus_url": "http://host:99999999"}},
        {"endpoints": {"prometheus_url": "http://169.254.169.254/"}},
        {"endpoints": {"nonsense_url": "http://host"}},
        {"endpoints": {"options": {"prometheus": {"tls": {"ca": "no PEM"}}}}},
    ],
)
def test_a_bad_description(hub: Hub, fields: dict[str, Any]) -> None:
    answer = hub.ask("POST", CLUSTERS, {"name": "described", **fields})
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "text", ["", "nonsense", "a: [", "&a [*a, *a]", "kind: Config\nusers: []", "- " * 5000, "x" * 200_000, "a: \x07"]
)
def test_a_malformed_kubeconfig(hub: Hub, east: dict[str, Any], text: str) -> None:
    document = {"auth_type": "KUBECONFIG", "kubeconfig": text}
    stored = hub.ask("POST", f"{CLUSTERS}/{east['id']}/credentials", document)
    made = hub.ask("POST", CLUSTERS, {"name": "with-credentials", "credentials": document})
    for answer in (stored, made):
        assert (answer.status, answer.code) == (400, "CREDENTIALS_INVALID")


# --- state -----------------------------------------------------------------------------------------------------------


def test_a_name_that_is_taken(hub: Hub, east: dict[str, Any]) -> None:
    answer = hub.ask("POST", CLUSTERS, {"name": "east"})
    assert (answer.status, answer.code) == (409, "CLUSTER_ALREADY_EXISTS")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_over_somebody_elses(hub: Hub, east: dict[str, Any], method: str) -> None:
    target = f"{CLUSTERS}/{east['id']}"
    answer = hub.send(method, target, b"{}" if method == "PUT" else None, {"If-Match": '"999"'})
    assert (answer.status, answer.code) == (412, "PRECONDITION_FAILED")


def test_an_unreachable_cluster_is_offline_and_says_so(hub: Hub, east: dict[str, Any]) -> None:
    target = f"{CLUSTERS}/{east['id']}/status"
    until(lambda: hub.ask("GET", target).json()["state"] == "OFFLINE", what="the cluster is OFFLINE", timeout_s=60)
    answer = hub.ask("POST", QUERY, {"query": "up", "cluster_ids": [east["id"]]})
    assert (answer.status, answer.code) == (503, "CLUSTER_UNREACHABLE")


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        (QUERY, {"query": ""}, 400, "INVALID_REQUEST"),
        (QUERY, {"nonsense": 1}, 400, "INVALID_REQUEST"),
        (QUERY, {"query": "up{"}, 400, "INVALID_PROMQL"),
        (QUERY, {"query": "info(up)"}, 422, "QUERY_NOT_FEDERABLE"),
        (QUERY, {"mode": "sideways"}, 400, "INVALID_REQUEST"),
        (PLAN, {"query": "up{"}, 400, "INVALID_PROMQL"),
        (PLAN, {"time": "2026-01-01T00:00:00Z", "step": "1m"}, 400, "INVALID_REQUEST"),
        (PLAN, {"mode": "global"}, 400, "INVALID_REQUEST"),
        (QUERY, {"time": "2026-01-01T00:00:00"}, 400, "INVALID_REQUEST"),
        (QUERY, {"timeout": "soon"}, 400, "INVALID_REQUEST"),
        (QUERY, {"timeout": 301}, 400, "INVALID_REQUEST"),
        (QUERY, {"cluster_ids": [str(NOBODY)]}, 404, "CLUSTER_NOT_FOUND"),
        (QUERY, {"cluster_ids": ["x"]}, 400, "INVALID_REQUEST"),
        (RANGE, {"start_time": "2026-01-01T00:00:00"}, 400, "INVALID_REQUEST"),
        (RANGE, {"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"}, 400, "INVALID_REQUEST"),
        (RANGE, {"step": "often"}, 400, "INVALID_REQUEST"),
        (RANGE, {"step": 0}, 400, "INVALID_REQUEST"),
        (RANGE, {"step": "1ms"}, 422, "LIMIT_EXCEEDED"),
        (RANGE, {"end_time": "0001-01-01T00:00:00Z"}, 400, "INVALID_REQUEST"),
    ],
)
def test_a_bad_question(hub: Hub, path: str, fields: dict[str, Any], status: int, code: str) -> None:
    answer = hub.ask("POST", path, {"query": "up", **fields})
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("fields", [{"step": "often"}, {"step": "0"}, {"start_time": "2026-01-01T00:00:00"}, {"x": 1}])
def test_a_bad_analysis(hub: Hub, fields: dict[str, Any]) -> None:
    answer = hub.ask("POST", "/api/v1/analysis/anomaly", {"query": "up", **fields})
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


# --- the webhook: open to everybody, with a token of its own ---------------------------------------------------------


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic eDp5", "Bearer \xff"])
def test_a_notification_without_the_clusters_token(hub: Hub, east: dict[str, Any], authorization: str) -> None:
    headers = {"Authorization": authorization}
    there = hub.send("POST", f"{WEBHOOK}/{east['id']}", b"{}", headers)
    nowhere = hub.send("POST", f"{WEBHOOK}/{NOBODY}", b"{}", headers)
    assert there.status == nowhere.status == 401
    assert there.code == nowhere.code


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", DEEP, b'{"alerts": 3}', b'{"version": "4", "alerts": [{"labels": 1}]}']
)
def test_a_notification_that_is_none(hub: Hub, east: dict[str, Any], body: bytes) -> None:
    headers = {"Authorization": f"Bearer {east['webhook']['token']}"}
    answer = hub.send("POST", f"{WEBHOOK}/{east['id']}", body, headers)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


def test_a_notification_that_is_too_large(hub: Hub, east: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {east['webhook']['token']}"}
    answer = hub.send("POST", f"{WEBHOOK}/{east['id']}", b" " * 20_000_000, headers)
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")
