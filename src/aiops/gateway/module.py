"""Puts the gateway together: what every other role trusts to know who calls."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import CollectorRegistry

from aiops.core import migrations
from aiops.core.http.breaker import Breaker
from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.core.periodic import RETENTION, Periodic
from aiops.core.tasks import Task
from aiops.gateway.authenticate import TokenAuthenticator
from aiops.gateway.control import Control
from aiops.gateway.health import HealthService
from aiops.gateway.origin import OriginCheck
from aiops.gateway.proxy import BackendErrors, HttpProxy, ProxyGuard, Upstream
from aiops.gateway.route_table import BACKENDS, SOCKET_PATH
from aiops.gateway.routes import health, session, tokens
from aiops.gateway.sessions import SessionStore
from aiops.gateway.sign_in import SignIn
from aiops.gateway.socket_gate import SocketGate
from aiops.gateway.socket_proxy import SocketProxy
from aiops.gateway.tokens import TokenService
from aiops.gateway.traffic import Traffic
from aiops.settings import Settings

USAGE_EVERY_S: Final = 60.0


@dataclass(frozen=True)
class Edge:
    """What the composition puts around the application of a process that is an entry.

    `authenticate.identify` is the identity middleware's question.
    """

    authenticate: TokenAuthenticator
    sockets: SocketGate
    metrics: CollectorRegistry

    def gate(self, app: ASGIApp) -> ASGIApp:
        """Put the counting and the door for sockets around the whole application. Once a process."""
        return Traffic(self.sockets.around(app), self.metrics)


def build(
    settings: Settings, infra: Infra, elsewhere: Mapping[str, str], checks: Sequence[Check]
) -> tuple[Module, Edge]:
    """Build the module, and the edge.

    `elsewhere` maps the roles of other processes to their URLs; `checks` are this process's other modules'.
    """
    control = Control(infra.bus)
    token_service = TokenService(infra.db, control, infra.clock)
    sessions = SessionStore(infra.redis, infra.clock, session_s=settings.auth.session_s)
    origins = OriginCheck(settings.http.public_url, insecure_http=settings.http.insecure_http)
    authenticator = TokenAuthenticator(
        token_service,
        sessions,
        origins,
        admin_token=settings.auth.admin_token,
        clock=infra.clock,
        metrics=infra.metrics,
    )
    control.listen(authenticator.forget)
    own = (
        Check("postgresql", lambda: migrations.check(infra.db)),
        Check("redis", infra.redis.check, critical=False),
    )
    named = {check.name: check for check in (*own, *checks)}
    health_service = HealthService(tuple(named.values()), elsewhere, infra.peers)
    gate = SocketGate(authenticator, recheck_s=settings.auth.recheck_s, clock=infra.clock)
    control.listen(gate.heard)

    module = Module(
        name="gateway",
        routes=(
            tokens.router(token_service),
            session.router(SignIn(infra.db, authenticator, sessions, control), origins),
            health.router(health_service),
            *_proxies(elsewhere, infra, settings.http.max_body_bytes),
        ),
        tasks=(
            Task("gateway-control", control.run),
            Task("gateway-sockets", gate.run),
            Task("gateway-token-usage", lambda: _write_usage(token_service)),
        ),
        jobs=(Periodic("gateway.retention", RETENTION, token_service.expire),),
        checks=own,
    )
    return module, Edge(authenticator, gate, infra.metrics)


def _proxies(elsewhere: Mapping[str, str], infra: Infra, max_body_bytes: int) -> list[ASGIRouteHandler]:
    errors = BackendErrors(infra.metrics)
    handlers: list[ASGIRouteHandler] = []
    for backend in BACKENDS:
        if backend.role not in elsewhere:
            continue
        url = elsewhere[backend.role]
        upstream = Upstream(
            backend,
            url,
            infra.peers,
            infra.hop,
            Breaker(backend.breaker, clock=time.monotonic, on_change=lambda _: None),
            errors,
        )
        proxy = HttpProxy(upstream, max_body_bytes=max_body_bytes)
        handlers += [_mount(prefix, proxy) for prefix in backend.prefixes]
        if backend.role == "streaming":
            handlers.append(_mount(SOCKET_PATH, SocketProxy(upstream)))
    return handlers


def _mount(path: str, application: HttpProxy | SocketProxy) -> ASGIRouteHandler:
    @asgi(
        path,
        is_mount=True,
        copy_scope=True,
        guards=[ProxyGuard()],
        name=f"proxy:{path}",
    )
    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)

    return forward


async def _write_usage(service: TokenService) -> None:
    while True:
        await asyncio.sleep(USAGE_EVERY_S)
        await service.write_usage()
