"""Durations as people write them to Prometheus: `30s`, `5m`, `1h30m`, `7d`, `2w`, `1y`; a bare number is seconds."""

import re
from datetime import timedelta
from typing import Final

from aiops.core.errors import InvalidRequest

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")
_WHOLE: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w|y)){1,7}")
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_MAX_S: Final = 100 * 366 * 86400


def parse_duration(text: str) -> timedelta:
    """The duration.

    Raises:
        InvalidRequest: it is none, or longer than a century.

    """
    if len(text) <= 64 and _NUMBER.fullmatch(text):  # noqa: PLR2004 - far above any honest duration
        seconds = float(text)
    elif len(text) <= 64 and _WHOLE.fullmatch(text):  # noqa: PLR2004
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    else:
        raise InvalidRequest(f"{text[:40]!r} is not a duration; write 30s, 5m, 1h, 7d or 2w")
    if seconds > _MAX_S:
        raise InvalidRequest(f"the duration {text[:40]!r} is too long")
    return timedelta(seconds=seconds)
