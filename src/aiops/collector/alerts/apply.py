"""Takes a notification in: state, history and events in one transaction, in a handful of statements.

Notifications of one cluster are applied one after the other (an advisory lock), because a row that does not exist
yet cannot be locked. What they mean is decided in `transitions`; nothing else changes an alert's state.
"""

from collections import Counter
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.collector.alerts.model import Alert, AlertState, alert_id, alertname_of, message_of, severity_of
from aiops.collector.alerts.tables import alert_transitions, alerts
from aiops.collector.alerts.transitions import Change, Known, change
from aiops.collector.alerts.webhook import Notification, Notified, Status
from aiops.collector.meters import Meters
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.message import Message
from aiops.core.outbox import publish
from aiops.ports.events import AlertFired, AlertResolved, to_message
from aiops.ports.registry import WebhookSource

SOURCE: Final = "collector"
# "alert" as a number: the class of the advisory locks that order one cluster's notifications.
_LOCK_CLASS: Final = 0x616C6572
_KEY: Final = ("cluster_id", "fingerprint")
_EVENTS: Final[dict[Change, type[AlertFired | AlertResolved]]] = {
    Change.FIRED: AlertFired,
    Change.RESOLVED: AlertResolved,
}

_log = structlog.get_logger("aiops.alerts")


class Applied(Struct, frozen=True):
    """How many alerts a notification named, and how many of them fired, were resolved, or were old news."""

    received: int
    fired: int
    resolved: int
    repeated: int
    stale: int


class AlertIntake:
    """Writes alerts; nobody else does."""

    def __init__(self, db: Database, clock: Clock, meters: Meters) -> None:
        self._db = db
        self._clock = clock
        self._meters = meters

    async def apply(self, source: WebhookSource, notification: Notification) -> Applied:
        """Apply a notification; when this returns it is committed.

        Raises:
            ServiceUnavailable: the database is away; sending the same again is right and safe.

        """
        if notification.truncated:
            _log.warning(
                "Alertmanager left alerts out of a notification; raise its max_alerts",
                cluster=source.cluster_name,
                left_out=notification.truncated,
            )
        counts: Counter[Change] = Counter()
        if notification.alerts:
            async with self._db.begin() as tx:
                counts = await self._apply(tx, source, notification.alerts)
        for kind, count in counts.items():
            self._meters.alerts(kind.value.lower(), count)
        return Applied(
            received=len(notification.alerts),
            fired=counts[Change.FIRED],
            resolved=counts[Change.RESOLVED],
            repeated=counts[Change.REPEATED],
            stale=counts[Change.STALE],
        )

    async def _apply(self, tx: AsyncConnection, source: WebhookSource, told: tuple[Notified, ...]) -> Counter[Change]:
        await tx.execute(select(func.pg_advisory_xact_lock(_LOCK_CLASS, func.hashtext(str(source.cluster_id)))))
        now = self._clock()
        known = await _known(tx, source.cluster_id, {alert.fingerprint for alert in told})
        rows: dict[str, dict[str, Any]] = {}
        transitions: list[dict[str, Any]] = []
        messages: list[Message] = []
        counts: Counter[Change] = Counter()
        for alert in told:
            before = known.get(alert.fingerprint)
            kind = change(before, alert)
            counts[kind] += 1
            if kind is Change.STALE:
                continue
            row = rows[alert.fingerprint] = _row(source, alert, before, now)
            known[alert.fingerprint] = Known(AlertState(row["state"]), row["starts_at"])
            if (event := _EVENTS.get(kind)) is not None:
                event_id = uuid4()
                shown = msgspec.to_builtins(shown_alert(row))
                happened = event(cluster_id=source.cluster_id, cluster_name=source.cluster_name, alert=shown)
                messages.append(to_message(happened, source=SOURCE, at=now, event_id=event_id))
                transitions.append(_transition(row, before, event_id, now))
        await _write(tx, rows, transitions)
        for message in messages:
            await publish(tx, message)
        return counts


async def _known(tx: AsyncConnection, cluster_id: UUID, fingerprints: set[str]) -> dict[str, Known]:
    found = await tx.execute(
        select(alerts.c.fingerprint, alerts.c.state, alerts.c.starts_at).where(
            alerts.c.cluster_id == cluster_id, alerts.c.fingerprint.in_(fingerprints)
        )
    )
    return {row.fingerprint: Known(AlertState(row.state), row.starts_at) for row in found}


async def _write(tx: AsyncConnection, rows: dict[str, dict[str, Any]], transitions: list[dict[str, Any]]) -> None:
    if rows:
        statement = upsert(alerts)
        changed = {
            column.name: statement.excluded[column.name]
            for column in alerts.columns
            if column.name not in (*_KEY, "id")
        }
        # In one order everywhere, so that whoever else locks several rows cannot deadlock with us.
        ordered = [rows[fingerprint] for fingerprint in sorted(rows)]
        await tx.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=changed), ordered)
    if transitions:
        await tx.execute(insert(alert_transitions), transitions)


def _row(source: WebhookSource, told: Notified, before: Known | None, now: datetime) -> dict[str, Any]:
    starts_at = told.starts_at
    if before is not None and told.status is Status.RESOLVED:
        starts_at = max(starts_at, before.starts_at)
    return {
        "cluster_id": source.cluster_id,
        "fingerprint": told.fingerprint,
        "id": alert_id(source.cluster_id, told.fingerprint),
        "cluster_name": source.cluster_name,
        "alertname": alertname_of(told.labels),
        "namespace": told.labels.get("namespace"),
        "severity": severity_of(told.labels).value,
        "state": (AlertState.FIRING if told.status is Status.FIRING else AlertState.RESOLVED).value,
        "message": message_of(told.labels, told.annotations),
        "labels": told.labels,
        "annotations": told.annotations,
        "starts_at": starts_at,
        "ends_at": told.ends_at,
        "generator_url": told.generator_url,
        "notified_at": now,
    }


def _transition(row: dict[str, Any], before: Known | None, event_id: UUID, now: datetime) -> dict[str, Any]:
    copied = ("cluster_id", "cluster_name", "fingerprint", "alertname", "namespace", "severity", "message")
    return {
        **{name: row[name] for name in (*copied, "labels", "starts_at", "ends_at")},
        "event_id": event_id,
        "at": now,
        "alert_id": row["id"],
        "old_state": before.state.value if before is not None else None,
        "new_state": row["state"],
    }


def shown_alert(row: Any) -> Alert:
    """The contract's alert from a row of the table `alerts`, as a mapping."""
    return Alert(
        id=row["id"],
        fingerprint=row["fingerprint"],
        cluster_id=row["cluster_id"],
        cluster_name=row["cluster_name"],
        alertname=row["alertname"],
        name=row["alertname"],
        message=row["message"],
        severity=severity_of({"severity": row["severity"]}),
        state=AlertState(row["state"]),
        labels=row["labels"],
        annotations=row["annotations"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        generator_url=row["generator_url"],
    )
