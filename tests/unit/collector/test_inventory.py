"""Rules, alerts, targets and exemplars of several clusters: whose they are, what is kept, and who failed."""

from typing import Any

import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.fanout import Fanout
from aiops.collector.inventory import InventoryQuery, InventoryService, RuleFilter
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.core.errors import ClusterUnreachable
from aiops.core.http import HttpClient
from aiops.core.identity import FLEET
from aiops.core.prometheus_errors import prometheus_shape
from tests.unit.collector.conftest import Join
from tests.unit.collector.members import Asked, StaticRegistry, answering, plain, success

pytestmark = pytest.mark.anyio

ASKED = InventoryQuery(FLEET, timeout_s=5)
RULE = {
    "type": "alerting",
    "name": "Down",
    "query": "up == 0",
    "labels": {"severity": "critical", "cluster": "mine"},
    "alerts": [{"labels": {"alertname": "Down"}, "state": "firing", "value": "1e+00"}],
    "newField": {"kept": [1.50, "é"]},
}
GROUP = {"name": "g", "file": "f", "interval": 15, "rules": [RULE], "another": None}


@pytest.fixture
def inventory(registry: StaticRegistry, http: HttpClient) -> InventoryService:
    fanout = Fanout(max_total=64, max_per_cluster=8, meters=Meters(CollectorRegistry()))
    return InventoryService(Members(registry), PrometheusApi(http, max_response_bytes=4_000_000), fanout, "cluster")


def written(data: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(data))


async def test_rules_and_their_alerts_carry_the_clusters_name_and_all_else_stays(
    inventory: InventoryService, join: Join
) -> None:
    await join("east", answering({"groups": [GROUP]}))

    (group,) = written((await inventory.rules(ASKED, RuleFilter())).data)["groups"]

    (rule,) = group["rules"]
    assert rule["labels"] == {"cluster": "east", "severity": "critical", "exported_cluster": "mine"}
    assert rule["alerts"][0]["labels"] == {"cluster": "east", "alertname": "Down"}
    assert {**rule, "labels": 0, "alerts": 0} == {**RULE, "labels": 0, "alerts": 0}
    assert {**group, "rules": 0} == {**GROUP, "rules": 0}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RuleFilter(kind="alert"), 1),
        (RuleFilter(kind="record"), 0),
        (RuleFilter(names=("Down",), groups=("g",), files=("f",)), 1),
        (RuleFilter(names=("Up",)), 0),
        (RuleFilter(files=("other",)), 0),
        (RuleFilter(match=('{cluster="east",exported_cluster="mine"}',)), 1),
        (RuleFilter(match=('{severity="warning"}', '{severity="critical"}')), 1),
        (RuleFilter(match=('{severity="warning"}',)), 0),
        (RuleFilter(match=('{cluster="west"}',)), 0),
    ],
)
async def test_filters_hold_also_where_a_member_does_not_know_them(
    inventory: InventoryService, join: Join, wanted: RuleFilter, found: int
) -> None:
    await join("east", answering({"groups": [GROUP]}))

    assert len(written((await inventory.rules(ASKED, wanted)).data)["groups"]) == found


async def test_exemplars_are_asked_by_selectors_alone(inventory: InventoryService, join: Join) -> None:
    row = {"seriesLabels": {"job": "a"}, "exemplars": [{"labels": {"trace_id": "é"}, "value": "1", "timestamp": 1.5}]}
    east = await join("east", answering([row]))
    west = await join("west", answering([row]))

    query = 'histogram_quantile(0.9, rate(x{cluster="east",a="b"}[5m] offset 1h)) / y{cluster=~"east|nowhere"}'
    found = written((await inventory.exemplars(ASKED, query, None, None)).data)

    assert found == [{**row, "seriesLabels": {"cluster": "east", "job": "a"}}]
    assert east.asked[0].form["query"] == 'x{a="b"} or y'
    assert west.asked == []


async def test_targets_are_joined_and_dropped_ones_counted(inventory: InventoryService, join: Join) -> None:
    data = {
        "activeTargets": [{"labels": {"job": "a"}, "health": "up"}],
        "droppedTargets": [{"discoveredLabels": {"__address__": "x"}}],
        "droppedTargetCounts": {"a": 2},
    }
    for name in ("east", "west"):
        await join(name, answering(data))

    found = written((await inventory.targets(ASKED, None, None)).data)

    assert [one["labels"]["cluster"] for one in found["activeTargets"]] == ["east", "west"]
    assert [one["discoveredLabels"]["cluster"] for one in found["droppedTargets"]] == ["east", "west"]
    assert found["droppedTargetCounts"] == {"a": 4}


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"data":{"alerts":[{"labels":7}]}}', b'{"data":[]}', b"[" * 5000])
async def test_a_cluster_that_does_not_answer_as_it_should_is_named(
    inventory: InventoryService, join: Join, body: bytes
) -> None:
    async def garbled(_: Asked) -> web.StreamResponse:
        return web.Response(body=body)

    await join("east", answering({"alerts": [{"labels": {"alertname": "Down"}}]}))
    await join("west", garbled)

    found = await inventory.alerts(ASKED)

    assert [one["labels"]["cluster"] for one in written(found.data)["alerts"]] == ["east"]
    assert found.standing.partial
    assert found.standing.warnings[0].startswith("west: the answer is not that of a Prometheus API")


async def test_when_all_fail_it_is_an_error(inventory: InventoryService, join: Join) -> None:
    await join("east", plain(502, ""))

    with pytest.raises(ClusterUnreachable) as failed:
        await inventory.alerts(ASKED)
    assert prometheus_shape(failed.value)[0] == 503


async def test_when_one_fails_that_can_be_an_error(inventory: InventoryService, join: Join) -> None:
    await join("east", answering({"alerts": []}))
    await join("west", plain(502, ""))

    with pytest.raises(ClusterUnreachable, match="west"):
        await inventory.alerts(msgspec.structs.replace(ASKED, deny_partial=True))


async def test_a_name_beyond_the_classic_letters_finds_its_way(inventory: InventoryService, join: Join) -> None:
    member = await join("east", lambda _: _success())
    await inventory.exemplars(ASKED, '{"a.b", "c d"="e"}', None, None)

    assert member.asked[0].form["query"] == '{__name__="a.b", "c d"="e"}'


async def _success() -> web.StreamResponse:
    return success([])
