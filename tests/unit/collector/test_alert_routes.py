"""The public alert paths over a real database."""

from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest

from aiops.collector.alerts.filters import AlertFilter, ScopeFilter
from aiops.collector.alerts.views import AlertViews
from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from aiops.core.identity import FLEET, ClusterSelector, Identity
from aiops.core.web import Paging
from tests.queries import count_queries
from tests.unit.collector.conftest import application, viewer
from tests.unit.collector.members import StaticRegistry, cluster_id, target
from tests.unit.collector.notifications import alert, notification

pytestmark = pytest.mark.anyio
Client = httpx.AsyncClient
PATH = "/api/v1/alerts"


@pytest.fixture(autouse=True)
def _fleet(registry: StaticRegistry) -> None:
    for name, environment in (("east", "prod"), ("west", "lab")):
        registry.add(target(name, None, env=environment))
        registry.webhook_tokens[cluster_id(name)] = f"token-{name}"


async def post(client: Client, name: str, *told: dict[str, Any], token: str | None = None) -> httpx.Response:
    return await client.post(
        f"{PATH}/webhook/{cluster_id(name)}",
        content=notification(*told),
        headers={"Authorization": f"Bearer {token or f'token-{name}'}", "Content-Type": "application/json"},
    )


async def fill(client: Client) -> None:
    await post(
        client,
        "east",
        alert("DiskFull", start=1, severity="critical", namespace="db", disk="sda"),
        alert("Watchdog", start=2, severity="none"),
        alert("PodCrash", start=3, severity="warning", namespace="web", annotations={"summary": "pod 50% gone"}),
    )
    await post(client, "west", alert("DiskFull", start=4, severity="critical", namespace="db", disk="sda"))
    await post(client, "west", alert("PodCrash", start=0, severity="warning", namespace="web"))
    await post(client, "west", alert("PodCrash", start=0, end=5, severity="warning", namespace="web"))


async def names(client: Client, **parameters: Any) -> list[tuple[str, str]]:
    response = await client.get(PATH, params=parameters)
    assert response.status_code == 200, response.text
    return [(item["alertname"], item["cluster_name"]) for item in response.json()["items"]]


async def test_a_notification_is_listed(client: Client) -> None:
    response = await post(client, "east", alert("Down", severity="critical", annotations={"summary": "it is down"}))

    assert response.status_code == 200
    assert response.json()["fired"] == 1
    page = (await client.get(PATH)).json()
    (item,) = page["items"]
    assert (page["total"], page["page"], page["page_size"], page["total_pages"]) == (1, 1, 20, 1)
    assert (item["name"], item["message"], item["severity"]) == ("Down", "it is down", "CRITICAL")
    assert (item["state"], item["ends_at"], item["cluster_name"]) == ("FIRING", None, "east")


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({}, ["DiskFull west", "PodCrash east", "Watchdog east", "DiskFull east", "PodCrash west"]),
        (
            {"sort": "starts_at"},
            ["PodCrash west", "DiskFull east", "Watchdog east", "PodCrash east", "DiskFull west"],
        ),
        ({"state": "RESOLVED"}, ["PodCrash west"]),
        ({"state": ["RESOLVED", "PENDING"]}, ["PodCrash west"]),
        ({"severity": "INFO"}, ["Watchdog east"]),
        ({"severity": "CRITICAL", "cluster_ids": str(cluster_id("east"))}, ["DiskFull east"]),
        ({"namespace": "db", "sort": "cluster_name"}, ["DiskFull east", "DiskFull west"]),
        ({"alertname": "Watchdog"}, ["Watchdog east"]),
        (
            {"label": ["disk=sda", "severity=critical"], "sort": "-cluster_name"},
            ["DiskFull west", "DiskFull east"],
        ),
        ({"label": "disk="}, []),
        ({"search": "50%"}, ["PodCrash east"]),
        ({"search": "_"}, []),
        ({"search": "WATCH"}, ["Watchdog east"]),
        ({"page": 2, "page_size": 2}, ["Watchdog east", "DiskFull east"]),
        ({"page": 99}, []),
    ],
)
async def test_filters_and_order(client: Client, parameters: dict[str, Any], wanted: list[str]) -> None:
    await fill(client)

    assert [f"{name} {cluster}" for name, cluster in await names(client, **parameters)] == wanted


@pytest.mark.parametrize(
    "parameters",
    [
        {"sort": "colour"},
        {"state": "ANGRY"},
        {"severity": "none"},
        {"label": "nothing"},
        {"cluster_ids": "east"},
        {"colour": "red"},
        {"page": 0},
        {"page_size": 101},
    ],
)
async def test_parameters_that_make_no_sense_are_refused(client: Client, parameters: dict[str, Any]) -> None:
    response = await client.get(PATH, params=parameters)

    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_one_alert_by_id_and_by_fingerprint(client: Client) -> None:
    await fill(client)
    found = (await client.get(PATH, params={"alertname": "Watchdog"})).json()["items"][0]

    by_id = await client.get(f"{PATH}/{found['id']}")
    by_fingerprint = await client.get(f"{PATH}/{found['fingerprint']}")
    ambiguous = await client.get(f"{PATH}/f-diskfull")
    unknown = await client.get(f"{PATH}/{UUID(int=7)}")

    assert by_id.json() == by_fingerprint.json() == found
    assert (ambiguous.status_code, len(ambiguous.json()["error"]["details"]["ids"])) == (409, 2)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "ALERT_NOT_FOUND")


async def test_history_tells_every_transition(client: Client) -> None:
    await fill(client)

    page = (await client.get(f"{PATH}/history", params={"alertname": "PodCrash"})).json()
    old = (await client.get(f"{PATH}/history", params={"end_time": "2020-01-01T00:00:00Z"})).json()

    told = [(item["cluster_name"], item["old_state"], item["new_state"]) for item in page["items"]]
    assert told == [("west", "FIRING", "RESOLVED"), ("west", None, "FIRING"), ("east", None, "FIRING")]
    assert old["items"] == []


async def test_summary_counts(client: Client) -> None:
    await fill(client)

    answer = (await client.get(f"{PATH}/summary")).json()

    assert answer["total"] == 5
    assert answer["by_state"] == {"FIRING": 4, "RESOLVED": 1, "PENDING": 0}
    assert answer["by_severity"] == {"CRITICAL": 2, "WARNING": 2, "INFO": 1}
    assert [(one["cluster_name"], one["total"]) for one in answer["by_cluster"]] == [("east", 3), ("west", 2)]


async def test_groups(client: Client) -> None:
    await fill(client)

    async def groups(by: str, **more: Any) -> list[tuple[Any, int, int, list[str]]]:
        items = (await client.get(f"{PATH}/groups", params={"by": by, **more})).json()["items"]
        return [
            (item["key"], item["count"], item["firing"], [one["cluster_name"] for one in item["clusters"]])
            for item in items
        ]

    assert (await groups("alertname"))[0] == ({"alertname": "DiskFull"}, 2, 2, ["east", "west"])
    assert [(key["cluster_name"], count) for key, count, _, _ in await groups("cluster")] == [
        ("east", 3),
        ("west", 2),
    ]
    assert ({"namespace": None}, 1, 1, ["east"]) in await groups("namespace")
    collapsed = await groups("labels", alertname="DiskFull")
    assert [(key["disk"], count, clusters) for key, count, _, clusters in collapsed] == [("sda", 2, ["east", "west"])]


@pytest.mark.parametrize(
    "selector", [ClusterSelector(ids=(cluster_id("west"),)), ClusterSelector(labels={"env": "lab"})]
)
async def test_another_clusters_alerts_do_not_exist(
    registry: StaticRegistry, fresh_database: str, valkey_url: str, selector: ClusterSelector
) -> None:
    caller: list[Identity] = [viewer()]
    async with application(registry, fresh_database, valkey_url, lambda: caller[0]) as client:
        await fill(client)
        hidden = (await client.get(PATH, params={"alertname": "Watchdog"})).json()["items"][0]
        caller[0] = viewer(selector)

        assert {cluster for _, cluster in await names(client)} == {"west"}
        for path, name in product(("", "/summary", "/history", "/groups"), ("east", "nowhere")):
            answer = await client.get(f"{PATH}{path}", params={"cluster_ids": str(cluster_id(name))})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CLUSTER_NOT_FOUND")
        assert (await client.get(f"{PATH}/{hidden['id']}")).status_code == 404
        assert (await client.get(f"{PATH}/{hidden['fingerprint']}")).status_code == 404
        assert (await client.get(f"{PATH}/f-diskfull")).json()["cluster_name"] == "west"
        for path in ("summary", "history", "groups"):
            assert "east" not in (await client.get(f"{PATH}/{path}")).text


async def test_only_the_clusters_own_token_opens_its_webhook(client: Client) -> None:
    none = await client.post(f"{PATH}/webhook/{cluster_id('east')}", content=notification(alert()))
    others = await post(client, "east", alert(), token="token-west")
    unknown = await post(client, "nowhere", alert())

    assert [answer.status_code for answer in (none, others, unknown)] == [401, 401, 401]
    assert await names(client) == []


async def test_garbage_is_refused_and_nothing_is_lost(client: Client) -> None:
    url, headers = f"{PATH}/webhook/{cluster_id('east')}", {"Authorization": "Bearer token-east"}
    for body in (b"", b"{", b"[]", b'{"alerts": 3}', b"\xff\xfe", b"[" * 200_000):
        assert (await client.post(url, content=body, headers=headers)).status_code == 400
    large = await client.post(url, content=b" " * 11_000_000, headers=headers)

    assert large.status_code == 413
    assert (await post(client, "east", alert())).status_code == 200


async def test_a_store_in_trouble_asks_alertmanager_to_come_again(client: Client, registry: StaticRegistry) -> None:
    registry.failure = ServiceUnavailable("the role registry cannot be reached")

    assert (await post(client, "east", alert())).status_code == 503


async def test_nobody_reads_alerts_without_an_identity(
    registry: StaticRegistry, fresh_database: str, valkey_url: str
) -> None:
    async with application(registry, fresh_database, valkey_url, lambda: None) as client:
        for path in ("", "/summary", "/history", "/groups", f"/{UUID(int=1)}"):
            assert (await client.get(PATH + path)).status_code == 401


async def test_a_page_takes_two_statements_however_long_it_is(client: Client, db: Database) -> None:
    await fill(client)
    views = AlertViews(db, ScopeFilter(StaticRegistry()))

    with count_queries(db) as statements:
        page = await views.page(FLEET, AlertFilter(), "-starts_at", Paging(1, 100))

    assert len(page.items) == page.total == 5
    assert len(statements) == 2
