"""Who did what to which cluster: written in the same transaction as the deed, and never changed afterwards.

A trigger refuses UPDATE and DELETE, so that not even our own code can tidy the trail.
"""

from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid, func, insert
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
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("cluster_id", Uuid),
    Column("details", JSONB, nullable=False),
    Column("trace_id", Text, nullable=False),
    Index("audit_log_at", "at", "id"),
    Index("audit_log_cluster_id", "cluster_id", "at"),
)


async def record(
    tx: AsyncConnection,
    actor: Identity,
    action: str,
    resource: str,
    *,
    cluster_id: UUID | None = None,
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
            details=redact(details or {}),
            trace_id=current_trace_id(),
        )
    )
