"""The rules by which an alert changes, as one pure function.

A repeat of what is known is no event. A notification that is older than what is known, because it was delayed or
sent again, changes nothing: Alertmanager and its twin deliver at least once and in no certain order.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from aiops.collector.alerts.model import AlertState
from aiops.collector.alerts.webhook import Notified, Status


class Known(Struct, frozen=True):
    """What is stored of an alert."""

    state: AlertState
    starts_at: datetime


class Change(StrEnum):
    """What one notified alert does to what is known."""

    FIRED = "FIRED"
    RESOLVED = "RESOLVED"
    REPEATED = "REPEATED"
    STALE = "STALE"


def change(known: Known | None, told: Notified) -> Change:
    """What the notification does.

    FIRED and RESOLVED are events; REPEATED only refreshes texts; STALE is dropped.
    """
    if told.status is Status.FIRING:
        if known is None:
            return Change.FIRED
        if told.starts_at == known.starts_at:
            return {
                AlertState.FIRING: Change.REPEATED,
                AlertState.PENDING: Change.FIRED,
                # The same firing was resolved already: this is a late repeat of its first notification.
                AlertState.RESOLVED: Change.STALE,
            }[known.state]
        return Change.FIRED if told.starts_at > known.starts_at else Change.STALE
    if known is None:
        # Its firing was never told; there is nothing to resolve, yet the alert is worth knowing.
        return Change.REPEATED
    # Alertmanager moves startsAt back when it merges what two Prometheus replicas sent, so an earlier start alone
    # does not make a resolution stale: it must have ended before the known firing began.
    if told.starts_at < known.starts_at and told.ends_at is not None and told.ends_at <= known.starts_at:
        return Change.STALE
    return Change.RESOLVED if known.state is AlertState.FIRING else Change.REPEATED
