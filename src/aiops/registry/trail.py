"""Reads the audit trail for administrators. It writes nothing: `core.audit` does, with each deed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, func, select, true

from aiops.core.audit import audit_log
from aiops.core.db import Database, as_struct
from aiops.core.web import Paging


class AuditEntry(Struct, frozen=True):
    """Who did what to which cluster, and when; secrets are masked already where they were written."""

    id: UUID
    at: datetime
    actor: str
    actor_kind: str
    action: str
    resource: str
    cluster_id: UUID | None
    details: dict[str, Any]
    trace_id: str


class Trail:
    """The whole trail: whoever may read it may read all of it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(
        self, paging: Paging, *, cluster_id: UUID | None, actor: str | None, action: str | None
    ) -> tuple[list[AuditEntry], int]:
        """One page, newest first, and the total; filters are exact."""
        condition: ColumnElement[bool] = true()
        for column, wanted in (
            (audit_log.c.cluster_id, cluster_id),
            (audit_log.c.actor, actor),
            (audit_log.c.action, action),
        ):
            if wanted is not None:
                condition = condition & (column == wanted)
        columns: list[ColumnElement[Any]] = [audit_log.c[name] for name in AuditEntry.__struct_fields__]
        async with self._db.read() as connection:
            total = (
                await connection.execute(select(func.count()).select_from(audit_log).where(condition))
            ).scalar_one()
            rows = await connection.execute(
                select(*columns)
                .where(condition)
                .order_by(audit_log.c.at.desc(), audit_log.c.id)
                .limit(paging.page_size)
                .offset(paging.offset)
            )
            return [as_struct(row, AuditEntry) for row in rows], total
