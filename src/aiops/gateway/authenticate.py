"""Who calls: by bearer token or by session cookie, with protection against forged cross-site requests."""

import hmac
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from msgspec import Struct

from aiops.core.errors import PermissionDenied
from aiops.core.identity import ClusterSelector, Grant, Identity, Role, SubjectKind
from aiops.gateway.sessions import COOKIE, Session, Sessions
from aiops.gateway.tokens import Tokens

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER: Final = "x-csrf-token"


class Caller(Struct, frozen=True):
    """An identity, and the session that it came from, if it did."""

    identity: Identity
    session: Session | None = None


class Authenticate:
    """Turns a connection into an identity; what it finds is left in the connection's state."""

    def __init__(self, tokens: Tokens, sessions: Sessions) -> None:
        self._tokens = tokens
        self._sessions = sessions

    async def identify(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
        """The caller, or None when nothing is presented.

        Raises:
            AuthFailed, AuthExpired: what is presented is not good.
            PermissionDenied: a cookie without the proof that our own page sent the request.
            ServiceUnavailable: the store that would know is away.

        """
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._tokens.bearer(token.strip())
        if (cookie := connection.cookies.get(COOKIE)) is None:
            return None
        session = await self._sessions.find(cookie)
        self._refuse_forgery(connection, session)
        connection.scope["state"]["session"] = session
        return await self.of_session(session)

    async def of_session(self, session: Session) -> Identity:
        """The identity behind a session: its token may have ended meanwhile."""
        if session.token_id is not None:
            return await self._tokens.by_id(session.token_id)
        return Identity("admin", SubjectKind.API_TOKEN, (Grant(Role.ADMIN, ClusterSelector(all=True)),))

    async def again(self, identity: Identity) -> None:
        """Raise unless the identity is still good."""
        if identity.credential_id is not None:
            await self._tokens.by_id(identity.credential_id)

    @staticmethod
    def _refuse_forgery(connection: ASGIConnection[Any, Any, Any, Any], session: Session) -> None:
        socket = str(connection.scope["type"]) == "websocket"
        origin = connection.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
            raise PermissionDenied(f"requests from {origin[:80]} with this hub's cookie are refused")
        if socket or connection.scope.get("method") in SAFE:
            return
        given = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), session.csrf.encode()):
            raise PermissionDenied("send the header X-CSRF-Token with the csrf_token of GET /api/v1/me")
