"""Calendar functions: what day and time a Unix time in seconds is, in UTC, by the proleptic Gregorian calendar.

Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"; Prometheus, `promql/functions.go`.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec import Struct

from aiops.promql.engine.values import Floats, Ints

DAY_S: Final = 86_400
ERA_DAYS: Final = 146_097
MARCH_1_OF_YEAR_0: Final = -719_468
FEBRUARY: Final = 2
MONTHS_FROM_MARCH: Final = 10
# What Go makes of a number that no integer of 64 bits can hold, as NaN: Sunday, 4 December of this year, 15:30:08.
BEYOND: Final = {
    "year": 292_277_026_596.0,
    "month": 12.0,
    "day_of_month": 4.0,
    "day_of_week": 0.0,
    "day_of_year": 339.0,
    "days_in_month": 31.0,
    "hour": 15.0,
    "minute": 30.0,
}


class Civil(Struct, frozen=True, eq=False):
    """Date and time of day."""

    days: Ints
    second: Ints
    year: Ints
    month: Ints
    day: Ints


def _civil(seconds: Ints) -> Civil:
    days = seconds // DAY_S
    since = days - MARCH_1_OF_YEAR_0
    era = since // ERA_DAYS
    of_era = since - era * ERA_DAYS
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = np.where(shifted < MONTHS_FROM_MARCH, shifted + 3, shifted - 9)
    return Civil(days, seconds - days * DAY_S, year + era * 400 + (month <= FEBRUARY), month, day)


def _leap(year: Ints) -> Ints:
    leap: Ints = ((year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))).astype(np.int64)
    return leap


def _days_in_month(at: Civil) -> Ints:
    lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[at.month - 1]
    days: Ints = lengths + np.where(at.month == FEBRUARY, _leap(at.year), 0)
    return days


def _day_of_year(at: Civil) -> Ints:
    before = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])[at.month - 1]
    day: Ints = before + at.day + np.where(at.month > FEBRUARY, _leap(at.year), 0)
    return day


_PARTS: Final[dict[str, Callable[[Civil], Ints]]] = {
    "year": lambda at: at.year,
    "month": lambda at: at.month,
    "day_of_month": lambda at: at.day,
    "day_of_week": lambda at: (at.days + 4) % 7,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "hour": lambda at: at.second // 3600,
    "minute": lambda at: at.second // 60 % 60,
}
NAMES: Final = frozenset(_PARTS)


def date_part(name: str, seconds: Floats) -> Floats:
    """The named part of those times; fractions of seconds are cut off."""
    beyond = ~(np.abs(seconds) < 2.0**63)
    at = _civil(np.where(beyond, 0.0, seconds).astype(np.int64))
    return np.where(beyond, BEYOND[name], _PARTS[name](at))
