"""The only place that knows all modules: builds what they stand on, picks each port's twin, returns the application."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from aiops import __version__
from aiops.app import AppSpec, Lifecycle, build_app
from aiops.core.bus import Bus
from aiops.core.clock import utc_now
from aiops.core.db import Database, conninfo
from aiops.core.http import AddressPolicy, BreakerPolicies, BreakerPolicy, HttpClient, HttpMetrics, PoolLimits
from aiops.core.identity import HopSigner, Identity, service_identity
from aiops.core.infra import Infra
from aiops.core.jobs import Jobs
from aiops.core.module import Module
from aiops.core.objects import ObjectStore
from aiops.core.observe import Observed
from aiops.core.outbox import Relay
from aiops.core.peer import HOP_HEADER, Peer
from aiops.core.redis import RedisConnection
from aiops.core.secretbox import SecretBox
from aiops.core.tasks import Supervisor, Task
from aiops.core.tracing import Tracing
from aiops.settings import ObjectSettings, Settings, SettingsError, env_name

ALL: Final = "all"
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    # A gateway alone serves the dashboard too, so that a route to it is all that a site needs.
    "gateway": ("gateway", "frontend"),
    "registry": ("registry",),
    "collector": ("collector",),
    "intelligence": ("intelligence",),
    "streaming": ("streaming",),
    ALL: ("registry", "collector", "intelligence", "streaming", "gateway", "frontend"),
}
BACKENDS: Final = ("registry", "collector", "intelligence", "streaming")
# For calls of ports, which come back as soon as a role does. What people ask for has the route table's breakers.
PEER_BREAKER: Final = BreakerPolicy(failures=10, open_s=2.0, probes=3)
# A stream of events that passes through a gateway keeps its connection for as long as its reader stays.
PEER_LIMITS: Final = PoolLimits(connections_per_origin=1024)
# Modules that write into the outbox: their processes relay it, one of them at a time.
PUBLISHERS: Final = frozenset({"registry", "collector"})
# Which other roles' ports each role calls.
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": BACKENDS,
    "registry": (),
    "collector": ("registry",),
    "intelligence": ("collector",),
    "streaming": ("registry",),
}


@dataclass(frozen=True)
class Composition:
    """A process, put together and not yet started."""

    app: ASGIApp
    litestar: Litestar
    modules: Sequence[Module]
    lifecycle: Lifecycle
    supervisor: Supervisor
    drain: Sequence[Callable[[], Awaitable[None]]]


def modules_of(roles: Sequence[str]) -> tuple[str, ...]:
    """The modules that these roles load.

    Raises:
        SettingsError: an unknown role.

    """
    if unknown := [role for role in roles if role not in ROLES]:
        raise SettingsError(f"there is no role {unknown[0]!r}; the roles are {', '.join(ROLES)}")
    wanted = {name for role in roles for name in ROLES[role]}
    return tuple(name for name in ROLES[ALL] if name in wanted)


def compose(
    settings: Settings,
    roles: Sequence[str],
    *,
    extra_tasks: Sequence[Task] = (),
    metrics_token: str | None = None,
    describe: bool = False,
) -> Composition:
    """Put one process together. Nothing is connected or started.

    Raises:
        SettingsError: something that these roles need is not set.

    """
    names = modules_of(roles)
    role = ",".join(roles)
    if problems := mistakes(settings, names):
        raise SettingsError("\n".join(problems))
    metrics = CollectorRegistry()
    infra = _infra(settings, role, metrics)
    builder = _Builder(settings, infra, names)
    built = builder.build()
    publishes = PUBLISHERS & set(names)
    relay = [Task("outbox.relay", Relay(infra.db, infra.bus, metrics=infra.metrics).run)] if publishes else []
    own = (task for module in built for task in module.tasks)
    supervisor = Supervisor([*extra_tasks, *relay, *own, *_work(settings, role, built)])
    lifecycle = Lifecycle()
    hop = _HopIdentity(infra.hop, frozenset(names))
    spec = AppSpec(
        role=role,
        modules=built,
        resources=_resources(settings, role, infra),
        identify=hop.identify if builder.edge is None else _edge_or_hop(builder.edge.authenticate.identify, hop),
        supervisor=supervisor,
        metrics=metrics,
        lifecycle=lifecycle,
        max_body_bytes=settings.http.max_body_bytes,
        metrics_token=metrics_token,
        serve_internal=set(names) != set(ROLES[ALL]),
        serve_contract="gateway" in names,
        describe=describe,
    )
    litestar = build_app(spec)
    app: ASGIApp = litestar if builder.edge is None else builder.edge.gate(litestar)
    return Composition(Observed(app, role=role, metrics=metrics), litestar, built, lifecycle, supervisor, builder.drain)


def _work(settings: Settings, role: str, modules: Sequence[Module]) -> tuple[Task, ...]:
    """The tasks that do the modules' jobs; each module has a queue, so that no role takes what it cannot do."""
    jobs = Jobs(settings.database.url, application_name=f"aiops {role}")
    queues = [module.name for module in modules if module.jobs]
    for module in modules:
        for job in module.jobs:
            jobs.periodic(job, queue=module.name)
    return jobs.tasks(queues) if queues else ()


class _Builder:
    """Builds modules in the order of what they need from each other."""

    def __init__(self, settings: Settings, infra: Infra, names: Sequence[str]) -> None:
        self._settings = settings
        self._infra = infra
        self._names = names
        self._ports: dict[str, Any] = {}
        self.edge: Any = None
        self.drain: list[Callable[[], Awaitable[None]]] = []

    def build(self) -> list[Module]:
        modules: list[Module] = []
        for name in self._names:
            build = import_module(f"aiops.{name}.module").build
            if name == "gateway":
                elsewhere = {role: self._url(role) for role in BACKENDS if role not in self._names}
                checks = [check for module in modules for check in module.checks]
                module, self.edge = build(self._settings, self._infra, elsewhere, checks)
            elif name == "frontend":
                module = build()
            elif name == "streaming":
                module, drain = build(self._settings, self._infra, self._port("registry"))
                self.drain.append(drain)
            else:
                needed = [self._port(other) for other in NEEDS[name]]
                module, self._ports[name] = build(self._settings, self._infra, *needed)
            modules.append(module)
        return modules

    def _port(self, role: str) -> Any:
        """The role's port: the service itself where it is loaded here, else its client."""
        if role not in self._ports:
            peer = Peer(
                self._infra.peers,
                role=role,
                url=self._url(role),
                hop=self._infra.hop,
                caller=service_identity(",".join(self._names)),
                timeout_s=self._settings.peers.timeout_s,
            )
            client = import_module(f"aiops.{role}.client")
            self._ports[role] = getattr(client, f"{role.capitalize()}Client")(peer)
        return self._ports[role]

    def _url(self, role: str) -> str:
        url: str = getattr(self._settings.peers, f"{role}_url")
        return url


def mistakes(settings: Settings, names: Sequence[str]) -> list[str]:
    """Everything at once that these modules cannot do without, and what is set and cannot be used; one line each."""
    needed = [("database", "url"), ("redis", "url"), ("auth", "internal_secret"), ("secrets", "key")]
    elsewhere = {role for name in names for role in NEEDS.get(name, ())} - set(names)
    needed += [("peers", f"{role}_url") for role in sorted(elsewhere)]
    problems = [
        f"{env_name(area, field)} is not set" for area, field in needed if not getattr(getattr(settings, area), field)
    ]
    tried: dict[tuple[str, str], Callable[[], object]] = {
        ("database", "url"): lambda: conninfo(settings.database.url, application_name="aiops"),
        ("redis", "url"): lambda: _redis(settings, "aiops"),
        ("secrets", "key"): lambda: SecretBox.from_text(settings.secrets.key),
        ("objects", "url"): lambda: _objects(settings.objects),
    }
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
        objects=_objects(settings.objects),
    )


def _redis(settings: Settings, name: str) -> RedisConnection:
    return RedisConnection(settings.redis.url, client_name=name, ca_file=settings.redis.ca_file)


def _objects(settings: ObjectSettings) -> ObjectStore | None:
    if not settings.url:
        return None
    options = {
        "endpoint": settings.endpoint,
        "region": settings.region,
        "access_key_id": settings.access_key_id,
        "secret_access_key": settings.secret_access_key,
    }
    return ObjectStore(settings.url, options={name: value for name, value in options.items() if value})


def _resources(settings: Settings, role: str, infra: Infra) -> list[AbstractAsyncContextManager[object]]:
    @asynccontextmanager
    async def tracing() -> AsyncIterator[None]:
        service = "aiops" if role == ALL else f"aiops-{role}"
        with Tracing(settings.telemetry.otlp_endpoint, service=service, version=__version__):
            yield

    return [tracing(), infra.db, infra.redis, infra.members, infra.peers]


class _HopIdentity:
    """Identities that another role signed for one of ours."""

    def __init__(self, hop: HopSigner, names: frozenset[str]) -> None:
        self._hop = hop
        self._names = names

    async def identify(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
        """The identity of the signed hop, if there is one."""
        token = connection.headers.get(HOP_HEADER.lower())
        return None if token is None else self._hop.verify(token, self._names)


def _edge_or_hop(
    edge: Callable[[ASGIConnection[Any, Any, Any, Any]], Awaitable[Identity | None]], hop: _HopIdentity
) -> Callable[[ASGIConnection[Any, Any, Any, Any]], Awaitable[Identity | None]]:
    """Internal paths take hops only; all others take what people present, and never a hop."""

    async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
        internal = connection.scope["path"].startswith("/internal/")
        return await (hop.identify if internal else edge)(connection)

    return identify


def secret_key(raw: bytes) -> str:
    """A raw key in the form that the settings take."""
    return base64.b64encode(raw).decode()
