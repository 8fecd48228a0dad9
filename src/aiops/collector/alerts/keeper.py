"""Forgets alerts: those of clusters that are gone, and what is older than the retention. Changes none."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete

from aiops.collector.alerts.tables import alert_transitions, alerts
from aiops.core.bus import Bus
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.message import Message

GROUP: Final = "collector"
_CLUSTER_DELETED: Final = "CLUSTER_DELETED"

_log = structlog.get_logger("aiops.alerts")


class AlertKeeper:
    """A task and a job of the collector. Every replica may run them: what they do twice does no harm."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, *, history_days: int, consumer: str) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._kept = timedelta(days=history_days)
        self._consumer = consumer

    async def follow_deletions(self) -> None:
        """Remove what belongs to a cluster once it is deleted. Runs for ever."""
        await self._bus.consume(GROUP, self._consumer, self.handle)

    async def handle(self, message: Message) -> None:
        """One event, which may be a repeat; only CLUSTER_DELETED concerns us."""
        if message.event_type == _CLUSTER_DELETED and message.cluster_id is not None:
            await self.forget_cluster(message.cluster_id)

    async def forget_cluster(self, cluster_id: UUID) -> None:
        """Remove the alerts and the history of one cluster."""
        async with self._db.begin() as tx:
            for table in (alerts, alert_transitions):
                await tx.execute(delete(table).where(table.c.cluster_id == cluster_id))

    async def expire(self) -> None:
        """Remove transitions older than the retention, and alerts that nobody has told of since.

        Firing ones too: Alertmanager repeats those every few hours, so this one is not firing any more.
        """
        oldest = self._clock() - self._kept
        async with self._db.begin() as tx:
            told = await tx.execute(delete(alerts).where(alerts.c.notified_at < oldest))
            happened = await tx.execute(delete(alert_transitions).where(alert_transitions.c.at < oldest))
        if told.rowcount or happened.rowcount:
            _log.info("forgot old alerts", alerts=told.rowcount, transitions=happened.rowcount)
