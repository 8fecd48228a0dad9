"""What modules stand on, made from the settings: stores, clients, secrets, and the tasks that keep those in motion.

Costs sixty megabytes to import; `compose` does so only for a process whose modules need it. Knows no module. Nothing
is connected or started here: the application enters the resources, the supervisor runs the tasks.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from litestar.connection import ASGIConnection
from prometheus_client import CollectorRegistry

from aiops import __version__
from aiops.app import Identify
from aiops.core.bus import Bus
from aiops.core.clock import utc_now
from aiops.core.db import Database, conninfo
from aiops.core.http import (
    NO_PROXIES,
    AddressPolicy,
    BreakerPolicies,
    BreakerPolicy,
    HttpClient,
    HttpMetrics,
    PoolLimits,
    proxies,
    proxy_mistakes,
)
from aiops.core.identity import HopSigner, Identity, service_identity
from aiops.core.infra import Infra
from aiops.core.jobs import Jobs
from aiops.core.module import Module
from aiops.core.objects import ObjectStore, object_store
from aiops.core.outbox import Relay
from aiops.core.peer import HOP_HEADER, Peer
from aiops.core.redis import RedisConnection
from aiops.core.secretbox import SecretBox
from aiops.core.tasks import Task
from aiops.settings import Settings, env_name

# For calls of ports, which come back as soon as a role does. What people ask for has the route table's breakers.
PEER_BREAKER: Final = BreakerPolicy(failures=10, open_s=2.0, probes=3)
# A stream of events that passes through a gateway keeps its connection for as long as its reader stays.
PEER_LIMITS: Final = PoolLimits(connections_per_origin=1024)


class Backing:
    """The infrastructure of one process, and what is made of it. Its settings have passed `unusable`."""

    def __init__(self, settings: Settings, role: str, names: Sequence[str], metrics: CollectorRegistry) -> None:
        self._settings = settings
        self._role = role
        self._names = names
        self.infra = _infra(settings, role, metrics)

    def resources(self) -> list[AbstractAsyncContextManager[object]]:
        """What the application enters before its modules, in order."""
        infra = self.infra
        return [infra.db, infra.redis, infra.members, infra.peers]

    def relay(self) -> Task:
        """The task that carries the outbox to the bus; of all that run it in a fleet, one does."""
        return Task("outbox.relay", Relay(self.infra.db, self.infra.bus, metrics=self.infra.metrics).run)

    def work(self, modules: Sequence[Module]) -> tuple[Task, ...]:
        """The tasks that do the modules' jobs; each module has a queue, so that no role takes what it cannot do."""
        jobs = Jobs(self._settings.database.url, application_name=f"aiops {self._role}")
        queues = [module.name for module in modules if module.jobs]
        for module in modules:
            for job in module.jobs:
                jobs.periodic(job, queue=module.name)
        return jobs.tasks(queues) if queues else ()

    def peer(self, role: str, url: str) -> Peer:
        """Another role's port as it is reached from here."""
        return Peer(
            self.infra.peers,
            role=role,
            url=url,
            hop=self.infra.hop,
            caller=service_identity(",".join(self._names)),
            timeout_s=self._settings.peers.timeout_s,
        )

    def identify(self, edge: Identify | None) -> Identify:
        """How callers are known: by signed hops alone, or at an edge by what people present.

        At an edge, internal paths still take hops only, and all others take what people present and never a hop.
        """
        hop = _HopIdentity(self.infra.hop, frozenset(self._names)).identify
        if edge is None:
            return hop

        async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
            internal = connection.scope["path"].startswith("/internal/")
            return await (hop if internal else edge)(connection)

        return identify


class _HopIdentity:
    """Identities that another role signed for one of ours."""

    def __init__(self, hop: HopSigner, names: frozenset[str]) -> None:
        self._hop = hop
        self._names = names

    async def identify(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
        """The identity of the signed hop, if there is one."""
        token = connection.headers.get(HOP_HEADER.lower())
        return None if token is None else self._hop.verify(token, self._names)


def unusable(settings: Settings) -> list[str]:
    """What is set and cannot be used; one line each."""
    tried: dict[tuple[str, str], Callable[[], object]] = {
        ("database", "url"): lambda: conninfo(settings.database.url, application_name="aiops"),
        ("redis", "url"): lambda: _redis(settings, "aiops"),
        ("secrets", "key"): lambda: SecretBox.from_text(settings.secrets.key),
        ("objects", "url"): lambda: ObjectStore(settings.objects.url),
        ("objects", "endpoint"): lambda: NO_PROXIES.to(settings.objects.endpoint),
    }
    problems = proxy_mistakes(proxies(settings.proxy))
    for (area, field), make in tried.items():
        if getattr(getattr(settings, area), field):
            try:
                make()
            except ValueError as error:
                problems.append(f"{env_name(area, field)}: {error}")
    return problems


def _infra(settings: Settings, role: str, metrics: CollectorRegistry) -> Infra:
    agent = f"aiops-nextgen/{__version__}"
    http_metrics = HttpMetrics(metrics)
    db = Database(
        settings.database.url,
        application_name=f"aiops {role}",
        pool_size=settings.database.pool_size,
        statement_timeout_s=settings.database.statement_timeout_s,
    )
    redis = _redis(settings, f"aiops {role}")
    return Infra(
        db=db,
        redis=redis,
        bus=Bus(redis),
        members=HttpClient(
            user_agent=agent,
            policy=AddressPolicy(allow_loopback=settings.registry.allow_loopback_targets),
            metrics=http_metrics,
            proxies=proxies(settings.proxy),
        ),
        peers=HttpClient(
            user_agent=agent,
            policy=AddressPolicy(unrestricted=True),
            metrics=http_metrics,
            limits=PEER_LIMITS,
            breakers=BreakerPolicies(PEER_BREAKER),
        ),
        hop=HopSigner(tuple(part.encode() for part in settings.auth.internal_secret.split(",") if part)),
        secrets=SecretBox.from_text(settings.secrets.key),
        clock=utc_now,
        metrics=metrics,
        objects=_objects(settings),
    )


def _redis(settings: Settings, name: str) -> RedisConnection:
    return RedisConnection(settings.redis.url, client_name=name, ca_file=settings.redis.ca_file)


def _objects(settings: Settings) -> ObjectStore | None:
    return object_store(settings.objects, proxies(settings.proxy)) if settings.objects.url else None
