"""API tokens: made, listed, revoked. The secret is shown once and only its digest is kept.

A token is `aiops_<id>_<secret>`: the id finds the row, the secret is 256 random bits. It decides
nothing about what a request may do; that is `core.identity`.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from msgspec import Struct, field
from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from aiops.core import audit
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.durations import parse_duration
from aiops.core.errors import InvalidRequest, NotFound
from aiops.core.identity import ClusterSelector, Grant, Identity, Role, SubjectKind, service_identity
from aiops.gateway.control import Control, Ended
from aiops.gateway.tables import api_tokens

DEFAULT_EXPIRY: Final = "90d"
MAX_LIFE: Final = timedelta(days=366)
MAX_NAME: Final = 128
# An expired token says so for as long; afterwards it is as unknown as one that never was.
KEPT_EXPIRED: Final = timedelta(days=30)
_PREFIX: Final = "aiops"

_log = structlog.get_logger("aiops.tokens")


class TokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a new token is to be. `expires_in` is a duration: `12h`, `90d`, a bare number is seconds."""

    name: str
    role: Role
    clusters: ClusterSelector = field(default_factory=lambda: ClusterSelector(all=True))
    expires_in: str = DEFAULT_EXPIRY


class Token(Struct, frozen=True, kw_only=True):
    """A token as lists show it."""

    id: UUID
    name: str
    role: Role
    clusters: ClusterSelector
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class NewToken(Token, frozen=True, kw_only=True):
    """A token as its maker sees it, once."""

    token: str

    def __repr__(self) -> str:
        return f"NewToken(id={self.id}, ...)"


class StoredToken(Struct, frozen=True):
    """What is needed to verify a token."""

    identity: Identity
    secret_hash: bytes
    expires_at: datetime


def parse_expiry(text: str) -> timedelta:
    """How long a token is to live.

    Raises:
        InvalidRequest: it is no duration, or not between one second and 366 days.

    """
    life = parse_duration(text)
    if not timedelta(seconds=1) <= life <= MAX_LIFE:
        raise InvalidRequest(f"expires_in: {text[:40]!r} must be at least 1s and at most {MAX_LIFE.days}d")
    return life


def split(token: str) -> tuple[UUID, bytes] | None:
    """The id and the secret's digest inside a token; None when it is not of our making."""
    parts = token.split("_", 2)
    if len(parts) != 3 or parts[0] != _PREFIX or len(parts[1]) != 32:  # noqa: PLR2004 - prefix, id in hex, secret
        return None
    try:
        return UUID(hex=parts[1]), hashlib.sha256(parts[2].encode()).digest()
    except ValueError:
        return None


def same(digest: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in constant time."""
    return hmac.compare_digest(digest, other)


def _mint(caller: Identity, request: TokenRequest, now: datetime) -> tuple[NewToken, dict[str, Any]]:
    name = request.name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidRequest(f"name: must be 1 to {MAX_NAME} printable characters")
    token_id = uuid4()
    secret = secrets.token_urlsafe(32)
    expires_at = now + parse_expiry(request.expires_in)
    row = {
        "id": token_id,
        "name": name,
        "role": request.role.value,
        "clusters": msgspec.to_builtins(request.clusters),
        "secret_hash": hashlib.sha256(secret.encode()).digest(),
        "created_by": caller.subject,
        "created_at": now,
        "expires_at": expires_at,
    }
    token = NewToken(
        id=token_id,
        name=name,
        role=request.role,
        clusters=request.clusters,
        created_by=caller.subject,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        token=f"{_PREFIX}_{token_id.hex}_{secret}",
    )
    return token, row


async def _store(db: Database, caller: Identity, request: TokenRequest, now: datetime) -> NewToken:
    token, row = _mint(caller, request, now)
    async with db.begin() as tx:
        await tx.execute(insert(api_tokens).values(row))
        await audit.record(
            tx,
            caller,
            "token.create",
            f"token/{token.id}",
            details={
                "name": token.name,
                "role": token.role.value,
                "clusters": row["clusters"],
                "expires_at": token.expires_at.isoformat(),
            },
        )
    return token


async def create_admin(db: Database, clock: Clock, *, name: str, expires_in: str = DEFAULT_EXPIRY) -> NewToken:
    """A token with every right, for whoever holds the data directory and has lost all tokens."""
    request = TokenRequest(name, Role.ADMIN, ClusterSelector(all=True), expires_in)
    return await _store(db, service_identity("recovery"), request, clock())


class TokenService:
    """Tokens over PostgreSQL."""

    def __init__(self, db: Database, control: Control, clock: Clock) -> None:
        self._db = db
        self._control = control
        self._clock = clock
        self._used: dict[UUID, datetime] = {}

    async def create(self, caller: Identity, request: TokenRequest) -> NewToken:
        """Make a token.

        Raises:
            PermissionDenied: the caller is not an administrator of all clusters, and could gain rights by it.
            InvalidRequest: the name or the lifetime cannot be.

        """
        caller.require_everything("tokens:write")
        return await _store(self._db, caller, request, self._clock())

    async def list(self, caller: Identity, *, offset: int, limit: int) -> tuple[list[Token], int]:
        """One page of the tokens, newest first, and how many there are."""
        caller.require_everything("tokens:read")
        query = (
            select(api_tokens, func.count().over().label("total"))
            .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
            .offset(offset)
            .limit(limit)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
            if rows or not offset:
                return [_token(row) for row in rows], rows[0]["total"] if rows else 0
            total = (await connection.execute(select(func.count()).select_from(api_tokens))).scalar_one()
        return [], total

    async def get(self, caller: Identity, token_id: UUID) -> Token:
        """One token.

        Raises:
            NotFound: there is none.

        """
        caller.require_everything("tokens:read")
        async with self._db.read() as connection:
            found = await connection.execute(select(api_tokens).where(api_tokens.c.id == token_id))
            row = found.mappings().first()
        if row is None:
            raise _no_such(token_id)
        return _token(row)

    async def revoke(self, caller: Identity, token_id: UUID) -> None:
        """Remove a token; its sessions and sockets end.

        Raises:
            NotFound: there is none.

        """
        caller.require_everything("tokens:delete")
        async with self._db.begin() as tx:
            gone = await tx.execute(delete(api_tokens).where(api_tokens.c.id == token_id).returning(api_tokens.c.name))
            row = gone.first()
            if row is None:
                raise _no_such(token_id)
            await audit.record(tx, caller, "token.revoke", f"token/{token_id}", details={"name": row.name})
        await self._control.end(Ended(credential_id=token_id))

    async def expire(self) -> None:
        """Forget tokens that have been useless for so long that nobody asks any more why theirs is refused. A job."""
        async with self._db.begin() as tx:
            gone = await tx.execute(delete(api_tokens).where(api_tokens.c.expires_at < self._clock() - KEPT_EXPIRED))
        if gone.rowcount:
            _log.info("forgot expired tokens", tokens=gone.rowcount)

    async def find(self, token_id: UUID) -> StoredToken | None:
        """The token as verification needs it, expired or not; None when there is none."""
        async with self._db.read() as connection:
            found = await connection.execute(select(api_tokens).where(api_tokens.c.id == token_id))
            row = found.mappings().first()
        if row is None:
            return None
        token = _token(row)
        identity = Identity(
            subject=f"token:{token.name}",
            kind=SubjectKind.API_TOKEN,
            grants=(Grant(token.role, token.clusters),),
            credential_id=token.id,
            expires_at=token.expires_at,
        )
        return StoredToken(identity, bytes(row["secret_hash"]), token.expires_at)

    def used(self, token_id: UUID) -> None:
        """Remember that a token was used; written down by `write_usage`, never in a request."""
        self._used[token_id] = self._clock()

    async def write_usage(self) -> None:
        """Write down which tokens were used since the last time: one statement, however many requests."""
        used, self._used = self._used, {}
        if not used:
            return
        statement = (
            update(api_tokens)
            .where(api_tokens.c.id == bindparam("token_id"))
            .where(or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at < bindparam("at")))
            .values(last_used_at=bindparam("at"))
        )
        async with self._db.begin() as tx:
            # In order of id, so that two replicas never wait for each other's rows.
            await tx.execute(statement, [{"token_id": token_id, "at": used[token_id]} for token_id in sorted(used)])


def _token(row: Any) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        clusters=msgspec.convert(row["clusters"], ClusterSelector),
        created_by=row["created_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def _no_such(token_id: UUID) -> NotFound:
    return NotFound(f"there is no token {token_id}")
