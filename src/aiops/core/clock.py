"""Time as the product sees it: aware UTC, passed in where a test must move it."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiops.core.errors import InvalidRequest

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def aware(value: datetime | None, name: str) -> None:
    """Refuse a caller's time that does not say its zone; `name` is the field, for the message."""
    if value is not None and value.tzinfo is None:
        raise InvalidRequest(f"{name}: {value.isoformat()} has no time zone; write 2026-01-31T12:00:00Z")
