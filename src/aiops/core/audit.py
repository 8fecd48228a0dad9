"""Who did what to which cluster: written in the same transaction as the deed, and never changed afterwards.

A trigger refuses UPDATE, DELETE and TRUNCATE, so that not even our own code can tidy the trail. The one way out is
`expire`, which removes what is older than the retention, oldest first.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import Column, DateTime, Index, MetaData, Select, Table, Text, Uuid, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core.identity import Identity
from aiops.core.log import redact
from aiops.core.tracing import current_trace_id

metadata: Final = MetaData()

audit_log: Final = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("cluster_id", Uuid),
    Column("outcome", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("trace_id", Text, nullable=False),
    Index("audit_log_at", "at", "id"),
    Index("audit_log_cluster_id", "cluster_id", "at"),
)


class Outcome(StrEnum):
    """How the deed ended."""

    SUCCESS = "SUCCESS"
    DENIED = "DENIED"
    FAILURE = "FAILURE"


class AuditEntry(Struct, frozen=True):
    """One line of the trail. `cluster_id` is null for deeds that touch no cluster."""

    id: UUID
    at: datetime
    actor: str
    actor_kind: str
    action: str
    resource: str
    cluster_id: UUID | None
    outcome: Outcome
    details: dict[str, Any]
    trace_id: str


class Filter(Struct, frozen=True):
    """Which entries are meant; null means any. `since` is inclusive, `until` is not."""

    actor: str | None = None
    action: str | None = None
    resource: str | None = None
    cluster_ids: tuple[UUID, ...] | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


async def record(
    tx: AsyncConnection,
    actor: Identity,
    action: str,
    resource: str,
    *,
    cluster_id: UUID | None = None,
    outcome: Outcome = Outcome.SUCCESS,
    details: dict[str, Any] | None = None,
) -> None:
    """Add one entry to the caller's transaction. `action` is `noun.verb`; secrets in `details` are masked."""
    await tx.execute(
        insert(audit_log).values(
            id=uuid4(),
            actor=actor.subject,
            actor_kind=actor.kind,
            action=action,
            resource=resource,
            cluster_id=cluster_id,
            outcome=outcome,
            details=redact(details or {}),
            trace_id=current_trace_id(),
        )
    )


async def entries(
    connection: AsyncConnection, wanted: Filter, *, limit: int, offset: int = 0
) -> tuple[list[AuditEntry], int]:
    """One page of what the filter selects, newest first, and how many there are in all: two statements."""
    columns = audit_log.c
    order = (columns.at.desc(), columns.id)
    page = _where(select(audit_log), wanted).order_by(*order).limit(limit).offset(offset)
    rows = (await connection.execute(page)).mappings().all()
    total = (await connection.execute(_where(select(func.count()).select_from(audit_log), wanted))).scalar_one()
    return [AuditEntry(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows], total


def _where(statement: Select[Any], wanted: Filter) -> Select[Any]:
    columns = audit_log.c
    for name in ("actor", "action", "resource", "outcome"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(columns[name] == value)
    if wanted.cluster_ids is not None:
        statement = statement.where(columns.cluster_id.in_(wanted.cluster_ids))
    if wanted.since is not None:
        statement = statement.where(columns.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(columns.at < wanted.until)
    return statement


async def expire(tx: AsyncConnection, before: datetime, *, limit: int = 10_000) -> int:
    """Remove at most `limit` entries older than `before`; how many that were. Recent ones cannot be removed."""
    return int((await tx.execute(select(func.audit_log_expire(before, limit)))).scalar_one())
