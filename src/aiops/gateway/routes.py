"""Sign-in, tokens, who am I, and the health of everything."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from aiops.core.errors import AuthRequired
from aiops.core.identity import PERMISSIONS, ClusterSelector, Identity, Role, SubjectKind
from aiops.core.web import Page, Paging, SignedInGuard, page_of, public, requires
from aiops.gateway.health import DetailedHealth, HealthView
from aiops.gateway.sessions import COOKIE, Session, Sessions
from aiops.gateway.tokens import CreatedToken, Token, TokenCreate, Tokens

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What opens a session."""

    token: str

    def __repr__(self) -> str:
        return "SignIn(...)"


class Me(Struct, frozen=True):
    """Who is asking. `csrf_token` is null without a session."""

    subject: str
    kind: SubjectKind
    role: Role
    permissions: tuple[str, ...]
    clusters: tuple[ClusterSelector, ...]
    expires_at: datetime | None
    csrf_token: str | None


def router(tokens: Tokens, sessions: Sessions, health: HealthView, *, insecure_http: bool) -> Router:
    """The gateway's own routes."""
    return Router(
        "/",
        route_handlers=[
            *_session_routes(tokens, sessions, insecure_http=insecure_http),
            *_token_routes(tokens),
            _me(),
            _detailed(health),
        ],
        tags=["gateway"],
    )


def _session_routes(tokens: Tokens, sessions: Sessions, *, insecure_http: bool) -> list[HTTPRouteHandler]:
    def secure(request: Request[Any, Any, Any]) -> bool:
        host = request.headers.get("host", "").rsplit(":", 1)[0]
        plain_is_fine = host in LOOPBACK or insecure_http
        return request.scope["scheme"] == "https" or not plain_is_fine

    @post("/api/v1/session", guards=[public("signing in")], status_code=204)
    async def sign_in(data: SignIn, request: Request[Any, Any, Any]) -> Response[None]:
        identity = await tokens.bearer(data.token)
        if (old := request.cookies.get(COOKIE)) is not None:
            await sessions.close(old)
        cookie = Cookie(
            key=COOKIE,
            value=await sessions.open(identity.credential_id),
            max_age=sessions.life_s,
            path="/",
            httponly=True,
            samesite="lax",
            secure=secure(request),
        )
        return Response(None, status_code=204, cookies=[cookie])

    @delete("/api/v1/session", guards=[SignedInGuard()], status_code=204)
    async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
        if (cookie := request.cookies.get(COOKIE)) is not None:
            await sessions.close(cookie)
        gone = Cookie(
            key=COOKIE, value="", max_age=0, path="/", httponly=True, samesite="lax", secure=secure(request)
        )
        return Response(None, status_code=204, cookies=[gone])

    return [sign_in, sign_out]


def _token_routes(tokens: Tokens) -> list[HTTPRouteHandler]:
    @post("/api/v1/tokens", guards=[requires("tokens:write")])
    async def create_token(data: TokenCreate, identity: Identity) -> Response[CreatedToken]:
        created = await tokens.create(identity, data)
        return Response(created, status_code=201, headers={"Location": f"/api/v1/tokens/{created.id}"})

    @get("/api/v1/tokens", guards=[requires("tokens:read")])
    async def list_tokens(identity: Identity, paging: Paging) -> Page[Token]:
        identity.require_everything("tokens:read")
        items, total = await tokens.page(paging)
        return page_of(items, total, paging)

    @delete("/api/v1/tokens/{token_id:uuid}", guards=[requires("tokens:delete")])
    async def revoke_token(token_id: UUID, identity: Identity) -> None:
        identity.require_everything("tokens:delete")
        await tokens.revoke(identity, token_id)

    return [create_token, list_tokens, revoke_token]


def _me() -> HTTPRouteHandler:
    @get("/api/v1/me", guards=[SignedInGuard()])
    async def me(identity: Identity, request: Request[Any, Any, Any]) -> Me:
        if not identity.grants:
            raise AuthRequired("this identity holds no role")
        session = request.scope["state"].get("session")
        roles = [grant.role for grant in identity.grants]
        role = min(roles, key=list(Role).index)
        return Me(
            subject=identity.subject,
            kind=identity.kind,
            role=role,
            permissions=PERMISSIONS[role],
            clusters=tuple(grant.clusters for grant in identity.grants),
            expires_at=identity.expires_at,
            csrf_token=session.csrf if isinstance(session, Session) else None,
        )

    return me


def _detailed(health: HealthView) -> HTTPRouteHandler:
    @get("/health/detailed", guards=[requires("health:read")])
    async def detailed_health() -> DetailedHealth:
        return await health.look()

    return detailed_health
