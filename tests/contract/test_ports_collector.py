"""The collector's port: the service in process and its twin over HTTP answer alike, errors included."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import uvicorn
from litestar import Litestar
from litestar.connection import ASGIConnection
from prometheus_client import CollectorRegistry

from aiops.app import IdentityMiddleware
from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.client import CollectorClient
from aiops.collector.fanout import Fanout
from aiops.collector.internal import router
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.collector.metrics import MetricsService
from aiops.core.clock import utc_now
from aiops.core.errors import ClusterNotFound, ClusterUnreachable, InvalidPromql, LimitExceeded, QueryTimeout
from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics
from aiops.core.identity import FLEET, HopSigner, Identity, service_identity
from aiops.core.peer import HOP_HEADER, Peer
from aiops.core.web import ErrorHandler
from aiops.ports.collector import ClusterStatus, Collector, RangeQuery, ResultType, Series
from aiops.settings import CollectorSettings
from tests.servers.waiting import eventually
from tests.unit.collector.members import (
    Answer,
    Member,
    StaticRegistry,
    answering,
    cluster_id,
    hanging,
    matrix,
    plain,
    refusing,
    target,
)

pytestmark = pytest.mark.anyio
Join = Callable[[str, Answer], Awaitable[Member]]


@pytest.fixture
def registry() -> StaticRegistry:
    return StaticRegistry()


@pytest.fixture
async def join(registry: StaticRegistry) -> AsyncIterator[Join]:
    async with AsyncExitStack() as stack:

        async def joined(name: str, answer: Answer) -> Member:
            member = await stack.enter_async_context(Member(answer))
            registry.add(target(name, member.url))
            return member

        yield joined


@asynccontextmanager
async def served(service: Collector, hop: HopSigner) -> AsyncIterator[str]:
    """The port's router on a real server; its URL."""

    async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
        token = connection.headers.get(HOP_HEADER)
        return None if token is None else hop.verify(token, frozenset({"collector"}))

    served_app = Litestar(
        [router(service)],
        middleware=[lambda app: IdentityMiddleware(app, identify)],
        exception_handlers={Exception: ErrorHandler("collector")},
        logging_config=None,
    )
    server = uvicorn.Server(uvicorn.Config(served_app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server._serve())  # noqa: SLF001 - the public one takes the signals of the test run

    async def started() -> bool:
        return server.started

    await eventually(started, what="the port is served")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@pytest.fixture(params=["in process", "over HTTP"])
async def collector(request: pytest.FixtureRequest, registry: StaticRegistry) -> AsyncIterator[Collector]:
    metrics = CollectorRegistry()
    http_metrics = HttpMetrics(metrics)
    async with (
        HttpClient(user_agent="t", policy=AddressPolicy(allow_loopback=True), metrics=http_metrics) as members,
        HttpClient(user_agent="t", policy=AddressPolicy(unrestricted=True), metrics=http_metrics) as peers,
    ):
        service = MetricsService(
            Members(registry),
            PrometheusApi(members, max_response_bytes=1_000_000),
            Fanout(max_total=8, max_per_cluster=2, meters=Meters(metrics)),
            CollectorSettings(),
            utc_now,
        )
        if request.param == "in process":
            yield service
            return
        hop = HopSigner((b"a secret that is long enough for HS256",))
        async with served(service, hop) as url:
            caller = service_identity("intelligence")
            yield CollectorClient(Peer(peers, role="collector", url=url, hop=hop, caller=caller, timeout_s=10))


def question(**options: Any) -> RangeQuery:
    defaults: dict[str, Any] = {
        "scope": FLEET,
        "query": "up",
        "start_time": datetime(2026, 1, 1, tzinfo=UTC),
        "end_time": datetime(2026, 1, 1, 1, tzinfo=UTC),
        "step_s": 60.0,
        "timeout_s": 5.0,
    }
    return RangeQuery(**{**defaults, **options})


async def test_the_union_comes_with_raw_rows(collector: Collector, join: Join) -> None:
    await join("east", answering(matrix({"a": "b"})))
    await join("west", answering(matrix()))

    answer = await collector.query_range(question())

    assert answer.result_type is ResultType.MATRIX
    rows = msgspec.json.decode(answer.results[0].data, type=tuple[Series, ...])
    assert rows == (Series({"cluster": "east", "a": "b"}, ((1, "1"), (2, "NaN"))),)
    assert bytes(answer.results[1].data) == b"[]"
    assert [one.status for one in answer.federation.clusters] == [ClusterStatus.SUCCESS] * 2
    assert answer.partial is False


async def test_a_failed_cluster_is_named(collector: Collector, join: Join) -> None:
    await join("east", answering(matrix({"a": "b"})))
    await join("west", plain(500, ""))

    answer = await collector.query_range(question())

    assert answer.partial
    assert answer.federation.clusters[1].error == "it answered HTTP 500"


async def test_errors_come_as_their_own_classes(collector: Collector, join: Join) -> None:
    east = await join("east", refusing(400, "bad_data", "parse error"))
    with pytest.raises(InvalidPromql, match="parse error"):
        await collector.query_range(question())
    with pytest.raises(LimitExceeded):
        await collector.query_range(question(step_s=0.1))
    with pytest.raises(ClusterNotFound):
        await collector.query_range(question(cluster_ids=(cluster_id("nowhere"),)))
    east.answer = plain(500, "")
    with pytest.raises(ClusterUnreachable) as caught:
        await collector.query_range(question())
    assert caught.value.details["clusters"][0]["cluster_name"] == "east"
    east.answer = hanging
    with pytest.raises(QueryTimeout):
        await collector.query_range(question(timeout_s=0.5))


async def test_denied_partial_answers_are_errors(collector: Collector, join: Join) -> None:
    await join("east", answering(matrix({"a": "b"})))
    await join("west", plain(500, ""))

    with pytest.raises(ClusterUnreachable, match="west"):
        await collector.query_range(question(deny_partial=True))
