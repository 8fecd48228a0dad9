"""Durations and time windows as the contract writes them. It refuses what two readers could take in two ways."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from aiops.core.errors import InvalidRequest

_UNITS_S: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_DEFAULT_WINDOW: Final = timedelta(hours=1)


def duration_s(value: str | float, name: str) -> float:
    """Seconds of `30s`, `5m`, `1h30m`, `7d`, `2w` or of a bare number; `name` is the field, for the message.

    Raises:
        InvalidRequest: it is none of these, or negative.

    """
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return float(text)
        if len(text) <= 40 and text and not _PART.sub("", text):  # noqa: PLR2004 - longer is no duration
            return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
    elif 0 <= value < 1e15:  # noqa: PLR2004 - NaN and infinity fail too
        return float(value)
    raise InvalidRequest(
        f"{name}: {str(value)[:40]!r} is not a duration; write 30s, 5m, 1h, 7d, 2w or a number of seconds"
    )


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


def aware(value: datetime | None, name: str) -> None:
    """Refuse a time that does not say its zone."""
    if value is not None and value.tzinfo is None:
        raise InvalidRequest(f"{name}: {value.isoformat()} has no time zone; write 2026-01-31T12:00:00Z")


def unix(value: datetime) -> str:
    """Unix seconds with milliseconds, as Prometheus reads them."""
    return f"{value.timestamp():.3f}"
