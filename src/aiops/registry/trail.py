"""The audit trail for administrators. It writes nothing: `core.audit` does, with each deed."""

from aiops.core import audit
from aiops.core.audit import AuditEntry, Filter
from aiops.core.db import Database
from aiops.core.web import Paging


class Trail:
    """The whole trail: whoever may read it may read all of it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, wanted: Filter, paging: Paging) -> tuple[list[AuditEntry], int]:
        """One page, newest first, and the total."""
        async with self._db.read() as connection:
            return await audit.entries(connection, wanted, limit=paging.page_size, offset=paging.offset)
