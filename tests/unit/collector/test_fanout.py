"""Members that hang, cut, lie and refuse: each fails alone, is named, and learns nothing that is not its own."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from aiops.collector.catalogue import CatalogueQuery, CatalogueService, label_path
from aiops.collector.fanout import Fanout, MemberFailed, Part
from aiops.collector.meters import Meters
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.core.errors import ClusterUnreachable, InvalidPromql, LimitExceeded, QueryTimeout
from aiops.core.http import BreakerPolicy, Deadline
from aiops.core.identity import FLEET, ClusterSelector, Scope
from aiops.ports.collector import ClusterStatus, MetricsAnswer
from aiops.ports.registry import Target
from tests.servers.waiting import eventually
from tests.unit.collector.conftest import Join
from tests.unit.collector.members import (
    Answer,
    Asked,
    StaticRegistry,
    answering,
    cluster_id,
    cutting,
    gzipped,
    hanging,
    plain,
    refusing,
    success,
    target,
    vector,
)

pytestmark = pytest.mark.anyio
FAILURES = BreakerPolicy().failures


async def ask(metrics: MetricsService, **options: Any) -> MetricsAnswer:
    return await metrics.query(InstantQuery(**{"scope": FLEET, "query": "up", "timeout_s": 5.0, **options}))


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (plain(500, "stack trace"), "ERROR", "it answered HTTP 500"),
        (plain(400, "Bad Request: no namespace"), "ERROR", "it answered HTTP 400"),
        (plain(401, "who?"), "ERROR", "it wants a credential, none is stored (HTTP 401)"),
        (plain(403, "no"), "ERROR", "it wants a credential, none is stored (HTTP 403)"),
        (plain(200, "<html>sign in</html>"), "ERROR", "the answer is not that of a Prometheus API"),
        (refusing(503, "timeout", "query timed out"), "TIMEOUT", "its own query timeout passed"),
        (refusing(500, "internal", "expanding series: oops"), "ERROR", "expanding series: oops"),
        (refusing(422, "execution", "rpc error: code = Unavailable desc = x"), "ERROR", "rpc error"),
        (cutting, "ERROR", "cut short"),
        (answering(vector(*({"i": "x" * 1000},) * 5000)), "ERROR", "is over 4000000 bytes"),
    ],
    ids=["500", "400", "401", "403", "html", "timeout", "internal", "store away", "cut", "too large"],
)
async def test_a_member_fails_alone(
    metrics: MetricsService, join: Join, answer: Answer, status: str, reason: str
) -> None:
    await join("bad", answer)
    await join("good", answering(vector({"a": "b"})))

    told = await ask(metrics)

    bad, good = told.federation.clusters
    assert (bad.status, good.status) == (status, "SUCCESS")
    assert bad.error is not None
    assert reason in bad.error
    assert told.partial
    assert len(told.warnings) == 1
    assert told.warnings[0].startswith("bad: ")


async def test_a_hanging_member_costs_its_timeout_and_no_more(metrics: MetricsService, join: Join) -> None:
    await join("bad", hanging)
    await join("good", answering(vector({"a": "b"})))
    started = time.monotonic()

    told = await ask(metrics, timeout_s=1.0)

    assert 0.8 < time.monotonic() - started < 2
    assert [one.status for one in told.federation.clusters] == ["TIMEOUT", "SUCCESS"]


async def test_a_member_that_keeps_hanging_is_left_alone_for_a_while(metrics: MetricsService, join: Join) -> None:
    bad = await join("bad", hanging)
    await join("good", answering(vector({"a": "b"})))
    await asyncio.gather(*(ask(metrics, query=f"up + {number}", timeout_s=1.5) for number in range(FAILURES)))
    asked = len(bad.asked)

    told = await ask(metrics, timeout_s=30.0)

    assert len(bad.asked) == asked, "nobody waits for its timeout again"
    status = told.federation.clusters[0]
    assert status.status == "ERROR"
    assert status.error is not None
    assert "kept failing and is asked again in" in status.error
    assert told.federation.clusters[1].status == "SUCCESS"


async def test_a_hasty_caller_does_not_close_a_member_to_others(metrics: MetricsService, join: Join) -> None:
    slow = await join("slow", hanging)
    await asyncio.gather(
        *(ask(metrics, query=f"up + {number}", timeout_s=0.2) for number in range(2 * FAILURES)), return_exceptions=True
    )
    slow.answer = answering(vector({"a": "b"}))

    told = await ask(metrics)

    assert not told.partial


async def test_all_hanging_is_a_timeout_and_all_failing_is_unreachable(metrics: MetricsService, join: Join) -> None:
    east = await join("east", hanging)
    await join("west", hanging)
    with pytest.raises(QueryTimeout, match="none of the 2 clusters answered"):
        await ask(metrics, timeout_s=1.0)

    east.answer = plain(502, "")
    with pytest.raises(ClusterUnreachable) as caught:
        await ask(metrics, timeout_s=1.0)
    statuses = [one["status"] for one in caught.value.details["clusters"]]
    assert statuses == ["ERROR", "TIMEOUT"]


async def test_a_cluster_without_metrics_is_told_of(
    metrics: MetricsService, registry: StaticRegistry, join: Join
) -> None:
    await join("east", answering(vector()))
    registry.add(target("west", None))

    told = await ask(metrics)

    assert told.federation.clusters[1].error == "no metrics endpoint configured"


@pytest.mark.parametrize(
    ("status", "kind", "text", "error"),
    [
        (400, "bad_data", "parse error", InvalidPromql),
        (422, "execution", "many-to-many matching not allowed", InvalidPromql),
        (422, "execution", "query processing would load too many samples into memory", LimitExceeded),
        (400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries.", LimitExceeded),
        (422, "422", "cannot parse", InvalidPromql),
    ],
)
async def test_a_wrong_query_ends_the_whole_at_once(
    metrics: MetricsService, join: Join, status: int, kind: str, text: str, error: type[Exception]
) -> None:
    await join("east", refusing(status, kind, text))
    await join("west", hanging)
    started = time.monotonic()

    with pytest.raises(error, match=text):
        await ask(metrics, timeout_s=30.0)

    assert time.monotonic() - started < 5


async def test_warnings_of_a_member_make_it_partial(metrics: MetricsService, join: Join) -> None:
    await join("east", answering(vector({"a": "b"}), warnings=["store x is away"]))
    await join("west", answering(vector({"a": "b"}), warnings=["PromQL warning: odd"], infos=["PromQL info: hm"]))

    told = await ask(metrics)

    assert [one.status for one in told.federation.clusters] == ["PARTIAL", "SUCCESS"]
    assert told.warnings == ("east: store x is away", "west: PromQL warning: odd", "west: PromQL info: hm")
    assert bytes(told.results[0].data) != b"[]"
    with pytest.raises(ClusterUnreachable, match="store x is away"):
        await ask(metrics, deny_partial=True)


async def test_compressed_answers_are_read(metrics: MetricsService, join: Join) -> None:
    await join("east", gzipped(vector({"a": "b"})))

    told = await ask(metrics)

    assert bytes(told.results[0].data) == b'[{"metric":{"cluster":"east","a":"b"},"values":[[1.5,"1"]]}]'


async def test_each_member_gets_its_own_credential_and_tenant_only(
    metrics: MetricsService, join: Join, registry: StaticRegistry
) -> None:
    east = await join("east", answering(vector()), version=3, tenant="team-a")
    west = await join("west", answering(vector()))
    registry.tokens[cluster_id("east")] = "east-secret"
    registry.tokens[cluster_id("west")] = "never-asked-for"

    await ask(metrics)
    await ask(metrics, query="again")

    assert east.asked[0].headers["Authorization"] == "Bearer east-secret"
    assert east.asked[0].headers["X-Scope-OrgID"] == "team-a"
    assert "Authorization" not in west.asked[0].headers
    assert "X-Scope-OrgID" not in west.asked[0].headers
    assert registry.credential_calls == 1


async def test_a_new_credential_is_used_from_its_version_on(
    metrics: MetricsService, join: Join, registry: StaticRegistry
) -> None:
    east = await join("east", answering(vector()), version=1)
    registry.tokens[cluster_id("east")] = "old"
    await ask(metrics)
    registry.tokens[cluster_id("east")] = "new"
    registry.targets_[0] = target("east", east.url, version=2)

    await ask(metrics)

    assert [one.headers["Authorization"] for one in east.asked] == ["Bearer old", "Bearer new"]


async def test_the_scope_decides_who_is_asked(metrics: MetricsService, join: Join) -> None:
    east = await join("east", answering(vector()), env="prod")
    west = await join("west", answering(vector()), env="lab")

    told = await ask(metrics, scope=Scope((ClusterSelector(labels={"env": "lab"}),)))

    assert [one.cluster_name for one in told.federation.clusters] == ["west"]
    assert (east.asked, len(west.asked)) == ([], 1)


async def test_a_member_that_takes_no_post_is_asked_by_get(metrics: MetricsService, join: Join) -> None:
    async def only_get(asked: Asked) -> web.StreamResponse:
        return success(vector({"a": "b"})) if asked.method == "GET" else web.Response(status=405)

    east = await join("east", only_get)

    told = await ask(metrics, query='up{a="b+c&d"}')

    assert told.partial is False
    assert [one.method for one in east.asked] == ["POST", "GET"]
    assert east.asked[1].form["query"] == 'up{a="b+c&d"}'


async def test_a_redirect_is_not_followed(metrics: MetricsService, join: Join) -> None:
    elsewhere = await join("elsewhere", answering(vector()))

    async def redirecting(_: Asked) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": elsewhere.url})

    await join("bad", redirecting)

    told = await ask(metrics)

    assert told.federation.clusters[0].status is ClusterStatus.ERROR
    assert len(elsewhere.asked) == 1


async def test_identical_questions_at_once_are_asked_once(metrics: MetricsService, join: Join) -> None:
    gate = asyncio.Event()

    async def slow(_: Asked) -> web.StreamResponse:
        await gate.wait()
        return success(vector({"a": "b"}))

    east = await join("east", slow)
    at = {"time": datetime(2026, 1, 1, tzinfo=UTC)}
    waiting = [asyncio.create_task(ask(metrics, **at)) for _ in range(5)]

    async def asked() -> bool:
        return bool(east.asked)

    await eventually(asked, what="the question reaches the member")
    gate.set()
    answers = await asyncio.gather(*waiting)

    assert len(east.asked) == 1
    assert len({bytes(answer.results[0].data) for answer in answers}) == 1


async def test_limits_hold_per_cluster_and_in_total() -> None:
    fanout = Fanout(max_total=3, max_per_cluster=2, meters=Meters(CollectorRegistry()))
    running = {"east": 0, "west": 0}
    peaks: list[tuple[int, int]] = []

    async def question(one: Target, _: Deadline) -> Part[None]:
        running[one.cluster_name] += 1
        peaks.append((max(running.values()), sum(running.values())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running[one.cluster_name] -= 1
        return Part(None)

    targets = [target("east", None), target("west", None)]
    await asyncio.gather(*(fanout.ask(targets, 5, question) for _ in range(20)))

    assert max(peak for peak, _ in peaks) == 2
    assert max(total for _, total in peaks) == 3


async def test_whoever_gets_no_turn_is_told_so() -> None:
    fanout = Fanout(max_total=8, max_per_cluster=1, meters=Meters(CollectorRegistry()))
    held = asyncio.Event()

    async def holding(_: Target, __: Deadline) -> Part[None]:
        await held.wait()
        return Part(None)

    first = asyncio.create_task(fanout.ask([target("east", None)], 30, holding))
    await asyncio.sleep(0)
    (waited,) = await fanout.ask([target("east", None)], 0.1, holding)
    held.set()

    assert waited.status is ClusterStatus.TIMEOUT
    assert waited.error == "as many queries as it may be asked at once were under way for 0.09 s"
    assert (await first)[0].status is ClusterStatus.SUCCESS


async def test_a_job_that_does_not_end_by_itself_is_ended() -> None:
    fanout = Fanout(max_total=8, max_per_cluster=1, meters=Meters(CollectorRegistry()))

    async def deaf(_: Target, __: Deadline) -> Part[None]:
        await asyncio.Event().wait()
        raise AssertionError

    (outcome,) = await fanout.ask([target("east", None)], 0.1, deaf)

    assert outcome.error == "no answer within 0.09 s"


async def test_a_failure_of_the_hub_itself_is_no_outcome() -> None:
    fanout = Fanout(max_total=3, max_per_cluster=2, meters=Meters(CollectorRegistry()))

    async def question(one: Target, _: Deadline) -> Part[None]:
        if one.cluster_name == "east":
            raise MemberFailed("its own fault")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fanout.ask([target("east", None), target("west", None)], 5, question)


# --- catalogue ---


async def test_values_of_the_cluster_label_are_the_clusters_with_data(catalogue: CatalogueService, join: Join) -> None:
    await join("east", answering(["__name__"]))
    await join("west", answering([]))

    answer = await catalogue.label_values("cluster", CatalogueQuery(FLEET))

    assert answer.items == ["east"]


async def test_a_members_own_cluster_label_is_found_under_its_exported_name(
    catalogue: CatalogueService, join: Join
) -> None:
    east = await join("east", answering(["own"]))

    answer = await catalogue.label_values("exported_cluster", CatalogueQuery(FLEET))

    assert answer.items == ["own"]
    assert [urlsplit(one.path).path for one in east.asked] == [
        "/api/v1/label/exported_cluster/values",
        "/api/v1/label/cluster/values",
    ]


async def test_series_show_their_cluster_and_are_cut_openly(catalogue: CatalogueService, join: Join) -> None:
    await join("east", answering([{"__name__": "up", "cluster": "own"}]))
    await join("west", answering([{"__name__": "up"}]))

    whole = await catalogue.series(CatalogueQuery(FLEET, match=("up",)))
    cut = await catalogue.series(CatalogueQuery(FLEET, match=("up",), limit=1))

    assert whole.items == [
        {"cluster": "east", "__name__": "up", "exported_cluster": "own"},
        {"cluster": "west", "__name__": "up"},
    ]
    assert len(cut.items) == 1
    assert (cut.federation.truncated, cut.federation.exact) == (True, False)
    assert cut.warnings


async def test_metadata_tells_who_says_it(catalogue: CatalogueService, join: Join) -> None:
    said = {"type": "gauge", "help": "1 = up", "unit": ""}
    await join("east", answering({"up": [said]}))
    await join("west", answering({"up": [said], "x": [{"type": "counter", "help": "", "unit": ""}]}))

    answer = await catalogue.metadata(None, CatalogueQuery(FLEET))

    assert [(item.metric, item.type, item.clusters) for item in answer.items] == [
        ("up", "gauge", ["east", "west"]),
        ("x", "counter", ["west"]),
    ]


async def test_a_failed_cluster_is_missing_from_a_list_openly(catalogue: CatalogueService, join: Join) -> None:
    await join("east", answering(["job"]))
    await join("west", plain(500, ""))

    answer = await catalogue.labels(CatalogueQuery(FLEET))

    assert answer.items == ["cluster", "job"]
    assert (answer.partial, answer.warnings) == (True, ("west: it answered HTTP 500",))


@pytest.mark.parametrize(
    ("name", "path"),
    [("job", "job"), ("a/b", "U__a_2f_b"), ("häß", "U__h_e4__df_"), ("1x", "U__1x"), ("..", "U___2e__2e_")],
)
def test_a_label_name_cannot_leave_its_path(name: str, path: str) -> None:
    assert label_path(name) == path
