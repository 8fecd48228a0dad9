"""Signing in and out: from a token to a browser session and back."""

from aiops.core import audit
from aiops.core.db import Database
from aiops.core.identity import Identity
from aiops.gateway.authenticate import TokenAuthenticator
from aiops.gateway.control import Control, Ended
from aiops.gateway.sessions import Session, SessionStore, key_of


class SignIn:
    """Opens and ends sessions."""

    def __init__(
        self, db: Database, authenticator: TokenAuthenticator, sessions: SessionStore, control: Control
    ) -> None:
        self._db = db
        self._authenticator = authenticator
        self._sessions = sessions
        self._control = control

    async def open(self, token: str, old_cookie: str | None) -> tuple[str, Session]:
        """A new session for whoever holds the token, and its cookie. The browser's former session ends.

        Raises:
            AuthFailed, AuthExpired: the token is not good.
            ServiceUnavailable: Redis or PostgreSQL is away.

        """
        identity = await self._authenticator.bearer(token)
        async with self._db.begin() as tx:
            await audit.record(tx, identity, "session.open", "session")
            cookie, session = await self._sessions.create(
                credential_id=identity.credential_id,
                preset=self._authenticator.preset_digest(token),
                credential_expires_at=identity.expires_at,
            )
        if old_cookie:
            await self._end(key_of(old_cookie))
        return cookie, session

    async def close(self, identity: Identity, session: Session) -> None:
        """End a session; its sockets end too."""
        async with self._db.begin() as tx:
            await audit.record(tx, identity, "session.close", "session")
            await self._sessions.end(session.key)
        await self._control.end(Ended(session_key=session.key))

    async def _end(self, key: str) -> None:
        await self._sessions.end(key)
        await self._control.end(Ended(session_key=key))
