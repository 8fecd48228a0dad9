"""The public metric paths over real members."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from aiops.core.errors import ServiceUnavailable
from tests.unit.collector.conftest import Join
from tests.unit.collector.members import (
    StaticRegistry,
    answering,
    cluster_id,
    matrix,
    plain,
    refusing,
    target,
    vector,
)

pytestmark = pytest.mark.anyio
Client = httpx.AsyncClient

QUERY = "/api/v1/metrics/query"
PLAN = "/api/v1/metrics/plan"
RANGE = "/api/v1/metrics/query_range"


async def test_an_instant_query_is_the_labelled_union(client: Client, join: Join) -> None:
    await join("east", answering(vector({"__name__": "up", "job": "a"})))
    await join("west", answering(vector({}, value="NaN")))

    response = await client.post(QUERY, json={"query": "up"})

    assert response.status_code == 200
    answer = response.json()
    assert answer["result_type"] == "VECTOR"
    assert [result["data"] for result in answer["results"]] == [
        [{"metric": {"cluster": "east", "__name__": "up", "job": "a"}, "values": [[1.5, "1"]]}],
        [{"metric": {"cluster": "west"}, "values": [[1.5, "NaN"]]}],
    ]
    assert answer["partial"] is False
    assert answer["warnings"] == []
    assert (answer["federation"]["mode"], answer["federation"]["plan"]) == ("global", "union")
    assert answer["federation"]["exact"] is True
    assert [cluster["status"] for cluster in answer["federation"]["clusters"]] == ["SUCCESS", "SUCCESS"]


async def test_every_member_gets_the_same_time(client: Client, join: Join) -> None:
    members = [await join(name, answering(vector({"a": "b"}))) for name in ("east", "north", "west")]

    await client.post(QUERY, json={"query": "up"})

    assert len({member.asked[0].form["time"] for member in members}) == 1


async def test_a_range_is_passed_on_as_it_was_asked(client: Client, join: Join) -> None:
    member = await join("east", answering(matrix({"a": "b"})))
    body = {
        "query": "rate(x[5m])",
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T02:00:00+01:00",
        "step": "1m",
        "timeout": "10s",
    }

    answer = (await client.post(RANGE, json=body)).json()

    form = member.asked[0].form
    start = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert (form["query"], form["step"]) == ("rate(x[5m])", "60.000")
    assert (float(form["start"]), float(form["end"])) == (start, start + 3600)
    assert 8 < float(form["timeout"]) <= 9
    assert answer["result_type"] == "MATRIX"
    assert answer["results"][0]["data"][0]["values"] == [[1, "1"], [2, "NaN"]]


async def test_only_named_clusters_are_asked(client: Client, join: Join) -> None:
    await join("east", answering(vector()))
    west = await join("west", answering(vector()))

    answer = (await client.post(QUERY, json={"query": "up", "cluster_ids": [str(cluster_id("east"))]})).json()

    assert [result["cluster_name"] for result in answer["results"]] == ["east"]
    assert west.asked == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "up", "nonsense": 1}, "nonsense"),
        ({"query": "up", "time": "2026-01-01T00:00:00"}, "time"),
        ({"query": "up", "time": "yesterday"}, "time"),
        ({"query": "up", "timeout": "0s"}, "timeout"),
        ({"query": "up", "timeout": 301}, "timeout"),
        ({"query": "up", "timeout": "5 parsecs"}, "timeout"),
        ({"query": "up", "timeout": -1}, "timeout"),
        ({"query": "up", "mode": "sideways"}, "mode"),
        ({"query": "up", "partial": "maybe"}, "partial"),
        ({"query": "up", "cluster_ids": ["nope"]}, "cluster_ids"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(client: Client, body: dict[str, Any], part: str) -> None:
    response = await client.post(QUERY, json=body)

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "INVALID_REQUEST"
    assert part in str(error)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"}, 400, "INVALID_REQUEST"),
        ({"start_time": "2026-01-01T00:00:00", "end_time": "2026-01-02T00:00:00Z"}, 400, "INVALID_REQUEST"),
        ({"step": "0s"}, 400, "INVALID_REQUEST"),
        ({"step": "1fortnight"}, 400, "INVALID_REQUEST"),
        ({"step": "100ms"}, 422, "LIMIT_EXCEEDED"),
    ],
)
async def test_a_range_that_cannot_be_answered_is_refused(
    client: Client, join: Join, more: dict[str, Any], status: int, code: str
) -> None:
    member = await join("east", answering(matrix()))

    response = await client.post(RANGE, json={"query": "up", **more})

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert member.asked == []


async def test_what_members_cannot_answer_together_names_the_way_out(client: Client, join: Join) -> None:
    members = [await join(name, answering(vector())) for name in ("east", "west")]

    response = await client.post(QUERY, json={"query": "histogram_sum(sum(up))"})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "QUERY_NOT_FEDERABLE")
    assert "by (cluster)" in response.json()["error"]["message"]
    assert [member.asked for member in members] == [[], []]


async def test_per_cluster_every_member_gets_the_query_as_it_is(client: Client, join: Join) -> None:
    members = [await join(name, answering(vector({"a": "b"}))) for name in ("east", "west")]

    answer = (await client.post(QUERY, json={"query": "sum(up) by(a)", "mode": "per_cluster"})).json()

    assert [member.asked[0].form["query"] for member in members] == ["sum(up) by(a)"] * 2
    assert answer["federation"]["mode"] == "per_cluster"
    assert [result["data"][0]["metric"]["cluster"] for result in answer["results"]] == ["east", "west"]


async def test_a_query_is_the_fleets_unless_each_cluster_is_asked_for_itself(client: Client, join: Join) -> None:
    await join("east", answering(vector({}, value="1")))
    await join("west", answering(vector({}, value="2")))

    fleet = (await client.post(QUERY, json={"query": "sum(up)"})).json()
    each = (await client.post(QUERY, json={"query": "sum(up)", "mode": "per_cluster"})).json()

    assert fleet["federation"]["mode"] == "global"
    assert [(one["cluster_name"], [row["values"][0][1] for row in one["data"]]) for one in fleet["results"]] == [
        (None, ["3"])
    ]
    assert each["federation"]["mode"] == "per_cluster"
    assert [(one["cluster_name"], one["data"][0]["values"][0][1]) for one in each["results"]] == [
        ("east", "1"),
        ("west", "2"),
    ]


async def test_a_plan_tells_what_would_be_asked_and_asks_nothing(client: Client, join: Join) -> None:
    members = [await join(name, answering(vector())) for name in ("east", "west")]
    body = {"query": 'avg(up{cluster=~"e.*|w.*",job="a"})'}

    plan = (await client.post(PLAN, json=body)).json()
    ranged = (await client.post(PLAN, json={**body, "start_time": "2026-01-01T00:00:00Z", "step": "1h"})).json()

    assert plan["shape"] == "combined"
    assert {name for part in plan["pushed"] for name in part["clusters"]} == {"east", "west"}
    assert {part["query"] for part in plan["pushed"]} == {'sum(up{job="a"})', 'count(up{job="a"})'}
    assert [part["steps"] for part in plan["pushed"]] == [1, 1]
    assert "$1" in plan["finish"]
    assert ranged["pushed"][0]["steps"] > 1
    assert all(asked.path.endswith("buildinfo") for member in members for asked in member.asked)


async def test_a_wrong_query_is_the_callers_error_with_the_members_text(client: Client, join: Join) -> None:
    text = 'invalid parameter "query": 1:3: parse error: unexpected <eof>'
    await join("east", refusing(400, "bad_data", text))
    await join("west", answering(vector()))

    response = await client.post(QUERY, json={"query": "up", "mode": "per_cluster"})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "INVALID_PROMQL"
    assert response.json()["error"]["message"] == text
    assert (await client.post(QUERY, json={"query": "up"})).json()["error"]["message"] == text


async def test_a_query_that_cannot_be_read_reaches_nobody(client: Client, join: Join) -> None:
    member = await join("east", answering(vector()))

    response = await client.post(QUERY, json={"query": "up{"})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_PROMQL")
    assert "1:4: parse error: unexpected end of input" in response.json()["error"]["message"]
    assert member.asked == []


async def test_one_failed_cluster_makes_the_answer_partial_and_is_named(client: Client, join: Join) -> None:
    await join("east", answering(vector({"a": "b"})))
    await join("west", plain(502, "<html>gateway</html>"))

    answer = (await client.post(QUERY, json={"query": "up"})).json()

    assert answer["partial"] is True
    assert answer["federation"]["exact"] is False
    assert answer["warnings"] == ["west: it answered HTTP 502"]
    failed = answer["results"][1]
    assert (failed["cluster_name"], failed["status"], failed["data"]) == ("west", "ERROR", [])


async def test_denied_partial_answers_are_errors(client: Client, join: Join) -> None:
    await join("east", answering(vector({"a": "b"})))
    await join("west", plain(502, ""))

    response = await client.post(QUERY, json={"query": "up", "partial": "deny"})

    assert response.status_code == 503
    assert "west" in response.json()["error"]["message"]


async def test_an_unreachable_cluster_asked_alone_is_named(client: Client, registry: StaticRegistry) -> None:
    registry.add(target("east", "http://127.0.0.1:1"))

    response = await client.post(QUERY, json={"query": "up"})

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (503, "CLUSTER_UNREACHABLE")
    assert "east" in error["message"]
    assert error["details"]["clusters"][0]["cluster_name"] == "east"


async def test_a_fleet_without_clusters_says_so(client: Client) -> None:
    answer = (await client.post(QUERY, json={"query": "up"})).json()

    assert (answer["results"], answer["result_type"], answer["partial"]) == ([], "VECTOR", False)
    assert answer["warnings"] == ["no clusters registered or visible"]


async def test_an_absent_registry_is_an_error_and_no_empty_answer(client: Client, registry: StaticRegistry) -> None:
    registry.failure = ServiceUnavailable("the role registry cannot be reached")

    response = await client.post(QUERY, json={"query": "up"})

    assert (response.status_code, response.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_an_unknown_cluster_is_not_found(client: Client) -> None:
    response = await client.post(QUERY, json={"query": "up", "cluster_ids": [str(cluster_id("nowhere"))]})

    assert (response.status_code, response.json()["error"]["code"]) == (404, "CLUSTER_NOT_FOUND")


async def test_catalogue_paths_are_unions(client: Client, join: Join) -> None:
    await join("east", answering(["__name__", "cluster"]))
    await join("west", answering(["job"]))

    answer = (await client.get("/api/v1/metrics/labels")).json()

    assert answer["items"] == ["__name__", "cluster", "exported_cluster", "job"]
    assert answer["partial"] is False


async def test_series_need_a_selector(client: Client, join: Join) -> None:
    member = await join("east", answering([{"__name__": "up"}]))

    refused = await client.get("/api/v1/metrics/series")
    answered = await client.get("/api/v1/metrics/series", params={"match[]": "up"})
    typo = await client.get("/api/v1/metrics/series", params={"match[]": "up", "matches": "x"})

    assert refused.status_code == 400
    assert answered.json()["items"] == [{"cluster": "east", "__name__": "up"}]
    assert typo.status_code == 400
    assert member.asked[0].form["match[]"] == "up"
