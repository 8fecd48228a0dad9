"""Browser sessions: kept in Redis, found by a cookie, tied to the token that opened them.

The cookie is random and only its hash is stored; every sign-in makes a new one. Ending the token ends the session.
With Redis away a session cannot be judged: that is 503, never 401.
"""

import hashlib
import secrets
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from aiops.core.errors import AuthExpired
from aiops.core.redis import RedisConnection

COOKIE: Final = "aiops_session"
_KEY: Final = "aiops:session:"


class Session(Struct, frozen=True):
    """One signed-in browser. `token_id` is null for the preset administrator's token."""

    token_id: UUID | None
    csrf: str
    key: str = ""


class Sessions:
    """Opens, finds and closes."""

    def __init__(self, redis: RedisConnection, *, life_s: int) -> None:
        self._redis = redis
        self.life_s = life_s

    async def open(self, token_id: UUID | None) -> str:
        """A new session; the cookie's value."""
        cookie = secrets.token_urlsafe(32)
        session = Session(token_id, secrets.token_urlsafe(24))
        with self._redis.use() as client:
            await client.set(_key(cookie), msgspec.json.encode(session), ex=self.life_s)
        return cookie

    async def find(self, cookie: str) -> Session:
        """The session behind a cookie.

        Raises:
            AuthExpired: there is none (any more).

        """
        with self._redis.use() as client:
            stored = await client.get(_key(cookie))
        if stored is None:
            raise AuthExpired("the session has ended; sign in again")
        return msgspec.structs.replace(msgspec.json.decode(stored, type=Session), key=_key(cookie))

    async def close(self, cookie: str) -> None:
        """End a session."""
        with self._redis.use() as client:
            await client.delete(_key(cookie))


def _key(cookie: str) -> str:
    return _KEY + hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()
