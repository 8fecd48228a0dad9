"""The events of the product, one struct per type, and how they are published.

An event and the state change that it tells of are one transaction: `publish` writes into the outbox of the caller's
own transaction. Delivery is at least once; everybody drops repeats by `event_id`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from aiops.core.outbox import Message


class _Event(Struct, frozen=True, kw_only=True, tag_field="event_type"):
    cluster_id: UUID
    cluster_name: str


class ClusterRegistered(_Event, frozen=True, kw_only=True, tag="CLUSTER_REGISTERED"):
    """A cluster was registered."""

    cluster: dict[str, Any]


class ClusterUpdated(_Event, frozen=True, kw_only=True, tag="CLUSTER_UPDATED"):
    """Somebody edited a cluster."""

    cluster: dict[str, Any]


class ClusterDeleted(_Event, frozen=True, kw_only=True, tag="CLUSTER_DELETED"):
    """A cluster was removed; whoever keeps rows for it removes them."""


class ClusterStatusChanged(_Event, frozen=True, kw_only=True, tag="CLUSTER_STATUS_CHANGED"):
    """A cluster's state went from one to another."""

    old_state: str
    new_state: str
    health_score: int
    reason: str


class ClusterCredentialsUpdated(_Event, frozen=True, kw_only=True, tag="CLUSTER_CREDENTIALS_UPDATED"):
    """A cluster's credentials were stored or removed."""

    version: int


class AlertFired(_Event, frozen=True, kw_only=True, tag="ALERT_FIRED"):
    """An alert went from not firing to firing. `alert` is the contract's Alert."""

    alert: dict[str, Any]


class AlertResolved(_Event, frozen=True, kw_only=True, tag="ALERT_RESOLVED"):
    """A firing alert was resolved. `alert` is the contract's Alert."""

    alert: dict[str, Any]


Event = (
    ClusterRegistered
    | ClusterUpdated
    | ClusterDeleted
    | ClusterStatusChanged
    | ClusterCredentialsUpdated
    | AlertFired
    | AlertResolved
)

_ENVELOPE_FIELDS = ("event_type", "cluster_id")


def to_message(event: Event, *, source: str, at: datetime, event_id: UUID | None = None) -> Message:
    """The outbox message of an event; its payload is every field of the event but the envelope's own."""
    fields = msgspec.to_builtins(event)
    event_type = fields["event_type"]
    payload = {key: value for key, value in fields.items() if key not in _ENVELOPE_FIELDS}
    return Message(
        event_id=event_id or uuid4(),
        event_type=event_type,
        source=source,
        cluster_id=event.cluster_id,
        timestamp=at,
        payload=msgspec.Raw(msgspec.json.encode(payload)),
    )
