"""rate, increase, delta, irate and idelta.

Source: Prometheus, `promql/functions.go`; https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

import numpy as np

from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Mask
from aiops.promql.engine.windows import Walk, Windows

NEAR = 1.1
"""A window's end is covered if the gap to it is below this many average intervals; else half an interval is."""


def rate(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The counter's increase per second."""
    return _increase(windows, rules, windows.range_s)


def increase(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The counter's increase over the range, resets counted, extrapolated to the range's ends."""
    return _increase(windows, rules, 1.0)


def delta(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The gauge's difference over the range, extrapolated to the range's ends."""
    difference, present = _difference(windows)
    if not difference.size or not len(windows.values):
        return difference, present
    return difference * _stretch(windows, np.full(difference.shape, np.inf), rules), present


def irate(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The increase per second between the last two samples."""
    later, earlier, seconds, present = _last_two(windows)
    return np.where(later < earlier, later, later - earlier) / seconds, present


def idelta(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The difference between the last two samples."""
    later, earlier, _, present = _last_two(windows)
    return later - earlier, present


def _increase(windows: Windows, rules: Rules, per_s: float) -> tuple[Floats, Mask]:
    growth, present = _difference(windows)
    if not growth.size or not len(windows.values):
        return growth, present
    growth = _with_resets(windows, growth)
    begin = windows.values[windows.first]
    limited = (growth > 0) & (begin >= 0)
    zero_s = np.where(limited, _sampled_s(windows) * (begin / growth), np.inf)
    return growth * (_stretch(windows, zero_s, rules) / per_s), present


def _difference(windows: Windows) -> tuple[Floats, Mask]:
    if not len(windows.values):
        return np.zeros(windows.low.shape), windows.occupied(2)
    return windows.values[windows.last] - windows.values[windows.first], windows.occupied(2)


def _with_resets(windows: Windows, growth: Floats) -> Floats:
    """Growth plus what each counter had reached before it fell, within each window, one reset after the other."""
    values = windows.values
    fell = np.zeros(len(values), dtype=np.bool_)
    fell[1:] = values[1:] < values[:-1]
    resets = windows.counted(fell)
    if not resets.any():
        return growth
    positions = np.flatnonzero(fell)
    walk = Walk(np.searchsorted(positions, windows.low.ravel() + 1), resets.ravel())
    result = growth.ravel().copy()
    for going, index in walk.steps():
        result[walk.order[:going]] += values[positions[index] - 1]
    return result.reshape(growth.shape)


def _sampled_s(windows: Windows) -> Floats:
    seconds: Floats = (windows.times[windows.last] - windows.times[windows.first]) / 1000
    return seconds


def _stretch(windows: Windows, zero_s: Floats, rules: Rules) -> Floats:
    """By what a difference grows if the window is filled, as far as samples may be expected there.

    `zero_s` is how long before the first sample a counter would have been 0: nothing is extrapolated past that.
    """
    to_start = (windows.times[windows.first] - windows.starts_ms) / 1000
    to_end = (windows.ends_ms - windows.times[windows.last]) / 1000
    sampled = _sampled_s(windows)
    average = sampled / (windows.counts - 1)
    near = average * NEAR
    if rules.limit_to_zero_first:
        to_start = np.where(zero_s < to_start, zero_s, to_start)
    to_start = np.where(to_start < near, to_start, average / 2)
    if not rules.limit_to_zero_first:
        to_start = np.where(zero_s < to_start, zero_s, to_start)
    to_end = np.where(to_end < near, to_end, average / 2)
    factor: Floats = (sampled + to_start + to_end) / sampled
    return factor


def _last_two(windows: Windows) -> tuple[Floats, Floats, Floats, Mask]:
    present = windows.occupied(2)
    if not len(windows.values):
        nothing = np.zeros(windows.low.shape)
        return nothing, nothing, nothing, present
    before = (windows.last - 1).clip(min=0)
    seconds = (windows.times[windows.last] - windows.times[before]) / 1000
    return windows.values[windows.last], windows.values[before], seconds, present
