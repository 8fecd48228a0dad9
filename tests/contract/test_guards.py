"""Who may call what, read from the put-together application of every role: nothing is open by accident.

The lists are written by hand. A new path that is public, a socket or a mount changes this file, and so is looked at.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import httpx
import pytest
from litestar.handlers.base import BaseRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute, WebSocketRoute

from aiops.cli.serve import DESCRIBE
from aiops.compose import ALL, ROLES, Composition, compose
from aiops.core.identity import PERMISSIONS, Role, permits
from aiops.core.web import InternalGuard, PermissionGuard, PublicGuard, SignedInGuard
from aiops.gateway.proxy import ProxyGuard
from aiops.settings import load

KINDS = (PermissionGuard, SignedInGuard, PublicGuard, InternalGuard, ProxyGuard)
READS = frozenset({"GET", "HEAD"})

EVERYWHERE = {
    "GET /health",
    "GET /ready",
    "GET /metrics",
}
DASHBOARD = {
    *EVERYWHERE,
    *(
        f"{method} {path}"
        for method in ("GET", "HEAD")
        for path in ("/", "/{path:path}", "/assets/{name:str}", "/docs", "/redoc")
    ),
    # They refuse: a path of the API that is none is no page either.
    *(f"{method} {path}" for method in ("POST", "PUT", "PATCH", "DELETE") for path in ("/", "/{path:path}")),
}
ENTRY = {*DASHBOARD, "POST /api/v1/session", "DELETE /api/v1/session", "GET /openapi.json"}
WEBHOOK = {"POST /api/v1/alerts/webhook/{cluster_id:uuid}"}
PUBLIC = {
    "gateway": ENTRY,
    "registry": EVERYWHERE,
    "collector": EVERYWHERE | WEBHOOK,
    "intelligence": EVERYWHERE,
    "streaming": EVERYWHERE,
    "frontend": DASHBOARD,
    ALL: ENTRY | WEBHOOK,
}
SOCKETS = {"streaming": {"/ws"}, ALL: {"/ws"}}
MOUNTS = {
    "gateway": {
        "/api/v1/alerts",
        "/api/v1/analysis",
        "/api/v1/audit",
        "/api/v1/chat",
        "/api/v1/clusters",
        "/api/v1/cnf",
        "/api/v1/fleet",
        "/api/v1/gpu",
        "/api/v1/logs",
        "/api/v1/metrics",
        "/api/v1/personas",
        "/api/v1/reports",
        "/api/v1/silences",
        "/api/v1/streaming",
        "/api/v1/traces",
        "/loki",
        "/mcp",
        "/prometheus",
        "/ws",
    }
}
# Questions that are too long for a URL: they change nothing.
READS_BY_POST = {
    "POST /api/v1/analysis/anomaly",
    "POST /api/v1/metrics/plan",
    "POST /api/v1/metrics/query",
    "POST /api/v1/metrics/query_range",
    *(
        f"POST /prometheus/api/v1/{path}"
        for path in (
            *("query", "query_range", "query_exemplars", "series", "labels"),
            *("format_query", "parse_query"),
        )
    ),
}


@cache
def composition(role: str) -> Composition:
    return compose(load(DESCRIBE), [role])


def handlers(role: str) -> Iterator[tuple[str, BaseRouteHandler]]:
    """Every HTTP handler as `METHOD path`; what Litestar answers to OPTIONS by itself tells and does nothing."""
    for route in composition(role).litestar.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    yield f"{method} {route.path}", handler


def guards(handler: BaseRouteHandler) -> list[Any]:
    return [guard for layer in handler.ownership_layers for guard in layer.guards or []]


def guard(handler: BaseRouteHandler) -> Any:
    (only,) = guards(handler)
    return only


@pytest.mark.parametrize("role", ROLES)
def test_every_route_has_exactly_one_guard(role: str) -> None:
    wrong = {
        name: [type(found).__name__ for found in guards(handler)]
        for name, handler in handlers(role)
        if len(guards(handler)) != 1 or not isinstance(guards(handler)[0], KINDS)
    }
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
def test_what_is_public_is_listed_here(role: str) -> None:
    public = {name for name, handler in handlers(role) if isinstance(guard(handler), PublicGuard)}
    assert public == PUBLIC[role]
    assert all(guard(handler).reason for _, handler in handlers(role) if isinstance(guard(handler), PublicGuard)), (
        "a public path says why"
    )


@pytest.mark.parametrize("role", ROLES)
def test_internal_paths_are_for_the_other_roles_and_no_other_path_is(role: str) -> None:
    for name, handler in handlers(role):
        internal = name.split()[1].startswith("/internal/")
        assert isinstance(guard(handler), InternalGuard) == internal, name


def test_a_hub_in_one_process_serves_no_internal_path() -> None:
    assert [name for name, _ in handlers(ALL) if " /internal/" in name] == []


@pytest.mark.parametrize("role", ROLES)
def test_sockets_and_mounts_are_listed_here_and_guarded(role: str) -> None:
    sockets, mounts = {}, {}
    for route in composition(role).litestar.routes:
        if isinstance(route, WebSocketRoute):
            sockets[route.path] = guard(route.route_handler)
        elif isinstance(route, ASGIRoute):
            mounts[route.path] = guard(route.route_handler)
    assert set(sockets) == SOCKETS.get(role, set())
    assert set(mounts) == MOUNTS.get(role, set())
    assert all(isinstance(found, PermissionGuard) and found.permission == "events:read" for found in sockets.values())
    assert all(isinstance(found, ProxyGuard) for found in mounts.values())


def test_the_roles_together_serve_what_the_whole_hub_serves() -> None:
    def api(role: str) -> dict[str, str]:
        return {
            name: f"{type(guard(handler)).__name__} {getattr(guard(handler), 'permission', '')}"
            for name, handler in handlers(role)
            if " /api/" in name or " /prometheus/" in name
        }

    together: dict[str, str] = {}
    for role in ROLES:
        if role != ALL:
            together |= api(role)
    assert together == api(ALL)


@pytest.mark.parametrize("role", ROLES)
def test_what_changes_something_needs_more_than_reading(role: str) -> None:
    too_weak = [
        f"{name}: {found.permission}"
        for name, handler in handlers(role)
        if name.split()[0] not in READS
        and name not in READS_BY_POST
        and isinstance(found := guard(handler), PermissionGuard)
        and (found.permission.endswith(":read") or permits(Role.VIEWER, found.permission))
    ]
    assert too_weak == []


@pytest.mark.parametrize("role", ROLES)
def test_what_only_asks_needs_no_more_than_reading(role: str) -> None:
    for name, handler in handlers(role):
        found = guard(handler)
        if isinstance(found, PermissionGuard) and (name.split()[0] in READS or name in READS_BY_POST):
            assert found.permission.endswith(":read"), name


def test_a_permission_is_one_resource_and_one_action() -> None:
    named = {found.permission for _, handler in handlers(ALL) if isinstance(found := guard(handler), PermissionGuard)}
    assert all(len(parts := name.split(":")) == 2 and "*" not in name and all(parts) for name in named)
    assert set(PERMISSIONS) == set(Role)


@pytest.mark.anyio
async def test_a_gateway_alone_tells_clients_of_prometheus_in_their_own_shape() -> None:
    transport = httpx.ASGITransport(cast("Any", composition("gateway").litestar))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        ours = await client.get("/api/v1/metrics/labels")
        theirs = await client.get("/prometheus/api/v1/query?query=up")

    assert (ours.status_code, ours.json()["error"]["code"]) == (401, "AUTH_REQUIRED")
    assert (theirs.status_code, theirs.json()["errorType"]) == (401, "unauthorized")
    assert theirs.headers["www-authenticate"] == "Bearer"
