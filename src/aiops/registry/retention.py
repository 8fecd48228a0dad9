"""Forgets health history and audit entries that are older than their retention. A job: it may run twice."""

from datetime import timedelta

import structlog

from aiops.core import audit
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.registry import history

_log = structlog.get_logger("aiops.retention")


class Retention:
    """What the registry keeps, and for how long."""

    def __init__(self, db: Database, clock: Clock, *, history_days: int, audit_days: int) -> None:
        self._db = db
        self._clock = clock
        self._history = timedelta(days=history_days)
        self._audit = timedelta(days=audit_days)

    async def expire(self) -> None:
        """Remove what is too old; the audit trail in parts, so that none of them locks it for long."""
        now = self._clock()
        async with self._db.begin() as tx:
            lines = await history.forget(tx, now - self._history)
        entries = 0
        while removed := await self._expire_audit():
            entries += removed
        if lines or entries:
            _log.info("forgot what is older than its retention", health_history=lines, audit_entries=entries)

    async def _expire_audit(self) -> int:
        async with self._db.begin() as tx:
            return await audit.expire(tx, self._clock() - self._audit)
