"""A robust baseline of a series, and what departs from it.

Expected value: the median of what was seen before, by time of day where at least two days of the past cover it, else
of a trailing window. Scale: the median absolute deviation times 1.4826, which is the standard deviation of normal
data (F. R. Hampel, "The influence curve and its role in robust estimation", 1974), widened where few points were seen
and never below what the series does all the time: its typical step, and a small share of its size.

A history that hardly ever changed has no deviation to measure with, so nothing is divided by one: leaving it counts as
`STEADY_Z`, or less where the change is small beside the value, and whoever words it says how long it had stood still.

Causal: a point is judged by points before it alone. The unit of a series makes no difference. Nothing is said about
what a departure means.
"""

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

MAD_TO_SIGMA: Final = 1.4826
DAY_S: Final = 86_400
MIN_HISTORY: Final = 12  # below this many points, nothing is said
WINDOW: Final = 240  # points of the trailing window
SEASONS: Final = 2  # days of past that make the time of day worth looking at
MAX_SEASONS: Final = 14  # days of past that are looked at
SEASON_NEIGHBOURS: Final = 2  # steps to either side of the same time on an earlier day
MIN_PER_DAY: Final = 24  # with fewer points, the neighbours of a time of day are another time of day
RELATIVE_FLOOR: Final = 0.005  # of the expected size: below it, a difference is not worth a word
# The MAD has 37 % of the mean's efficiency in its scale (P. J. Rousseeuw, C. Croux, "Alternatives to the median
# absolute deviation", 1993): n points are worth 0.37 n degrees of freedom. The first term of the expansion of Student's
# quantiles around the normal ones, (z² + 1) / (4 * 0.37 n), is 5 / n between the contract's thresholds.
FEW_POINTS: Final = 5.0
# What changes at fewer than one point in twenty, or fewer times than two excursions and back, is steady.
CHANGING_SHARE: Final = 0.05
CHANGING_TIMES: Final = 4
SAME: Final = 1e-9  # of the expected size: what is closer is the same value, come about by another addition
STEADY_Z: Final = 6.0  # an anomaly at every sensitivity and never the worst: nothing measured says how large is large
MAX_Z: Final = 20.0  # beyond it, the number only tells how quiet the past was
_BLOCK: Final = 1024  # points judged at once: keeps the windows of a long series in a few megabytes


class Baseline(Struct, frozen=True):
    """Per point: what was expected, and how far off it was in robust standard deviations; NaN = no verdict.

    `known` points stood behind the verdict. Where `steady` is set, `same` of them were the expected value and `z` is
    no count of deviations. `seasonal` points were compared with the same time on earlier days.
    """

    expected: Floats
    scale: Floats
    z: Floats
    known: Counts
    same: Counts
    steady: Flags
    seasonal: Flags


def baseline(values: Floats, step_s: float) -> Baseline:
    """The baseline of one series of equally spaced points; NaN marks a gap."""
    exponent = _exponent(values)
    scaled = np.ldexp(values, -exponent)
    parts = [
        _judge(scaled, rows, step_s) for rows in np.split(np.arange(len(values)), range(_BLOCK, len(values), _BLOCK))
    ]
    expected, scale, z, known, same, steady, seasonal = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Baseline(
        np.ldexp(expected, exponent), np.ldexp(scale, exponent), z, known, same, steady=steady, seasonal=seasonal
    )


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


def _exponent(values: Floats) -> int:
    """The power of two next to the largest value: dividing by it is exact and keeps every sum in range."""
    largest = np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
    return int(np.frexp(largest)[1])


def _judge(scaled: Floats, rows: Counts, step_s: float) -> tuple[NDArray[Any], ...]:
    """The verdicts on some points, in the order of `Baseline`."""
    past = _before(scaled, rows)
    days = _same_time(scaled, rows, step_s)
    seasonal = np.isfinite(days).sum(axis=1) >= SEASONS * (2 * SEASON_NEIGHBOURS + 1)
    if seasonal.any():
        past[seasonal] = np.nan
        past[seasonal, : days.shape[1]] = days[seasonal]
    known = np.isfinite(past).sum(axis=1)
    expected = _median(past, known)
    tolerance = SAME * np.abs(expected)
    off = np.abs(past - expected[:, None])
    same = (off <= tolerance[:, None]).sum(axis=1)
    step = _typical_step(_before(np.abs(np.diff(scaled, prepend=np.nan)), rows), tolerance)

    said = seasonal | (known >= MIN_HISTORY)
    steady = said & (2 * same >= known) & (step == 0)
    spread = np.maximum(MAD_TO_SIGMA * _median(off, known), step)
    scale = np.maximum(np.where(steady, 0.0, spread), RELATIVE_FLOOR * np.abs(expected))
    scale[~steady] *= 1 + FEW_POINTS / np.maximum(known[~steady], 1)
    z = _ratio(scaled[rows] - expected, scale, tolerance, np.where(steady, STEADY_Z, MAX_Z))
    blank = np.where(said, 0.0, np.nan)
    return expected + blank, scale + blank, z + blank, known, same, steady, seasonal


def _before(scaled: Floats, rows: Counts) -> Floats:
    """The trailing window of each row, which ends before it."""
    padded = np.concatenate([np.full(WINDOW, np.nan), scaled])
    return sliding_window_view(padded, WINDOW)[rows]


def _same_time(scaled: Floats, rows: Counts, step_s: float) -> Floats:
    """For each row, the same time of earlier days and its neighbours; NaN where there is no such point."""
    per_day = DAY_S / step_s
    if per_day < MIN_PER_DAY:
        return np.full((len(rows), 1), np.nan)
    days = np.arange(1, min(MAX_SEASONS, int(len(scaled) / per_day)) + 1)
    around = np.arange(-SEASON_NEIGHBOURS, SEASON_NEIGHBOURS + 1)
    back = np.add.outer(-np.rint(days * per_day).astype(np.int64), around).ravel()
    index = np.add.outer(rows, back)
    return np.where(index >= 0, scaled[np.maximum(index, 0)], np.nan)


def _median(windows: Floats, known: Counts) -> Floats:
    """The median of each row's finite values; NaN where it has none."""
    ordered = np.sort(windows, axis=1)  # puts NaN last
    middles = np.stack([np.maximum(known - 1, 0) // 2, known // 2], axis=1)
    found: Floats = np.take_along_axis(ordered, middles, axis=1).mean(axis=1)
    return found


def _typical_step(changes: Floats, tolerance: Floats) -> Floats:
    """The median size of the changes from point to point; 0 where it hardly ever changes."""
    changed = changes > tolerance[:, None]
    times = changed.sum(axis=1)
    often = times >= np.maximum(CHANGING_TIMES, CHANGING_SHARE * np.isfinite(changes).sum(axis=1))
    return np.where(often, _median(np.where(changed, changes, np.nan), times), 0.0)


def _ratio(off: Floats, scale: Floats, tolerance: Floats, most: Floats) -> Floats:
    """How many scales off, at most so many; a scale of 0 is left by any difference at all."""
    differs = np.abs(off) > tolerance
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = np.clip(off / scale, -most, most)
    return np.where(np.isnan(off), np.nan, np.where(differs, z, 0.0))
