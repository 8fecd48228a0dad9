"""Registering, finding, editing and removing clusters over the API."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from aiops.core.identity import ClusterSelector, Role
from tests.unit.registry.conftest import Hub, who

pytestmark = pytest.mark.anyio
AWAY = {"prometheus_url": "http://127.0.0.1:9"}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_registration_answers_201_with_location_tag_and_the_webhook_once(hub: Hub) -> None:
    answer = await hub.call("POST", "/clusters", {"name": "east-1", "labels": {"team": "ran"}, "endpoints": AWAY})
    assert answer.status_code == 201
    found = answer.json()
    assert found["name"] == found["display_name"] == "east-1"
    assert found["status"]["state"] == "PROVISIONING"
    assert found["status"]["health_score"] is None
    assert answer.headers["Location"] == f"/api/v1/clusters/{found['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert found["webhook"]["url"].endswith(f"/api/v1/alerts/webhook/{found['id']}")
    again = await hub.call("GET", f"/clusters/{found['id']}")
    assert "webhook" not in again.json()
    assert (await hub.call("GET", "/clusters/by-name/east-1")).json()["id"] == found["id"]
    stored = await hub.rows("SELECT clusters::text FROM clusters")
    assert found["webhook"]["token"] not in str(stored)


@pytest.mark.parametrize("name", ["ab", "-abc", "abc-", "Abc", "a_b", "a" * 64, "abc\n", "östlich"])
async def test_a_name_is_a_dns_label(hub: Hub, name: str) -> None:
    assert code(await hub.call("POST", "/clusters", {"name": name})) == (400, "INVALID_CLUSTER_NAME")


async def test_a_name_is_taken_once(hub: Hub) -> None:
    await hub.register("east-1")
    assert code(await hub.call("POST", "/clusters", {"name": "east-1"})) == (409, "CLUSTER_ALREADY_EXISTS")
    assert (await hub.call("GET", "/clusters")).json()["total"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"api_server_url": "http://api.example:6443"},
        {"endpoints": {"prometheus_url": "ftp://prometheus.example"}},
        {"endpoints": {"prometheus_url": "https://user:pass@prometheus.example"}},
        {"endpoints": {"prometheus_url": "https://"}},
        {"endpoints": {"prometheus_url": "http://169.254.169.254/latest"}},
        {"endpoints": {"prometheus_url": "http://[fe80::1]:9090"}},
        {"endpoints": {"prometheus_url": "https://prometheus.example/" + "x" * 2048}},
        {
            "endpoints": {
                "prometheus_url": "https://p.example",
                "options": {"prometheus": {"tls": {"insecur": True}}},
            }
        },
        {"endpoints": {"options": {"prometheus": {"tls": {"ca": "no pem"}}}}},
        {"endpoints": {"options": {"loki": {"tenant": "a\r\nHost: b"}}}},
        {"labels": {"a=b": "c"}},
        {"labels": {f"k{number}": "v" for number in range(65)}},
        {"display_name": "x" * 129},
        {"cluster_type": "MOON"},
        {"unknown": 1},
    ],
)
async def test_what_cannot_be_a_cluster_is_refused(hub: Hub, fields: dict[str, Any]) -> None:
    assert code(await hub.call("POST", "/clusters", {"name": "east-1", **fields})) == (400, "INVALID_REQUEST")
    assert (await hub.call("GET", "/clusters")).json()["total"] == 0


async def test_an_edit_replaces_everything_and_a_lost_update_is_refused(hub: Hub) -> None:
    cluster = await hub.register("east-1", region="north", labels={"a": "b"})
    path = f"/clusters/{cluster['id']}"
    first = await hub.call("PUT", path, {"region": "south"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert (first.json()["region"], first.json()["labels"]) == ("south", {})
    late = await hub.call("PUT", path, {"region": "west"}, headers={"If-Match": '"1"'})
    assert code(late) == (412, "PRECONDITION_FAILED")
    assert code(await hub.call("DELETE", path, headers={"If-Match": '"1"'})) == (412, "PRECONDITION_FAILED")
    assert code(await hub.call("PUT", path, {"name": "other"})) == (400, "INVALID_REQUEST")
    assert (await hub.call("GET", path)).json()["region"] == "south"


async def test_a_removal_takes_everything_but_the_trail(hub: Hub) -> None:
    cluster = await hub.register("east-1")
    assert (await hub.call("DELETE", f"/clusters/{cluster['id']}")).status_code == 204
    assert code(await hub.call("GET", f"/clusters/{cluster['id']}")) == (404, "CLUSTER_NOT_FOUND")
    assert await hub.rows("SELECT 1 FROM health_history") == []
    trail = (await hub.call("GET", "/audit", params={"cluster_id": cluster["id"]})).json()
    assert [entry["action"] for entry in trail["items"]] == ["cluster.delete", "cluster.register"]
    events = [row[0] for row in await hub.rows("SELECT event_type FROM outbox ORDER BY id")]
    assert events[0] == "CLUSTER_REGISTERED"
    assert events[-1] == "CLUSTER_DELETED"


async def test_the_list_filters_sorts_and_pages_without_gaps(hub: Hub) -> None:
    for number in range(5):
        await hub.register(
            f"c-{number}",
            environment="LAB" if number % 2 else "STAGING",
            region="n%" if number == 3 else None,
            labels={"site": str(number), "tier": "far"},
        )

    async def names(**params: Any) -> list[str]:
        answer = await hub.call("GET", "/clusters", params=params)
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    assert await names(sort="-name", page_size=2, page=1) == ["c-4", "c-3"]
    assert await names(sort="-name", page_size=2, page=3) == ["c-0"]
    # No check writes a score of its own meanwhile, not even one that is under way.
    await hub.change("UPDATE clusters SET claimed_until = NULL, next_due_at = now() + interval '1 day'")
    for number, score in enumerate(("9", "100", "null", "80", "0")):
        patch = f'{{"health_score": {score}}}'
        await hub.change(f"UPDATE clusters SET status = status || '{patch}' WHERE name = 'c-{number}'")  # noqa: S608
    assert await names(sort="health_score") == ["c-4", "c-0", "c-3", "c-1", "c-2"]
    assert await names(sort="-health_score", page_size=2) == ["c-1", "c-3"]
    assert await names(environment="LAB") == ["c-1", "c-3"]
    assert await names(label=["site=2", "tier=far"]) == ["c-2"]
    assert await names(search="N%") == ["c-3"]
    assert await names(name="%") == []
    assert await names(has_gpu=True) == await names(has_gpu=False) == await names(has_cnf=False) == []
    for wrong in (
        {"sort": "webhook_hash"},
        {"label": "site"},
        {"page_size": 101},
        {"nmae": "x"},
        {"state": "UP"},
    ):
        assert code(await hub.call("GET", "/clusters", params=wrong)) == (400, "INVALID_REQUEST")


async def test_a_page_costs_the_same_number_of_statements_whatever_its_size(hub: Hub) -> None:
    seen: list[str] = []

    @event.listens_for(hub.infra.db.engine.sync_engine, "before_cursor_execute")
    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        if (statement.startswith("SELECT") and "count(" in statement) or "display_name" in statement:
            seen.append(statement)

    counts = []
    for number in range(3):
        await hub.register(f"c-{number}")
        seen.clear()
        await hub.call("GET", "/clusters")
        counts.append(len([one for one in seen if not one.startswith(("UPDATE", "INSERT"))]))
    assert counts == [2, 2, 2]


async def test_what_lies_outside_the_scope_does_not_exist(hub: Hub) -> None:
    mine = await hub.register("mine", labels={"team": "a"})
    other = await hub.register("other", labels={"team": "b"})
    hub.identity = who(Role.ADMIN, ClusterSelector(labels={"team": "a"}))
    listed = (await hub.call("GET", "/clusters")).json()
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([mine["id"]], 1)
    assert (await hub.call("GET", "/fleet/summary")).json()["total_clusters"] == 1
    calls = [
        ("GET", "", None),
        ("PUT", "", {}),
        ("DELETE", "", None),
        ("GET", "/status", None),
        ("POST", "/refresh", None),
        ("GET", "/health-history", None),
        ("POST", "/webhook-token", None),
        ("DELETE", "/credentials", None),
        ("POST", "/credentials", {"auth_type": "SERVICE_ACCOUNT", "token": "t"}),
    ]
    for method, path, body in calls:
        foreign = await hub.call(method, f"/clusters/{other['id']}{path}", body)
        absent = await hub.call(method, f"/clusters/{uuid4()}{path}", body)
        assert code(foreign) == code(absent) == (404, "CLUSTER_NOT_FOUND"), (method, path)
    assert code(await hub.call("GET", "/clusters/by-name/other")) == (404, "CLUSTER_NOT_FOUND")
    assert code(await hub.call("GET", "/audit")) == (403, "PERMISSION_DENIED")


async def test_labels_cannot_move_a_cluster_into_or_out_of_a_scope(hub: Hub) -> None:
    await hub.register("other", labels={"team": "b"})
    hub.identity = who(Role.ADMIN, ClusterSelector(labels={"team": "a"}))
    assert code(await hub.call("POST", "/clusters", {"name": "new"})) == (403, "PERMISSION_DENIED")
    mine = await hub.register("mine", labels={"team": "a"})
    moved = await hub.call("PUT", f"/clusters/{mine['id']}", {"labels": {"team": "b"}})
    assert code(moved) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_only_administrators_write_or_read_the_trail(hub: Hub, role: Role) -> None:
    cluster = await hub.register("east-1")
    hub.identity = who(role)
    path = f"/clusters/{cluster['id']}"
    for method, where, body in (
        ("POST", "/clusters", {"name": "new"}),
        ("PUT", path, {}),
        ("DELETE", path, None),
        ("GET", "/audit", None),
        ("POST", f"{path}/credentials", {"auth_type": "OIDC", "token": "t"}),
        ("POST", f"{path}/webhook-token", None),
    ):
        assert code(await hub.call(method, where, body)) == (403, "PERMISSION_DENIED"), (method, where)
    assert (await hub.call("GET", path)).status_code == 200
