"""rate, increase, delta, irate and idelta.

Source: Prometheus, `promql/functions.go`; https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

import numpy as np
from msgspec import Struct

from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Mask
from aiops.promql.engine.windows import Walk, Windows

NEAR = 1.1
"""A window's end is covered if the gap to it is below this many average intervals; else half an interval is."""


class Ends(Struct, frozen=True, eq=False):
    """The first and last sample of each window; anything where a window has less than two."""

    first: Floats
    last: Floats
    first_ms: Floats
    last_ms: Floats

    @property
    def sampled_s(self) -> Floats:
        """The time between them."""
        seconds: Floats = (self.last_ms - self.first_ms) / 1000
        return seconds


def rate(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The counter's increase per second."""
    return _increase(windows, rules, windows.range_s), windows.occupied(2)


def increase(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The counter's increase over the range, resets counted, extrapolated to the range's ends."""
    return _increase(windows, rules, 1.0), windows.occupied(2)


def delta(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The gauge's difference over the range, extrapolated to the range's ends."""
    ends = _ends(windows)
    return (ends.last - ends.first) * _stretch(windows, ends, None, rules), windows.occupied(2)


def irate(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The increase per second between the last two samples."""
    two = _last_two(windows)
    return np.where(two.last < two.first, two.last, two.last - two.first) / two.sampled_s, windows.occupied(2)


def idelta(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The difference between the last two samples."""
    two = _last_two(windows)
    return two.last - two.first, windows.occupied(2)


def _ends(windows: Windows) -> Ends:
    if not len(windows.values):
        return _no_ends(windows)
    # Milliseconds since 1970 are exact in a float, and so are their differences.
    ms = windows.times.astype(np.float64)
    first, last = windows.first, windows.last
    return Ends(windows.values[first], windows.values[last], ms[first], ms[last])


def _last_two(windows: Windows) -> Ends:
    if not len(windows.values):
        return _no_ends(windows)
    ms = windows.times.astype(np.float64)
    last = windows.last
    before = (last - 1).clip(min=0)
    return Ends(windows.values[before], windows.values[last], ms[before], ms[last])


def _no_ends(windows: Windows) -> Ends:
    nothing = np.zeros(windows.low.shape)
    return Ends(nothing, nothing, nothing, nothing)


def _increase(windows: Windows, rules: Rules, per_s: float) -> Floats:
    ends = _ends(windows)
    growth = _with_resets(windows, ends.last - ends.first)
    counts_up = (growth > 0) & (ends.first >= 0)
    zero_s = np.where(counts_up, ends.sampled_s * (ends.first / growth), np.inf)
    result: Floats = growth * (_stretch(windows, ends, zero_s, rules) / per_s)
    return result


def _with_resets(windows: Windows, growth: Floats) -> Floats:
    """Growth plus what each counter had reached before it fell, within each window, one reset after the other."""
    values = windows.values
    falls = np.flatnonzero(values[1:] < values[:-1]) + 1
    if not len(falls):
        return growth
    first = np.searchsorted(falls, windows.low.ravel() + 1)
    resets = (np.searchsorted(falls, windows.high.ravel()) - first).clip(min=0)
    walk = Walk(first, resets)
    result = growth.ravel().copy()
    for going, index in walk.steps():
        result[walk.order[:going]] += values[falls[index] - 1]
    return result.reshape(growth.shape)


def _stretch(windows: Windows, ends: Ends, zero_s: Floats | None, rules: Rules) -> Floats:
    """By what a difference grows if the window is filled, as far as samples may be expected there.

    `zero_s` is how long before the first sample a counter would have been 0: nothing is extrapolated past that.
    """
    to_start = (ends.first_ms - windows.starts_ms) / 1000
    to_end = (windows.ends_ms - ends.last_ms) / 1000
    sampled = ends.sampled_s
    average = sampled / (windows.counts - 1)
    near = average * NEAR
    if zero_s is not None and rules.limit_to_zero_first:
        to_start = np.where(zero_s < to_start, zero_s, to_start)
    to_start = np.where(to_start < near, to_start, average / 2)
    if zero_s is not None and not rules.limit_to_zero_first:
        to_start = np.where(zero_s < to_start, zero_s, to_start)
    to_end = np.where(to_end < near, to_end, average / 2)
    factor: Floats = (sampled + to_start + to_end) / sampled
    return factor
