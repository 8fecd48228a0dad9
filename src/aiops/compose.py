"""The only place that knows all modules: builds them, picks each port's twin, returns the application.

What stores and clients are made of is in `aiops.backing`, which a process without them never imports.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from aiops import __version__
from aiops.app import AppSpec, Identify, Lifecycle, build_app, nobody
from aiops.core import tracing
from aiops.core.module import Module
from aiops.core.observe import Observed
from aiops.core.tasks import Supervisor, Task
from aiops.settings import Settings, SettingsError, env_name

if TYPE_CHECKING:
    from aiops.backing import Backing

ALL: Final = "all"
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    # A gateway alone serves the dashboard too, so that a route to it is all that a site needs.
    "gateway": ("gateway", "frontend"),
    "registry": ("registry",),
    "collector": ("collector",),
    "intelligence": ("intelligence",),
    "streaming": ("streaming",),
    "frontend": ("frontend",),
    ALL: ("registry", "collector", "intelligence", "streaming", "gateway", "frontend"),
}
# Modules that need no store, no secret and no other role: a process of theirs alone loads none of these.
SELF_SUFFICIENT: Final = frozenset({"frontend"})
BACKENDS: Final = ("registry", "collector", "intelligence", "streaming")
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
    parts = _self_sufficient(names) if SELF_SUFFICIENT.issuperset(names) else _backed(settings, role, names, metrics)
    supervisor = Supervisor([*extra_tasks, *parts.tasks])
    lifecycle = Lifecycle()
    spec = AppSpec(
        role=role,
        modules=parts.modules,
        resources=[_tracing(settings, role), *parts.resources],
        identify=parts.identify,
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
    app = Observed(parts.gate(litestar), role=role, metrics=metrics)
    return Composition(app, litestar, parts.modules, lifecycle, supervisor, parts.drain)


@dataclass(frozen=True)
class _Parts:
    """What of a process depends on whether anything stands behind its modules."""

    modules: Sequence[Module]
    identify: Identify
    gate: Callable[[ASGIApp], ASGIApp]
    resources: Sequence[AbstractAsyncContextManager[object]] = ()
    tasks: Sequence[Task] = ()
    drain: Sequence[Callable[[], Awaitable[None]]] = ()


def _self_sufficient(names: Sequence[str]) -> _Parts:
    """Modules that ask nobody and that everybody may ask."""
    modules = [import_module(f"aiops.{name}.module").build() for name in names]
    return _Parts(modules, nobody, lambda app: app)


def _backed(settings: Settings, role: str, names: Sequence[str], metrics: CollectorRegistry) -> _Parts:
    """Modules over stores, and the tasks that their process runs."""
    from aiops.backing import Backing  # noqa: PLC0415 - a process without stores saves what their clients weigh

    backing = Backing(settings, role, names, metrics)
    builder = _Builder(settings, backing, names)
    modules = builder.build()
    relay = [backing.relay()] if PUBLISHERS & set(names) else []
    own = [task for module in modules for task in module.tasks]
    return _Parts(
        modules,
        backing.identify(None if builder.edge is None else builder.edge.authenticate.identify),
        (lambda app: app) if builder.edge is None else builder.edge.gate,
        backing.resources(),
        [*relay, *own, *backing.work(modules)],
        builder.drain,
    )


@asynccontextmanager
async def _tracing(settings: Settings, role: str) -> AsyncIterator[None]:
    service = "aiops" if role == ALL else f"aiops-{role}"
    endpoint = settings.telemetry.otlp_endpoint
    with tracing.Tracing(endpoint, service=service, version=__version__, proxy=_proxy_to(endpoint, settings)):
        yield


def _proxy_to(url: str, settings: Settings) -> str:
    if not url or not (settings.proxy.http or settings.proxy.https):
        return ""
    from aiops.core.http import proxies  # noqa: PLC0415 - the client's library costs memory that not every role spends

    return str(proxies(settings.proxy).to(url) or "")


class _Builder:
    """Builds modules in the order of what they need from each other."""

    def __init__(self, settings: Settings, backing: "Backing", names: Sequence[str]) -> None:
        self._settings = settings
        self._backing = backing
        self._names = names
        self._ports: dict[str, Any] = {}
        self.edge: Any = None
        self.drain: list[Callable[[], Awaitable[None]]] = []

    def build(self) -> list[Module]:
        modules: list[Module] = []
        for name in self._names:
            build = import_module(f"aiops.{name}.module").build
            infra = self._backing.infra
            if name == "gateway":
                elsewhere = {role: self._url(role) for role in BACKENDS if role not in self._names}
                checks = [check for module in modules for check in module.checks]
                module, self.edge = build(self._settings, infra, elsewhere, checks)
            elif name == "frontend":
                module = build()
            elif name == "streaming":
                module, drain = build(self._settings, infra, self._port("registry"))
                self.drain.append(drain)
            else:
                needed = [self._port(other) for other in NEEDS[name]]
                module, self._ports[name] = build(self._settings, infra, *needed)
            modules.append(module)
        return modules

    def _port(self, role: str) -> Any:
        """The role's port: the service itself where it is loaded here, else its client."""
        if role not in self._ports:
            peer = self._backing.peer(role, self._url(role))
            client = import_module(f"aiops.{role}.client")
            self._ports[role] = getattr(client, f"{role.capitalize()}Client")(peer)
        return self._ports[role]

    def _url(self, role: str) -> str:
        url: str = getattr(self._settings.peers, f"{role}_url")
        return url


def mistakes(settings: Settings, names: Sequence[str]) -> list[str]:
    """Everything at once that these modules cannot do without, and what is set and cannot be used; one line each.

    No module at all stands for any that needs stores.
    """
    endpoint = settings.telemetry.otlp_endpoint
    wrong = tracing.mistake(endpoint) if endpoint else None
    traces = [f"{env_name('telemetry', 'otlp_endpoint')} {wrong}"] if wrong else []
    if names and SELF_SUFFICIENT.issuperset(names):
        return traces
    from aiops.backing import unusable  # noqa: PLC0415 - as in `_backed`

    needed = [("database", "url"), ("redis", "url"), ("auth", "internal_secret"), ("secrets", "key")]
    elsewhere = {role for name in names for role in NEEDS.get(name, ())} - set(names)
    needed += [("peers", f"{role}_url") for role in sorted(elsewhere)]
    absent = [
        f"{env_name(area, field)} is not set" for area, field in needed if not getattr(getattr(settings, area), field)
    ]
    model: list[str] = []
    if not names or "intelligence" in names:
        from aiops.intelligence.llm.endpoint import mistakes as model_mistakes  # noqa: PLC0415 - a role imports no module of another

        model = model_mistakes(settings.llm)
    return [*absent, *unusable(settings), *model, *traces]


def secret_key(raw: bytes) -> str:
    """A raw key in the form that the settings take."""
    return base64.b64encode(raw).decode()
