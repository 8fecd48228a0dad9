"""The registry over a real PostgreSQL and real HTTP, as its module builds it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from litestar.connection import ASGIConnection
from litestar.testing import AsyncTestClient
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from aiops.app import AppSpec, Lifecycle, build_app
from aiops.core.bus import Bus
from aiops.core.clock import utc_now
from aiops.core.db import Database
from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics
from aiops.core.identity import ClusterSelector, Grant, HopSigner, Identity, Role, SubjectKind
from aiops.core.infra import Infra
from aiops.core.redis import RedisConnection
from aiops.core.secretbox import SecretBox
from aiops.core.tasks import Supervisor
from aiops.registry import module
from aiops.settings import RegistrySettings, Settings
from tests.unit.registry.member import Member, running

EVERYTHING = ClusterSelector(all=True)


def who(role: Role = Role.ADMIN, *selectors: ClusterSelector) -> Identity:
    """A caller with one role on some clusters, by default on all."""
    return Identity("test", SubjectKind.API_TOKEN, tuple(Grant(role, found) for found in selectors or (EVERYTHING,)))


class Hub:
    """One registry behind its routes; `identity` is who calls from now on."""

    def __init__(self, client: AsyncTestClient[Any], infra: Infra, port: Any) -> None:
        self.client = client
        self.infra = infra
        self.port = port
        self.identity = who()

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """One request under /api/v1."""
        return await self.client.request(method, f"/api/v1{path}", json=body, **options)

    async def register(self, name: str, **fields: Any) -> dict[str, Any]:
        """A registered cluster, as the API answered."""
        answer = await self.call("POST", "/clusters", {"name": name, **fields})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def rows(self, statement: str) -> list[Any]:
        """What a SELECT finds."""
        async with self.infra.db.read() as connection:
            return list(await connection.execute(text(statement)))

    async def change(self, statement: str) -> None:
        """Change the database behind the registry's back."""
        async with self.infra.db.begin() as tx:
            await tx.execute(text(statement))


class MemberFactory(Protocol):
    """Makes running members."""

    def __call__(self, *, tls: bool = False) -> Member: ...


@pytest.fixture
def member(tmp_path: Path) -> Iterator[MemberFactory]:
    """Make a running member: `member()` over HTTP, `member(tls=True)` over HTTPS with a CA of its own."""
    with ExitStack() as stack:

        def make(*, tls: bool = False) -> Member:
            return stack.enter_context(running(tmp_path / secrets.token_hex(4) if tls else None))

        yield make


@pytest.fixture
def settings() -> Settings:
    """A fast registry that may ask loopback."""
    return Settings(registry=RegistrySettings(allow_loopback_targets=True, interval_scale=0.01))


@pytest.fixture
async def infra(fresh_database: str, valkey_url: str, settings: Settings) -> AsyncIterator[Infra]:
    """Real stores and clients."""
    metrics = CollectorRegistry()
    policy = AddressPolicy(allow_loopback=settings.registry.allow_loopback_targets)
    http_metrics = HttpMetrics(metrics)
    peer_policy = AddressPolicy(unrestricted=True)
    async with (
        Database(fresh_database, application_name="registry-test") as db,
        RedisConnection(valkey_url, client_name="registry-test") as redis,
        HttpClient(user_agent="test", policy=policy, metrics=http_metrics) as members,
        HttpClient(user_agent="test", policy=peer_policy, metrics=http_metrics) as peers,
    ):
        yield Infra(
            db=db,
            redis=redis,
            bus=Bus(redis, stream=f"test:{secrets.token_hex(4)}"),
            members=members,
            peers=peers,
            hop=HopSigner((b"x" * 32,)),
            secrets=SecretBox((b"k" * 32,)),
            clock=utc_now,
            metrics=metrics,
        )


@pytest.fixture
async def hub(infra: Infra, settings: Settings) -> AsyncIterator[Hub]:
    """The registry behind its routes, health loop running."""
    built, port = module.build(settings, infra)
    holder: list[Hub] = []

    async def identify(_: ASGIConnection[Any, Any, Any, Any]) -> Identity:
        return holder[0].identity

    health = tuple(task for task in built.tasks if task.name == "registry.health")
    app = build_app(
        AppSpec(
            role="registry",
            modules=[built],
            resources=[],
            identify=identify,
            supervisor=Supervisor(health),
            metrics=infra.metrics,
            lifecycle=Lifecycle(),
            max_body_bytes=settings.http.max_body_bytes,
            metrics_token=None,
            serve_internal=True,
        )
    )
    async with AsyncTestClient(app) as client:
        holder.append(Hub(client, infra, port))
        yield holder[0]
