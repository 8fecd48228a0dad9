"""Turns what a connection presents into an identity: a bearer token, or the cookie of a browser session.

What was found is kept for at most ten seconds, and dropped at once when a revocation is heard, so that a
request costs at most one question to PostgreSQL. It gives no permission; it only says who calls.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID

from litestar.connection import ASGIConnection
from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter

from aiops.core.clock import Clock
from aiops.core.errors import AuthExpired, AuthFailed, PermissionDenied
from aiops.core.identity import ClusterSelector, Grant, Identity, Role, SubjectKind
from aiops.gateway.control import Ended
from aiops.gateway.origin import OriginCheck
from aiops.gateway.sessions import COOKIE, Session, SessionStore
from aiops.gateway.tokens import StoredToken, TokenService, same, split

T = TypeVar("T")

CACHE_S: Final = 10.0
CACHE_SIZE: Final = 10_000
CSRF_HEADER: Final = "x-csrf-token"
WEBHOOK_PREFIX: Final = "/api/v1/alerts/webhook/"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_TOKEN: Final = 4096

Connection = ASGIConnection[Any, Any, Any, Any]


class Caller(Struct, frozen=True):
    """A verified caller, and the session through which he came, if any. Holds no secret that he presented."""

    identity: Identity
    session: Session | None = None

    def hit_by(self, ended: Ended) -> bool:
        """Whether this is whose credential ended."""
        if ended.credential_id is not None and ended.credential_id == self.identity.credential_id:
            return True
        return self.session is not None and ended.session_key == self.session.key


class TokenAuthenticator:
    """What the application's identity middleware and the gate for sockets ask."""

    def __init__(
        self,
        tokens: TokenService,
        sessions: SessionStore,
        origins: OriginCheck,
        *,
        admin_token: str,
        clock: Clock,
        metrics: CollectorRegistry,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._origins = origins
        self._preset = hashlib.sha256(admin_token.encode()).digest() if admin_token else None
        self._clock = clock
        self._monotonic = monotonic
        self._cache: OrderedDict[UUID, tuple[StoredToken, float]] = OrderedDict()
        self._forgotten = 0
        self._failures = Counter(
            "gateway_auth_failures",
            "Credentials that were presented and refused.",
            ["reason"],
            registry=metrics,
        )

    async def bearer(self, token: str) -> Identity:
        """The identity behind a token.

        Raises:
            AuthFailed: unknown, malformed or revoked.
            AuthExpired: past its time.

        """
        return await self._counted(self._bearer(token))

    async def identify(self, connection: Connection) -> Identity | None:
        """Who calls; None when nothing was presented. Leaves the session in the connection's state.

        Raises:
            AuthFailed, AuthExpired: what was presented is not good.
            PermissionDenied: a cookie came from a foreign page, or without its CSRF token.

        """
        caller = await self.caller(connection)
        if caller is None:
            return None
        connection.scope["state"]["session"] = caller.session
        return caller.identity

    async def caller(self, connection: Connection) -> Caller | None:
        """Like `identify`, with the session."""
        if connection.scope["path"].startswith(WEBHOOK_PREFIX):
            return None  # what Alertmanager presents is its cluster's token, which the registry knows
        header = connection.headers.get("authorization")
        if header is not None:
            return Caller(await self._counted(self._bearer(_bearer_token(header))))
        cookie = connection.cookies.get(COOKIE)
        if cookie is None:
            return None
        caller = await self._counted(self._by_cookie(cookie))
        self._check_forgery(connection, caller)
        return caller

    async def recheck(self, caller: Caller) -> None:
        """Ask the stores again whether the caller is still good, past every cache.

        Raises:
            AuthFailed, AuthExpired: he is not.
            ServiceUnavailable: nobody can tell.

        """
        if caller.session is not None:
            await self._by_session(await self._sessions.by_key(caller.session.key), fresh=True)
        elif (credential_id := caller.identity.credential_id) is not None:
            self._unexpired(await self._stored(credential_id, fresh=True))

    def forget(self, ended: Ended) -> None:
        """Drop what is remembered of a credential."""
        self._forgotten += 1
        if ended.credential_id is not None:
            self._cache.pop(ended.credential_id, None)

    def preset_digest(self, token: str) -> str | None:
        """The digest of the preset administrator's token if this is it."""
        digest = hashlib.sha256(token.encode()).digest()
        return digest.hex() if self._preset is not None and same(digest, self._preset) else None

    async def _counted(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except (AuthFailed, AuthExpired) as error:
            self._failures.labels(error.code).inc()
            raise

    async def _bearer(self, token: str) -> Identity:
        if len(token) > _MAX_TOKEN:
            raise AuthFailed("the token is not one of this hub")
        if self.preset_digest(token) is not None:
            return _preset_identity()
        parts = split(token)
        if parts is None:
            raise AuthFailed("the token is not one of this hub; make one with 'aiops token create'")
        token_id, digest = parts
        stored = await self._stored(token_id)
        if not same(digest, stored.secret_hash):
            raise AuthFailed("the token is not known here, or was revoked")
        self._tokens.used(token_id)
        return self._unexpired(stored)

    async def _by_cookie(self, cookie: str) -> Caller:
        return await self._by_session(await self._sessions.open(cookie))

    async def _by_session(self, session: Session, *, fresh: bool = False) -> Caller:
        if session.credential_id is None:
            if self._preset is None or session.preset != self._preset.hex():
                raise AuthExpired("the token behind this session was replaced; sign in again")
            return Caller(_preset_identity(), session)
        try:
            identity = self._unexpired(await self._stored(session.credential_id, fresh=fresh))
        except AuthFailed as error:
            raise AuthExpired("the token behind this session was revoked; sign in again") from error
        self._tokens.used(session.credential_id)
        return Caller(identity, session)

    async def _stored(self, token_id: UUID, *, fresh: bool = False) -> StoredToken:
        now = self._monotonic()
        if not fresh and (known := self._cache.get(token_id)) is not None and known[1] > now:
            return known[0]
        self._cache.pop(token_id, None)
        forgotten = self._forgotten
        stored = await self._tokens.find(token_id)
        if stored is None:
            raise AuthFailed("the token is not known here, or was revoked")
        # Counted from before the question, and not kept across a revocation, which it may not have seen.
        if forgotten == self._forgotten:
            self._cache[token_id] = (stored, now + CACHE_S)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return stored

    def _unexpired(self, stored: StoredToken) -> Identity:
        if stored.expires_at <= self._clock():
            raise AuthExpired(f"the token expired at {stored.expires_at:%Y-%m-%d %H:%M} UTC; make another")
        return stored.identity

    def _check_forgery(self, connection: Connection, caller: Caller) -> None:
        method = connection.scope.get("method")
        if method is None:
            self._origins.check(connection, required=True)
            return
        if method in _SAFE_METHODS or caller.session is None:
            return
        self._origins.check(connection, required=False)
        given = connection.headers.get(CSRF_HEADER, "")
        if not same(given.encode(), caller.session.csrf.encode()):
            raise PermissionDenied("a write with the session cookie needs the X-CSRF-Token that /api/v1/me gives")


def _bearer_token(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthFailed("send the token as 'Authorization: Bearer ...'")
    return token.strip()


def _preset_identity() -> Identity:
    return Identity(subject="admin", kind=SubjectKind.API_TOKEN, grants=(Grant(Role.ADMIN, ClusterSelector(all=True)),))
