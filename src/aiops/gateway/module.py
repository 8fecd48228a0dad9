"""The gateway as a module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar.types import ASGIApp

from aiops.core import migrations
from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.core.tasks import Task
from aiops.gateway.authenticate import Authenticate
from aiops.gateway.health import HealthView
from aiops.gateway.proxy import Proxy, mounts
from aiops.gateway.routes import router
from aiops.gateway.sessions import Sessions
from aiops.gateway.socket_gate import Revocations, SocketGate
from aiops.gateway.tokens import Tokens
from aiops.settings import Settings


@dataclass(frozen=True)
class Edge:
    """What the composition puts around the application of a process that is the gateway."""

    authenticate: Authenticate
    tokens: Tokens
    revocations: Revocations
    recheck_s: float

    def gate(self, app: ASGIApp) -> SocketGate:
        """The application behind the door for sockets."""
        return SocketGate(app, self.authenticate, self.tokens, self.revocations, recheck_s=self.recheck_s)


def build(
    settings: Settings, infra: Infra, elsewhere: Mapping[str, str], checks: Sequence[Check]
) -> tuple[Module, Edge]:
    """The module, and the edge. `elsewhere` maps the roles of other processes to their URLs."""
    tokens = Tokens(infra.db, infra.bus, infra.clock, preset=settings.auth.admin_token)
    sessions = Sessions(infra.redis, life_s=settings.auth.session_s)
    revocations = Revocations(infra.bus)
    edge = Edge(Authenticate(tokens, sessions), tokens, revocations, settings.auth.recheck_s)
    own = (
        Check("postgresql", lambda: migrations.check(infra.db)),
        Check("redis", infra.redis.check, critical=False),
    )
    named = {check.name: check for check in (*own, *checks)}
    proxies = {
        role: Proxy(infra.peers, infra.hop, role=role, url=url, max_body_bytes=settings.http.max_body_bytes)
        for role, url in elsewhere.items()
    }
    view = HealthView(tuple(named.values()), infra.peers, elsewhere)
    module = Module(
        name="gateway",
        routes=(router(tokens, sessions, view, insecure_http=settings.http.insecure_http), *mounts(proxies)),
        tasks=(Task("gateway.revocations", revocations.run),),
        checks=own,
    )
    return module, edge
