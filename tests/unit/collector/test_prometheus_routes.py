"""Prometheus' HTTP API over real members: shapes, parameters, errors, and what a caller may not reach."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from aiops.core.errors import ServiceUnavailable
from aiops.core.identity import ClusterSelector, Identity
from tests.servers.waiting import eventually
from tests.unit.collector.conftest import Join, application, viewer
from tests.unit.collector.members import (
    Answer,
    Asked,
    Member,
    StaticRegistry,
    answering,
    cluster_id,
    hanging,
    matrix,
    plain,
    refusing,
    success,
    target,
    vector,
)

pytestmark = pytest.mark.anyio
Client = httpx.AsyncClient

API = "/prometheus/api/v1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RANGE = {"query": "up", "start": "1767225600", "end": "1767229200", "step": "15"}
HISTOGRAM = {"count": "1", "sum": "2", "buckets": [[0, "1", "2", "1"]]}


async def rows(client: Client, **parameters: Any) -> list[Any]:
    answer = await client.get(f"{API}/query", params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["data"]["result"]
    return found


# --- shapes ----------------------------------------------------------------------------------------------------------


async def test_a_vector_is_one_of_prometheus_own(client: Client, join: Join) -> None:
    await join("east", answering(vector({"__name__": "up", "note": '"value":[1,"2"]'}, {"cluster": "mine"})))
    await join("west", answering(vector({}, value="NaN")))

    answer = (await client.get(f"{API}/query", params={"query": "up"})).json()

    assert answer == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"cluster": "east", "__name__": "up", "note": '"value":[1,"2"]'}, "value": [1.5, "1"]},
                {"metric": {"cluster": "east", "exported_cluster": "mine"}, "value": [1.5, "1"]},
                {"metric": {"cluster": "west"}, "value": [1.5, "NaN"]},
            ],
        },
    }


async def test_a_matrix_is_one_of_prometheus_own(client: Client, join: Join) -> None:
    member = await join("east", answering(matrix({"a": "b"}, {})))

    answer = (await client.post(f"{API}/query_range", data=RANGE)).json()

    assert answer["data"]["resultType"] == "matrix"
    assert answer["data"]["result"] == [
        {"metric": {"cluster": "east", "a": "b"}, "values": [[1, "1"], [2, "NaN"]]},
        {"metric": {"cluster": "east"}, "values": [[1, "1"], [2, "NaN"]]},
    ]
    form = member.asked[0].form
    assert (float(form["start"]), float(form["end"]), float(form["step"])) == (1767225600, 1767229200, 15)


async def test_native_histograms_keep_their_place(client: Client, join: Join) -> None:
    row = {"metric": {"a": "b"}, "histogram": [1.5, HISTOGRAM]}
    await join("east", answering({"resultType": "vector", "result": [row, vector({})["result"][0]]}))

    assert await rows(client, query="x") == [
        {"metric": {"cluster": "east", "a": "b"}, "histogram": [1.5, HISTOGRAM]},
        {"metric": {"cluster": "east"}, "value": [1.5, "1"]},
    ]


async def test_each_clusters_own_number_is_a_series(client: Client, join: Join) -> None:
    for name in ("east", "west"):
        await join(name, answering({"resultType": "scalar", "result": [1.5, "2"]}))

    answer = (await client.get(f"{API}/query", params={"query": "2", "mode": "per_cluster"})).json()

    assert answer["data"] == {
        "resultType": "vector",
        "result": [{"metric": {"cluster": name}, "value": [1.5, "2"]} for name in ("east", "west")],
    }


async def test_a_string_is_a_string(client: Client, join: Join) -> None:
    await join("east", answering({"resultType": "string", "result": [1.5, "x"]}))

    for mode in ("global", "per_cluster"):
        answer = (await client.get(f"{API}/query", params={"query": '"x"', "time": "1.5", "mode": mode})).json()

        assert answer["data"] == {"resultType": "string", "result": [1.5, "x"]}


async def test_a_number_of_the_whole_fleet_is_a_number(client: Client, join: Join) -> None:
    member = await join("east", answering(vector()))

    answer = (await client.get(f"{API}/query", params={"query": "1+1", "time": "5"})).json()

    assert answer["data"] == {"resultType": "scalar", "result": [5, "2"]}
    assert [asked for asked in member.asked if asked.path.endswith("/query")] == []


async def test_a_limit_cuts_and_says_so(client: Client, join: Join) -> None:
    await join("east", answering(vector({"a": "1"}, {"a": "2"})))
    await join("west", answering(vector({"a": "3"})))

    answer = (await client.get(f"{API}/query", params={"query": "x", "limit": "2"})).json()

    assert [row["metric"]["a"] for row in answer["data"]["result"]] == ["1", "2"]
    assert answer["warnings"] == ["results truncated due to limit"]
    assert len(await rows(client, query="x", limit="0")) == 3


async def test_infos_are_no_warnings(client: Client, join: Join) -> None:
    info = 'PromQL info: metric might not be a counter: "x" (1:6)'
    await join("east", answering(vector({}), infos=[info], warnings=["PromQL warning: quantile value"]))

    answer = (await client.get(f"{API}/query", params={"query": "x"})).json()

    assert answer["infos"] == [f"east: {info}"]
    assert answer["warnings"] == ["east: PromQL warning: quantile value"]


async def test_stats_tell_how_each_cluster_took_part(client: Client, join: Join) -> None:
    await join("east", answering(vector({})))

    answer = (await client.get(f"{API}/query", params={"query": "x", "stats": "all"})).json()

    assert [cluster["cluster_name"] for cluster in answer["federation"]["clusters"]] == ["east"]


async def test_a_large_answer_is_compressed_for_who_takes_it(client: Client, join: Join) -> None:
    await join("east", answering(vector(*({"n": str(n)} for n in range(100)))))
    url = f"{API}/query?query=x"

    packed = await client.get(url, headers={"Accept-Encoding": "gzip"})
    unpacked = await client.get(url, headers={"Accept-Encoding": "identity"})
    refused = await client.get(url, headers={"Accept-Encoding": "gzip;q=0"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(packed.content) / 5
    assert packed.json() == unpacked.json() == refused.json()
    assert "content-encoding" not in unpacked.headers
    assert "content-encoding" not in refused.headers


# --- parameters ------------------------------------------------------------------------------------------------------


async def test_a_form_may_share_its_parameters_with_the_address(client: Client, join: Join) -> None:
    member = await join("east", answering(vector()))

    await client.post(f"{API}/query?query=ignored&time=5", content="query=up%7Ba%3D%22%2B%22%7D", headers=FORM)

    assert (member.asked[0].form["query"], float(member.asked[0].form["time"])) == ('up{a="+"}', 5)


async def test_what_prometheus_does_not_know_is_ignored(client: Client, join: Join) -> None:
    await join("east", answering(vector({})))

    assert len(await rows(client, query="up", dedup="true", nonsense="1", _="17")) == 1


async def test_clusters_are_chosen_by_name_or_id(client: Client, join: Join) -> None:
    for name in ("east", "north", "west"):
        await join(name, answering(vector({})))

    async def chosen(*clusters: str) -> list[str]:
        answer = await client.get(f"{API}/query", params=[("query", "up"), *(("clusters", one) for one in clusters)])
        return [row["metric"]["cluster"] for row in answer.json()["data"]["result"]]

    assert await chosen("west") == ["west"]
    assert await chosen("west, east") == ["east", "west"]
    assert await chosen("north", str(cluster_id("west")).upper()) == ["north", "west"]
    assert await chosen() == ["east", "north", "west"]


async def test_what_makes_no_sense_is_bad_data(client: Client, join: Join) -> None:
    member = await join("east", answering(vector()))
    wrong: list[tuple[str, dict[str, str], str]] = [
        ("query", {}, '"query"'),
        ("query", {"query": "up", "time": "yesterday"}, '"time"'),
        ("query", {"query": "up", "limit": "-1"}, '"limit"'),
        ("query", {"query": "up", "lookback_delta": "1m"}, '"lookback_delta"'),
        ("query", {"query": "up", "partial": "maybe"}, '"partial"'),
        ("query", {"query": "up", "mode": "sideways"}, '"mode"'),
        ("query", {"query": "up\0"}, "NUL"),
        ("query_range", {**RANGE, "start": ""}, '"start"'),
        ("query_range", {**RANGE, "end": "5"}, '"end"'),
        ("query_range", {**RANGE, "step": "0"}, '"step"'),
        ("series", {}, "match[]"),
        ("series", {"match[]": "up offset 5m"}, "selector"),
        ("series", {"match[]": "rate(up[5m])"}, "selector"),
        ("series", {"match[]": "up{"}, "parse error"),
        ("series", {"match[]": '{a=~"(",b="c"}'}, "regular expression"),
        ("labels", {"match[]": "{}"}, "non-empty"),
        ("rules", {"type": "x"}, '"type"'),
        ("targets", {"state": "x"}, '"state"'),
        ("query_exemplars", {"query": "up{"}, "parse error"),
        ("format_query", {"query": "sum("}, "parse error"),
        ("parse_query", {}, '"query"'),
    ]
    for path, parameters, part in wrong:
        response = await client.get(f"{API}/{path}", params=parameters)

        answer = response.json()
        assert response.status_code == 400, (path, parameters)
        assert set(answer) == {"status", "errorType", "error"}
        assert (answer["status"], answer["errorType"]) == ("error", "bad_data")
        assert part in answer["error"]
    assert member.asked == []


async def test_metadata_may_be_of_no_metric_at_all(client: Client, join: Join) -> None:
    await join("east", answering({"up": [{"type": "gauge", "help": "", "unit": ""}]}))

    async def found(limit: str) -> int:
        return len((await client.get(f"{API}/metadata", params={"limit": limit})).json()["data"])

    assert [await found(limit) for limit in ("", "-1", "0", "1")] == [1, 1, 0, 1]


# --- errors ----------------------------------------------------------------------------------------------------------


async def test_errors_are_prometheus_own(client: Client, join: Join) -> None:
    told: list[tuple[Answer, int, str]] = [
        (refusing(400, "bad_data", "parse error: unexpected"), 400, "bad_data"),
        (refusing(422, "execution", "many-to-many matching not allowed"), 422, "execution"),
        (refusing(422, "execution", "query processing would load too many samples"), 422, "execution"),
        (refusing(503, "timeout", "query timed out"), 503, "timeout"),
        (refusing(503, "unavailable", "TSDB not ready"), 503, "unavailable"),
        (plain(502, "<html>"), 503, "unavailable"),
        (plain(401, ""), 503, "unavailable"),
    ]
    member = await join("east", answering(vector()))
    for answer, status, kind in told:
        member.answer = answer
        response = await client.get(f"{API}/query", params={"query": "up"})

        assert (response.status_code, response.json()["errorType"]) == (status, kind)
        assert response.json()["status"] == "error"


async def test_a_range_of_too_many_points_is_refused(client: Client, join: Join) -> None:
    await join("east", answering(matrix()))

    response = await client.get(f"{API}/query_range", params={**RANGE, "step": "0.1"})

    assert (response.status_code, response.json()["errorType"]) == (400, "bad_data")
    assert "11,000" in response.json()["error"]


async def test_a_failed_cluster_is_a_warning_unless_that_is_denied(client: Client, join: Join) -> None:
    await join("east", answering(vector({})))
    await join("west", plain(502, ""))

    allowed = await client.get(f"{API}/query", params={"query": "up"})
    denied = await client.get(f"{API}/query", params={"query": "up", "partial": "deny"})

    assert allowed.json()["warnings"] == ["west: it answered HTTP 502"]
    assert len(allowed.json()["data"]["result"]) == 1
    assert (denied.status_code, denied.json()["errorType"]) == (503, "unavailable")
    assert "west" in denied.json()["error"]


async def test_an_unknown_cluster_is_not_found(client: Client, join: Join) -> None:
    await join("east", answering(vector()))

    response = await client.get(f"{API}/query", params={"query": "up", "clusters": "nowhere"})

    assert (response.status_code, response.json()["errorType"]) == (404, "not_found")
    assert "nowhere" in response.json()["error"]


async def test_an_absent_registry_is_an_error_and_no_empty_answer(client: Client, registry: StaticRegistry) -> None:
    registry.failure = ServiceUnavailable("the role registry cannot be reached")

    for path in ("query?query=up", "labels", "series?match[]=up", "metadata", "rules", "alerts", "targets"):
        response = await client.get(f"{API}/{path}")

        assert (response.status_code, response.json()["errorType"]) == (503, "unavailable"), path


async def test_nobody_and_strangers_are_told_in_a_shape_that_clients_show(
    registry: StaticRegistry, fresh_database: str, valkey_url: str
) -> None:
    nobody = Identity(subject="nobody", kind=viewer().kind, grants=())
    callers: list[Identity | None] = [None, nobody]
    async with application(registry, fresh_database, valkey_url, lambda: callers[0]) as client:
        for status, kind in ((401, "unauthorized"), (403, "forbidden")):
            response = await client.get(f"{API}/query", params={"query": "up"})
            callers.pop(0)
            assert (response.status_code, response.json()["errorType"]) == (status, kind)
            assert response.json()["error"]
            assert ("www-authenticate" in response.headers) == (status == 401)


# --- the fleet -------------------------------------------------------------------------------------------------------


async def test_a_hundred_and_twenty_clusters_give_as_many_answers(
    client: Client, registry: StaticRegistry, join: Join
) -> None:
    sites = [await join(f"site-{n}", answering(vector({"__name__": "up"}))) for n in range(3)]
    registry.add(*(target(f"edge-{n:03}", sites[n % 3].url) for n in range(117)))

    answer = (await client.get(f"{API}/query", params={"query": "up"})).json()
    for site in sites:
        site.answer = answering(["__name__"])
    names = (await client.get(f"{API}/label/cluster/values")).json()

    assert len({row["metric"]["cluster"] for row in answer["data"]["result"]}) == 120
    assert len(names["data"]) == 120
    assert "warnings" not in answer
    assert "warnings" not in names


@pytest.fixture
async def restricted(registry: StaticRegistry, fresh_database: str, valkey_url: str) -> AsyncIterator[Client]:
    """Asked by somebody who may see the blue team's clusters alone."""
    caller = viewer(ClusterSelector(labels={"team": "blue"}))
    async with application(registry, fresh_database, valkey_url, lambda: caller) as found:
        yield found


HOSTILE = [
    'up{cluster="red"}',
    'up{cluster=~".*"}',
    'up{cluster!="blue"}',
    'up{job="x\\"} or up{cluster=\\"red"}',
    'up{job="x"} or up{cluster="red"}',
    'up{job="x",cluster=~"red|blue"}',
    '{__name__=~".+",cluster=~"(?i)RED"}',
    'up{"cluster"="red"}',
    'up{exported_cluster="red"}',
]


async def test_no_selector_leads_out_of_the_callers_scope(restricted: Client, join: Join) -> None:
    async def catalogue(asked: Asked) -> web.StreamResponse:
        if asked.path.endswith("/query"):
            return success(vector({"job": "x"}))
        return success([{"__name__": "up"}] if asked.path.endswith("series") else ["x"])

    await join("blue", catalogue, team="blue")
    red = await join("red", catalogue, team="red")

    for selector in HOSTILE:
        for path in ("series", "labels", "label/cluster/values", "label/job/values"):
            answer = await restricted.get(f"{API}/{path}", params={"match[]": selector})
            assert answer.status_code in (200, 400)
            assert '"red"' not in answer.text
        await restricted.get(f"{API}/query_exemplars", params={"query": selector})
        await restricted.get(f"{API}/query", params={"query": selector})
        refused = await restricted.get(f"{API}/query", params={"query": selector, "clusters": "red"})
        assert refused.status_code == 404
    assert red.asked == []


# --- how many at once ------------------------------------------------------------------------------------------------


async def test_more_than_twenty_queries_of_one_caller_wait(client: Client, join: Join) -> None:
    released = asyncio.Event()
    under_way = 0
    most = 0

    async def slow(_: Asked) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await released.wait()
        under_way -= 1
        return success(vector({}))

    async def twenty() -> bool:
        return most >= 20

    # Each cluster takes a few requests at once; enough clusters, so that the caller's own limit is met first.
    for n in range(30):
        await join(f"site-{n}", slow)
    asked = [asyncio.create_task(rows(client, query=f"x{n}", clusters=f"site-{n}", timeout="60")) for n in range(30)]
    await eventually(twenty, what="twenty queries are under way")
    late = await client.get(f"{API}/query", params={"query": "late", "timeout": "0.2"})
    released.set()

    assert [len(found) for found in await asyncio.gather(*asked)] == [1] * 30
    assert most == 20
    assert (late.status_code, late.json()["errorType"]) == (503, "timeout")
    assert "20 queries" in late.json()["error"]


async def every_one_asked(members: list[Member]) -> bool:
    return all(member.asked for member in members)


async def test_our_own_paths_share_the_line(client: Client, join: Join) -> None:
    members = [await join(f"site-{n}", hanging) for n in range(20)]
    held = [
        asyncio.create_task(client.get(f"{API}/query", params={"query": "x", "clusters": f"site-{n}", "timeout": "5"}))
        for n in range(20)
    ]
    await eventually(lambda: every_one_asked(members), what="twenty queries are under way")
    answer = await client.post("/api/v1/metrics/query", json={"query": "x", "timeout": 1})
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)

    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "QUERY_TIMEOUT")
    assert "ask fewer at once" in answer.json()["error"]["message"]


# --- syntax ----------------------------------------------------------------------------------------------------------


async def test_a_query_is_written_in_one_spelling(client: Client) -> None:
    answer = await client.post(f"{API}/format_query", data={"query": "sum(rate(x{a='b'}[5m]))by(c)"})

    assert answer.json() == {"status": "success", "data": 'sum by (c) (rate(x{a="b"}[5m]))'}


async def test_buildinfo_says_which_promql_is_spoken(client: Client) -> None:
    answer = (await client.get(f"{API}/status/buildinfo")).json()

    assert answer["data"]["version"].split(".")[0] == "3"
    assert set(answer["data"]) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
