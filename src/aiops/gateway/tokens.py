"""API tokens: made once, shown once, stored as a hash, ended by time or by hand.

A token is `aiops_<id>_<secret>`: the id finds the row, the secret is compared by its hash in constant time.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct
from sqlalchemy import Column, DateTime, Index, MetaData, Row, Table, Text, Uuid, delete, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from aiops.core import audit
from aiops.core.bus import CONTROL_CHANNEL, Bus
from aiops.core.clock import Clock
from aiops.core.db import Database, as_struct
from aiops.core.durations import parse_duration
from aiops.core.errors import AuthExpired, AuthFailed, InvalidRequest, NotFound, ServiceUnavailable
from aiops.core.identity import ClusterSelector, Grant, Identity, Role, SubjectKind
from aiops.core.web import Paging

PREFIX: Final = "aiops_"
DEFAULT_LIFE: Final = "90d"
MAX_LIFE: Final = timedelta(days=366 * 5)
MAX_NAME: Final = 128

metadata: Final = MetaData()
api_tokens: Final = Table(
    "api_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("clusters", JSONB, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    Index("api_tokens_created_at", "created_at"),
)


class TokenCreate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new token. `expires_in` is a duration such as `12h` or `90d`."""

    name: str
    role: Role
    clusters: ClusterSelector = ClusterSelector(all=True)
    expires_in: str = DEFAULT_LIFE


class Token(Struct, frozen=True, kw_only=True):
    """A token as lists show it."""

    id: UUID
    name: str
    role: Role
    clusters: ClusterSelector
    created_by: str
    created_at: datetime
    expires_at: datetime | None


class CreatedToken(Token, frozen=True, kw_only=True):
    """A token right after its creation, with what to present."""

    token: str


_SHOWN: Final = [api_tokens.c[name] for name in Token.__struct_fields__]


class Tokens:
    """Makes, finds and ends tokens. `preset` is accepted as an administrator's token beside the stored ones."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, *, preset: str) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._preset_hash = _hash(preset) if preset else None

    async def bearer(self, token: str) -> Identity:
        """See `ports.gateway.Authenticator`. At most one statement."""
        if self._preset_hash is not None and hmac.compare_digest(_hash(token), self._preset_hash):
            return Identity("admin", SubjectKind.API_TOKEN, (Grant(Role.ADMIN, ClusterSelector(all=True)),))
        token_id, secret = _split(token)
        async with self._db.read() as connection:
            row = (
                await connection.execute(select(api_tokens).where(api_tokens.c.id == token_id))
            ).one_or_none()
        expected = row.secret_hash if row is not None else _hash("")
        if not hmac.compare_digest(expected, _hash(secret)) or row is None:
            raise AuthFailed("the token is not valid; it may have been revoked")
        return self._identity(row)

    async def by_id(self, token_id: UUID) -> Identity:
        """The identity of a stored token that has been shown before: sessions and open sockets look again."""
        async with self._db.read() as connection:
            row = (
                await connection.execute(select(api_tokens).where(api_tokens.c.id == token_id))
            ).one_or_none()
        if row is None:
            raise AuthFailed("the token was revoked")
        return self._identity(row)

    def _identity(self, row: Row[Any]) -> Identity:
        if row.expires_at is not None and row.expires_at <= self._clock():
            raise AuthExpired("the token has expired; make a new one with 'aiops token create'")
        grant = Grant(Role(row.role), msgspec.convert(row.clusters, ClusterSelector))
        return Identity(row.name, SubjectKind.API_TOKEN, (grant,), row.id, row.expires_at)

    async def create(self, actor: Identity, data: TokenCreate) -> CreatedToken:
        """Make a token; only here is it ever shown."""
        if not data.name.strip() or len(data.name) > MAX_NAME:
            raise InvalidRequest(f"name: 1 to {MAX_NAME} characters")
        actor.require_everything("tokens:write")
        life = parse_duration(data.expires_in)
        if not timedelta(seconds=1) <= life <= MAX_LIFE:
            raise InvalidRequest(f"expires_in: between 1s and {MAX_LIFE.days}d")
        secret = secrets.token_urlsafe(32)
        async with self._db.begin() as tx:
            row = await tx.execute(
                insert(api_tokens)
                .values(
                    id=uuid4(),
                    name=data.name.strip(),
                    role=data.role,
                    clusters=msgspec.to_builtins(data.clusters),
                    secret_hash=_hash(secret),
                    created_by=actor.subject,
                    expires_at=self._clock() + life,
                )
                .returning(*_SHOWN)
            )
            token = as_struct(row.one(), Token)
            await audit.record(
                tx, actor, "token.create", data.name, details={"token_id": str(token.id), "role": data.role}
            )
        return CreatedToken(**msgspec.structs.asdict(token), token=_join(token.id, secret))

    async def page(self, paging: Paging) -> tuple[list[Token], int]:
        """One page, newest first, and the total."""
        async with self._db.read() as connection:
            total = (await connection.execute(select(func.count()).select_from(api_tokens))).scalar_one()
            rows = await connection.execute(
                select(*_SHOWN)
                .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
                .limit(paging.page_size)
                .offset(paging.offset)
            )
            return [as_struct(row, Token) for row in rows], total

    async def revoke(self, actor: Identity, token_id: UUID) -> None:
        """End a token now; open sockets hear of it."""
        async with self._db.begin() as tx:
            row = await tx.execute(
                delete(api_tokens).where(api_tokens.c.id == token_id).returning(api_tokens.c.name)
            )
            name = row.scalar_one_or_none()
            if name is None:
                raise NotFound(f"there is no token {token_id}")
            await audit.record(tx, actor, "token.revoke", name, details={"token_id": str(token_id)})
        try:
            await self._bus.announce(CONTROL_CHANNEL, str(token_id).encode())
        except ServiceUnavailable:
            # Sockets look again within the minute all the same.
            return


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _join(token_id: UUID, secret: str) -> str:
    return f"{PREFIX}{base64.urlsafe_b64encode(token_id.bytes).decode().rstrip('=')}_{secret}"


def _split(token: str) -> tuple[UUID, str]:
    id_length = 22  # 16 bytes in base64 without padding
    body = token.removeprefix(PREFIX)
    try:
        if not token.startswith(PREFIX) or body[id_length] != "_":
            raise ValueError
        return UUID(bytes=base64.urlsafe_b64decode(body[:id_length] + "==")), body[id_length + 1 :]
    except (ValueError, IndexError, binascii.Error) as error:
        raise AuthFailed("this is not an API token of this hub") from error
