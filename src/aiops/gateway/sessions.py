"""Browser sessions: kept in Redis under the digest of what the cookie carries, so that it leaks no session.

A session borrows its rights from the token that opened it and ends with it. It never stores the token.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from aiops.core.clock import Clock
from aiops.core.errors import AuthExpired
from aiops.core.redis import RedisConnection

COOKIE: Final = "aiops_session"
_KEY: Final = "aiops:session:"
# Ours are 43 characters; more than this is not worth hashing.
_MAX_COOKIE: Final = 256


class Session(Struct, frozen=True):
    """What is known of a session. `preset` is the digest of the preset token where that one opened it."""

    key: str
    credential_id: UUID | None
    preset: str | None
    csrf: str
    created_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Session(credential_id={self.credential_id}, expires_at={self.expires_at})"


_decoder = msgspec.json.Decoder(Session)


def key_of(cookie: str) -> str:
    """The session's key, which tells nothing of the cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()


class SessionStore:
    """Sessions over Redis; every method raises `ServiceUnavailable` when that is away."""

    def __init__(self, redis: RedisConnection, clock: Clock, *, session_s: int) -> None:
        self._redis = redis
        self._clock = clock
        self._session_s = session_s

    async def create(
        self, *, credential_id: UUID | None, preset: str | None, credential_expires_at: datetime | None
    ) -> tuple[str, Session]:
        """A new session and the cookie that opens it; it lives no longer than its token."""
        cookie = secrets.token_urlsafe(32)
        now = self._clock()
        expires_at = now + timedelta(seconds=self._session_s)
        if credential_expires_at is not None:
            expires_at = min(expires_at, credential_expires_at)
        session = Session(key_of(cookie), credential_id, preset, secrets.token_urlsafe(32), now, expires_at)
        ttl_ms = max(1, int((expires_at - now).total_seconds() * 1000))
        with self._redis.use() as client:
            await client.set(_KEY + session.key, msgspec.json.encode(session), px=ttl_ms)
        return cookie, session

    async def open(self, cookie: str) -> Session:
        """The session of a cookie.

        Raises:
            AuthExpired: there is none, or none any more.

        """
        if not 0 < len(cookie) <= _MAX_COOKIE:
            raise AuthExpired("the session cookie is not one of ours; sign in again")
        return await self.by_key(key_of(cookie))

    async def by_key(self, key: str) -> Session:
        """The session under a key; raises like `open`."""
        with self._redis.use() as client:
            data = await client.get(_KEY + key)
        if data is None:
            raise AuthExpired("the session has ended; sign in again")
        session = _decoder.decode(data)
        if session.expires_at <= self._clock():
            raise AuthExpired("the session has ended; sign in again")
        return session

    async def end(self, key: str) -> None:
        """Forget a session."""
        with self._redis.use() as client:
            await client.delete(_KEY + key)
