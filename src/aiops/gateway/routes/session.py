"""`/api/v1/session` and `/api/v1/me`: signing in with a token, signing out, and who one is."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from aiops.core.errors import AiopsError, AuthRequired, ServiceUnavailable
from aiops.core.identity import PERMISSIONS, ClusterSelector, Identity, Role, SubjectKind
from aiops.core.web import SignedInGuard, public
from aiops.gateway.origin import OriginCheck
from aiops.gateway.sessions import COOKIE, Session
from aiops.gateway.sign_in import SignIn


class SignInRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """An API token that opens a session."""

    token: str

    def __repr__(self) -> str:
        return "SignInRequest(...)"


class Me(Struct, frozen=True):
    """The caller. `csrf_token` is null unless a session's cookie was used; a bearer token needs none."""

    subject: str
    kind: SubjectKind
    role: Role
    permissions: list[str]
    clusters: tuple[ClusterSelector, ...]
    expires_at: datetime | None
    csrf_token: str | None


def _cookie(value: str, *, secure: bool, max_age: int) -> Cookie:
    return Cookie(COOKIE, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)


def router(sign_in: SignIn, origins: OriginCheck) -> Router:
    """The paths over one way to sign in."""

    @post("/session", status_code=204, guards=[public("nobody is signed in before signing in")])
    async def open_session(request: Request[Any, Any, Any], data: JSONBody[SignInRequest]) -> Response[None]:
        """Open a browser session with a token; the answer sets the cookie and has no body."""
        origins.check(request, required=False)
        cookie, session = await sign_in.open(data.token, request.cookies.get(COOKIE))
        age_s = int((session.expires_at - session.created_at).total_seconds())
        secure = origins.secure_cookie(request)
        return Response(None, status_code=204, cookies=[_cookie(cookie, secure=secure, max_age=age_s)])

    @delete("/session", status_code=204, guards=[public("a session that has ended can still be signed out of")])
    async def close_session(request: Request[Any, Any, Any]) -> Response[None]:
        """End the session and remove the cookie."""
        state = request.scope.get("state", {})
        identity, session = state.get("identity"), state.get("session")
        if isinstance(identity, Identity) and isinstance(session, Session):
            await sign_in.close(identity, session)
        elif isinstance(identity, ServiceUnavailable) or not isinstance(identity, AuthRequired | Identity | None):
            raise _as_error(identity)
        gone = _cookie("", secure=origins.secure_cookie(request), max_age=0)
        return Response(None, status_code=204, cookies=[gone])

    @get("/me", guards=[SignedInGuard()])
    async def me(request: Request[Any, Any, Any], identity: NamedDependency[Identity]) -> Response[Me]:
        """Who the caller is and what he may do."""
        session = request.scope.get("state", {}).get("session")
        role = min((grant.role for grant in identity.grants), key=list(Role).index)
        answer = Me(
            subject=identity.subject,
            kind=identity.kind,
            role=role,
            permissions=list(PERMISSIONS[role]),
            clusters=tuple(grant.clusters for grant in identity.grants),
            expires_at=session.expires_at if session else identity.expires_at,
            csrf_token=session.csrf if session else None,
        )
        return Response(answer, headers={"Cache-Control": "no-store"})

    return Router("/api/v1", route_handlers=[open_session, close_session, me], tags=["session"])


def _as_error(found: Any) -> AiopsError:
    return found if isinstance(found, AiopsError) else AuthRequired("sign in first")
