"""rate, increase, delta, irate and idelta.

Source: Prometheus, `promql/functions.go`; https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

import numpy as np

from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Mask
from aiops.promql.engine.windows import Windows

NEAR = 1.1
"""A window's end is covered if the gap to it is below this many average intervals; else half an interval is."""


def rate(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The counter's increase per second."""
    values, present = increase(windows, rules)
    return values / windows.range_s, present


def increase(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The counter's increase over the range, resets counted, extrapolated to the range's ends."""
    growth, present = _difference(windows)
    if not growth.size or not len(windows.values):
        return growth, present
    growth = growth + _before_resets(windows)
    begin = windows.values[windows.first]
    limited = (growth > 0) & (begin >= 0)
    zero_s = np.where(limited, _sampled_s(windows) * (begin / growth), np.inf)
    return _extrapolated(windows, growth, zero_s, rules), present


def delta(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The gauge's difference over the range, extrapolated to the range's ends."""
    difference, present = _difference(windows)
    if not difference.size or not len(windows.values):
        return difference, present
    return _extrapolated(windows, difference, np.full(difference.shape, np.inf), rules), present


def irate(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The increase per second between the last two samples."""
    later, earlier, seconds, present = _last_two(windows)
    return np.where(later < earlier, later, later - earlier) / seconds, present


def idelta(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The difference between the last two samples."""
    later, earlier, _, present = _last_two(windows)
    return later - earlier, present


def _difference(windows: Windows) -> tuple[Floats, Mask]:
    if not len(windows.values):
        return np.zeros(windows.low.shape), windows.occupied(2)
    return windows.values[windows.last] - windows.values[windows.first], windows.occupied(2)


def _before_resets(windows: Windows) -> Floats:
    """The sum of what each counter had reached before it fell, within each window."""
    values = windows.values
    fell = np.zeros(len(values), dtype=np.bool_)
    fell[1:] = values[1:] < values[:-1]
    resets = windows.counted(fell)
    if not resets.any():
        return np.zeros(resets.shape)
    lost = np.zeros(len(values))
    lost[1:] = np.where(fell[1:], values[:-1], 0.0)
    return np.where(resets > 0, windows.reduced(np.add, lost, skip=1), 0.0)


def _sampled_s(windows: Windows) -> Floats:
    seconds: Floats = (windows.times[windows.last] - windows.times[windows.first]) / 1000
    return seconds


def _extrapolated(windows: Windows, result: Floats, zero_s: Floats, rules: Rules) -> Floats:
    """The result stretched to the window, as far as samples may be expected there.

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
    stretched: Floats = result * ((sampled + to_start + to_end) / sampled)
    return stretched


def _last_two(windows: Windows) -> tuple[Floats, Floats, Floats, Mask]:
    present = windows.occupied(2)
    if not len(windows.values):
        nothing = np.zeros(windows.low.shape)
        return nothing, nothing, nothing, present
    before = (windows.last - 1).clip(min=0)
    seconds = (windows.times[windows.last] - windows.times[before]) / 1000
    return windows.values[windows.last], windows.values[before], seconds, present
