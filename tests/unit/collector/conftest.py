"""What the collector's tests share: an HTTP client that may ask loopback, the services, and the application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import httpx
import pytest
from litestar.connection import ASGIConnection
from prometheus_client import CollectorRegistry

from aiops.app import AppSpec, Lifecycle, build_app
from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.catalogue import CatalogueService
from aiops.collector.fanout import Fanout
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.collector.metrics import MetricsService
from aiops.collector.module import build
from aiops.core.bus import Bus
from aiops.core.clock import utc_now
from aiops.core.db import Database
from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics
from aiops.core.identity import ClusterSelector, Grant, HopSigner, Identity, Role, SubjectKind
from aiops.core.infra import Infra
from aiops.core.redis import RedisConnection
from aiops.core.secretbox import SecretBox
from aiops.core.tasks import Supervisor
from aiops.settings import CollectorSettings, Settings
from tests.unit.collector.members import Answer, Member, StaticRegistry, target

Join = Callable[..., Awaitable[Member]]


def http_client(policy: AddressPolicy) -> HttpClient:
    return HttpClient(user_agent="aiops-tests", policy=policy, metrics=HttpMetrics(CollectorRegistry()))


@pytest.fixture
def registry() -> StaticRegistry:
    return StaticRegistry()


@pytest.fixture
async def join(registry: StaticRegistry) -> AsyncIterator[Join]:
    """A way to start a member and register it under a name."""
    async with AsyncExitStack() as stack:

        async def joined(name: str, answer: Answer, **options: Any) -> Member:
            member = await stack.enter_async_context(Member(answer))
            registry.add(target(name, member.url, **options))
            return member

        yield joined


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with http_client(AddressPolicy(allow_loopback=True)) as client:
        yield client


@pytest.fixture
def metrics(registry: StaticRegistry, http: HttpClient) -> MetricsService:
    settings = CollectorSettings()
    fanout = Fanout(max_total=64, max_per_cluster=8, meters=Meters(CollectorRegistry()))
    api = PrometheusApi(http, max_response_bytes=4_000_000)
    return MetricsService(Members(registry), api, fanout, settings, utc_now)


@pytest.fixture
def catalogue(registry: StaticRegistry, http: HttpClient) -> CatalogueService:
    fanout = Fanout(max_total=64, max_per_cluster=8, meters=Meters(CollectorRegistry()))
    return CatalogueService(
        Members(registry), PrometheusApi(http, max_response_bytes=4_000_000), fanout, "cluster", utc_now
    )


@pytest.fixture
async def db(fresh_database: str) -> AsyncIterator[Database]:
    async with Database(fresh_database, application_name="collector tests", pool_size=4) as database:
        yield database


def viewer(clusters: ClusterSelector | None = None) -> Identity:
    grant = Grant(Role.VIEWER, clusters or ClusterSelector(all=True))
    return Identity(subject="viewer", kind=SubjectKind.API_TOKEN, grants=(grant,))


@asynccontextmanager
async def application(
    registry: StaticRegistry, database_url: str, redis_url: str, caller: Callable[[], Identity | None]
) -> AsyncIterator[httpx.AsyncClient]:
    """The role `collector` alone, with its routes, over real stores."""

    async def identify(_: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
        return caller()

    redis = RedisConnection(redis_url, client_name="collector tests")
    infra = Infra(
        db=Database(database_url, application_name="collector tests", pool_size=4),
        redis=redis,
        bus=Bus(redis),
        members=http_client(AddressPolicy(allow_loopback=True)),
        peers=http_client(AddressPolicy(unrestricted=True)),
        hop=HopSigner((b"secret",)),
        secrets=SecretBox((b"k" * 32,)),
        clock=utc_now,
        metrics=CollectorRegistry(),
    )
    module, _ = build(Settings(), infra, registry)
    spec = AppSpec(
        role="collector",
        modules=[module],
        resources=[infra.db, infra.redis, infra.members, infra.peers],
        identify=identify,
        supervisor=Supervisor(()),
        metrics=infra.metrics,
        lifecycle=Lifecycle(),
        max_body_bytes=10 * 1024 * 1024,
        metrics_token=None,
        serve_internal=True,
    )
    app = build_app(spec)
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


@pytest.fixture
async def client(registry: StaticRegistry, fresh_database: str, valkey_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with application(registry, fresh_database, valkey_url, viewer) as found:
        yield found
