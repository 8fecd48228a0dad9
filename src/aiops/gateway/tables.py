"""The gateway's one table: API tokens. It holds digests, never a secret."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

metadata: Final = MetaData()

api_tokens: Final = Table(
    "api_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("clusters", JSONB, nullable=False),
    # SHA-256 of 256 random bits: there is nothing to guess, so a slow hash would only slow us.
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
    Index("api_tokens_created_at", "created_at", "id"),
)
