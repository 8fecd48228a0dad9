"""A robust baseline of one or many series, and what departs from it.

Expected value: the median of what was seen before, by time of day where at least two days of the past cover it, else
of a trailing window. Scale: the median absolute deviation times 1.4826, which is the standard deviation of normal
data (F. R. Hampel, "The influence curve and its role in robust estimation", 1974), never below a small share of the
series' own size, so that a constant series has no anomalies and a jump out of one is an anomaly. Causal: a point is
judged by points before it alone.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAD_TO_SIGMA: Final = 1.4826
DAY_S: Final = 86_400
MIN_HISTORY: Final = 12  # below this many points, nothing is said
WINDOW: Final = 240  # points of the trailing window
SEASONS: Final = 2  # days of past that make the time of day worth looking at
SEASON_NEIGHBOURS: Final = 2  # steps to either side of the same time on an earlier day
RELATIVE_FLOOR: Final = 0.005  # of the series' median size: below it, a difference is not worth a word
ABSOLUTE_FLOOR: Final = 1e-9


class Baseline(Struct, frozen=True):
    """Per point: what was expected, and how far off it was in robust standard deviations; NaN = no verdict."""

    expected: Floats
    scale: Floats
    z: Floats
    seasonal: bool


def baseline(values: Floats, step_s: float) -> Baseline:
    """The baseline of one series of equally spaced points; NaN marks a gap."""
    size = len(values)
    expected = np.full(size, np.nan)
    scale = np.full(size, np.nan)
    per_day = round(DAY_S / step_s)
    seasonal = per_day > 1 and size >= SEASONS * per_day + MIN_HISTORY
    for now in range(MIN_HISTORY, size):
        past = _past(values, now, per_day, seasonal=seasonal)
        past = past[np.isfinite(past)]
        if len(past) < min(MIN_HISTORY, SEASONS * (2 * SEASON_NEIGHBOURS + 1)):
            continue
        middle = float(np.median(past))
        spread = MAD_TO_SIGMA * float(np.median(np.abs(past - middle)))
        expected[now] = middle
        scale[now] = max(spread, RELATIVE_FLOOR * abs(middle), ABSOLUTE_FLOOR)
    with np.errstate(invalid="ignore"):
        z = (values - expected) / scale
    return Baseline(expected, scale, np.where(np.isfinite(z), z, np.nan), seasonal)


def _past(values: Floats, now: int, per_day: int, *, seasonal: bool) -> Floats:
    """What a point is compared with: the same time on earlier days, else the trailing window."""
    if seasonal and now >= SEASONS * per_day:
        days = now // per_day
        parts = [
            values[max(0, now - day * per_day - SEASON_NEIGHBOURS) : now - day * per_day + SEASON_NEIGHBOURS + 1]
            for day in range(1, days + 1)
        ]
        return np.concatenate(parts)
    return values[max(0, now - WINDOW) : now]


def runs(z: Floats, threshold: float) -> list[tuple[int, int]]:
    """Spans of points beyond the threshold, each `(first, last)`; one calm point does not end a span."""
    beyond = np.flatnonzero(np.abs(np.nan_to_num(z)) >= threshold)
    spans: list[tuple[int, int]] = []
    for index in beyond.tolist():
        if spans and index - spans[-1][1] <= 2:  # noqa: PLR2004 - at most one calm point between
            spans[-1] = (spans[-1][0], index)
        else:
            spans.append((index, index))
    return spans
