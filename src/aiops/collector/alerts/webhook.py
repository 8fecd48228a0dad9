"""Alertmanager's notification, version 4, as it really arrives: any severity, fields that we do not know, odd texts.

What a rule's author wrote never breaks the batch that it came in; only what is no notification at all is refused.

Protocol: Alertmanager documentation, "Configuration", webhook_config.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from aiops.collector.alerts.model import fingerprint_of
from aiops.core.errors import InvalidRequest

# Go's zero time, with which Alertmanager says "not yet".
_NEVER_YEAR: Final = 1


class Status(StrEnum):
    """What Alertmanager says of one alert."""

    FIRING = "firing"
    RESOLVED = "resolved"


class _WireAlert(Struct, frozen=True, rename="camel"):
    status: Status
    labels: dict[str, str]
    starts_at: datetime
    annotations: dict[str, str] = {}
    ends_at: datetime | None = None
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)
    fingerprint: str = ""


class _Wire(Struct, frozen=True, rename="camel"):
    alerts: list[_WireAlert]
    truncated_alerts: int = 0


class Notified(Struct, frozen=True):
    """One alert of a notification; `ends_at` is null while it is firing."""

    fingerprint: str
    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str | None


class Notification(Struct, frozen=True):
    """A notification; `truncated` alerts were left out by Alertmanager's own `max_alerts`."""

    alerts: tuple[Notified, ...]
    truncated: int = 0


_decoder: Final = msgspec.json.Decoder(_Wire)


def decode(body: bytes) -> Notification:
    """Read a notification.

    Raises:
        InvalidRequest: the body is none.

    """
    try:
        wire = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"this is no Alertmanager notification of version 4: {error}") from error
    return Notification(tuple(_notified(alert) for alert in wire.alerts), wire.truncated_alerts)


def _notified(alert: _WireAlert) -> Notified:
    starts_at, ends_at = _time(alert.starts_at), _time(alert.ends_at)
    if starts_at is None:
        raise InvalidRequest("an alert has no startsAt; Alertmanager always sends one")
    resolved = alert.status is Status.RESOLVED
    return Notified(
        fingerprint=_storable(alert.fingerprint) or fingerprint_of(alert.labels),
        status=alert.status,
        labels=_storable_map(alert.labels),
        annotations=_storable_map(alert.annotations),
        starts_at=starts_at,
        ends_at=(ends_at or starts_at) if resolved else None,
        generator_url=_storable(alert.generator_url or "") or None,
    )


def _time(value: datetime | None) -> datetime | None:
    if value is None or value.year <= _NEVER_YEAR:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL character, and a label may carry one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _storable_map(texts: dict[str, str]) -> dict[str, str]:
    return {_storable(name): _storable(value) for name, value in texts.items()}
