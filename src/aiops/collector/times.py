"""Durations and time windows as the contract writes them. It refuses what two readers could take in two ways."""

from datetime import UTC, datetime, timedelta
from typing import Final

from aiops.core.clock import aware
from aiops.core.durations import parse_duration
from aiops.core.errors import InvalidRequest

_DEFAULT_WINDOW: Final = timedelta(hours=1)


def duration_s(value: str | float, name: str) -> float:
    """Seconds of `30s`, `5m`, `1h30m` or of a bare number; `name` is the field, for the message.

    Raises:
        InvalidRequest: it is no duration.

    """
    try:
        return parse_duration(str(value)).total_seconds()
    except InvalidRequest as error:
        raise InvalidRequest(f"{name}: {error.message}") from error


def window(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The contract's default window, the hour before now (or before `end`), where a side is not given.

    Raises:
        InvalidRequest: a time without a zone, or an end before the start.

    """
    for name, given in (("start_time", start), ("end_time", end)):
        aware(given, name)
    last = end or now
    try:
        first = start or last - _DEFAULT_WINDOW
    except OverflowError as error:
        raise InvalidRequest(f"end_time: {last.isoformat()} leaves no hour before it") from error
    if last < first:
        raise InvalidRequest(f"end_time {last.isoformat()} is before start_time {first.isoformat()}")
    return first.astimezone(UTC), last.astimezone(UTC)


def unix(value: datetime) -> str:
    """Unix seconds with milliseconds, as Prometheus reads them."""
    return f"{value.timestamp():.3f}"
