"""Functions that reduce each window to one number: the `_over_time` family, changes, resets and integral.

Source: Prometheus, `promql/functions.go`.
"""

import numpy as np

from aiops.promql.engine.compensated import CANCELLATION, Totals, add
from aiops.promql.engine.quantiles import quantiles
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Mask
from aiops.promql.engine.windows import Windows


def count_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """How many samples there are."""
    return windows.counts.astype(np.float64), windows.occupied()


def present_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """1 where there is a sample."""
    return np.ones(windows.low.shape), windows.occupied()


def first_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The oldest sample."""
    return _picked(windows, windows.values, last=False), windows.occupied()


def last_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The newest sample."""
    return _picked(windows, windows.values, last=True), windows.occupied()


def ts_of_first_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """When the oldest sample is."""
    return _picked(windows, windows.times / 1000, last=False), windows.occupied()


def ts_of_last_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """When the newest sample is."""
    return _picked(windows, windows.times / 1000, last=True), windows.occupied()


def max_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The greatest number; NaN only if there is no other."""
    return _extreme(windows, np.fmax), windows.occupied()


def min_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """The least number; NaN only if there is no other."""
    return _extreme(windows, np.fmin), windows.occupied()


def ts_of_max_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """When the greatest number is, the last time of several."""
    return _time_of(windows, windows.reduced(np.fmax, windows.values)), windows.occupied()


def ts_of_min_over_time(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """When the least number is, the last time of several."""
    return _time_of(windows, windows.reduced(np.fmin, windows.values)), windows.occupied()


def changes(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """How often the value is another one than before; NaN after NaN is none."""
    values = windows.values
    changed = np.zeros(len(values), dtype=np.bool_)
    changed[1:] = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return windows.counted(changed).astype(np.float64), windows.occupied()


def resets(windows: Windows, _rules: Rules) -> tuple[Floats, Mask]:
    """How often the value is less than before."""
    fell = np.zeros(len(windows.values), dtype=np.bool_)
    fell[1:] = windows.values[1:] < windows.values[:-1]
    return windows.counted(fell).astype(np.float64), windows.occupied()


def sum_over_time(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The sum."""
    plain = windows.reduced(np.add, windows.values)
    if (windows.reduced(np.add, np.abs(windows.values)) <= np.abs(plain) * CANCELLATION).all():
        return plain + 0.0, windows.occupied()
    walk = windows.walk()
    totals = Totals(walk.size, rules)
    for _, index in walk.steps():
        totals.add(windows.values[index])
    sums = np.where(np.isinf(totals.total), totals.total, totals.sums())
    return walk.spread(sums).reshape(windows.low.shape), windows.occupied()


def avg_over_time(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The mean."""
    sums, present = sum_over_time(windows, rules)
    unsound = ~np.isfinite(sums) & present
    if not rules.compensated_sums and (unsound.any() or not _one_sign(windows.values)):
        return _running_mean(windows, rules), present
    means = sums / windows.counts
    if unsound.any():
        means = np.where(unsound, _mean_past_overflow(windows, rules), means)
    return means, present


def stdvar_over_time(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The population's variance."""
    walk = windows.walk()
    mean, squares = Totals(walk.size, rules), Totals(walk.size, rules)
    count = np.zeros(walk.size)
    for position, (going, index) in enumerate(walk.steps(), start=1):
        value = windows.values[index]
        gap = value - mean.sums(going)
        mean.add(gap / position)
        squares.add(gap * (value - mean.sums(going)))
        count[:going] = position
    return walk.spread(squares.sums() / count).reshape(windows.low.shape), windows.occupied()


def stddev_over_time(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The population's standard deviation."""
    variance, present = stdvar_over_time(windows, rules)
    return np.sqrt(variance), present


def quantile_over_time(windows: Windows, rules: Rules, q: Floats) -> tuple[Floats, Mask]:
    """The q-quantile."""
    result = np.zeros(windows.low.size)
    columns = windows.low.shape[1]
    for positions, samples in windows.by_length():
        result[positions] = _quantile_rows(q[positions % columns], samples, rules)
    return result.reshape(windows.low.shape), windows.occupied()


def mad_over_time(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The median absolute deviation; NaN if any sample is."""
    result = np.zeros(windows.low.size)
    for positions, samples in windows.by_length():
        half = np.full(len(samples), 0.5)
        gaps = np.abs(samples - _quantile_rows(half, samples, rules)[:, None])
        result[positions] = np.where(np.isnan(samples).any(axis=1), np.nan, _quantile_rows(half, gaps, rules))
    return result.reshape(windows.low.shape), windows.occupied()


def integral(windows: Windows, rules: Rules, strategy: Floats | None = None) -> tuple[Floats, Mask]:
    """The area under the samples: of left points (0), right points (1) or trapezoids (2, as for any other number).

    NaN counts as 0.
    """
    rule = np.full(len(windows.at_ms), 2.0) if strategy is None else strategy
    walk = windows.walk()
    own = rule[walk.order % max(len(rule), 1)]
    area = Totals(walk.size, rules)
    before = np.zeros(walk.size, dtype=np.int64)
    numbers = np.nan_to_num(windows.values, nan=0.0, posinf=np.inf, neginf=-np.inf)
    for position, (going, index) in enumerate(walk.steps()):
        if position:
            left, right = numbers[before[:going]], numbers[index]
            both, rest = _halved_sum(left, right, rules)
            left_or_right = (own[:going] == 0) | (own[:going] == 1)
            height = np.where(left_or_right, np.where(own[:going] == 0, left, right), both)
            seconds = (windows.times[index] - windows.times[before[:going]]) / 1000
            area.error[:going] += np.where(left_or_right, 0.0, rest * seconds)
            area.add(np.where(height == 0, 0.0, height * seconds))
        before[:going] = index
    sums = np.where(np.isinf(area.total), area.total, area.sums())
    return walk.spread(sums).reshape(windows.low.shape), windows.occupied()


def _halved_sum(left: Floats, right: Floats, rules: Rules) -> tuple[Floats, Floats]:
    """The mean of two, and its rounding error; halved first where the sum is too great for a float."""
    total, error = add(right, left, np.zeros(left.shape), rules)
    total, error = total / 2, error / 2
    beyond = np.isinf(total) & np.isfinite(left) & np.isfinite(right)
    return np.where(beyond, left / 2 + right / 2, total), error


def _picked(windows: Windows, values: Floats, *, last: bool) -> Floats:
    if not len(values):
        return np.zeros(windows.low.shape)
    picked: Floats = values[windows.last if last else windows.first]
    return picked


def _extreme(windows: Windows, ufunc: np.ufunc) -> Floats:
    """Of equals the first, and zeros of both signs are equal."""
    found = windows.reduced(ufunc, windows.values)
    zeros = np.flatnonzero(windows.values == 0)
    if np.signbit(windows.values[zeros]).any():
        first = zeros[np.searchsorted(zeros, windows.low).clip(max=len(zeros) - 1)]
        found = np.where(found == 0, windows.values[first], found)
    return found


def _time_of(windows: Windows, wanted: Floats) -> Floats:
    """The time of the last sample that has the wanted value; of the last sample where the wanted value is NaN."""
    walk = windows.walk()
    target = wanted.ravel()[walk.order]
    found = np.zeros(walk.size)
    for going, index in walk.steps():
        here = (windows.values[index] == target[:going]) | np.isnan(target[:going])
        found[:going] = np.where(here, windows.times[index] / 1000, found[:going])
    return walk.spread(found).reshape(windows.low.shape)


def _quantile_rows(q: Floats, samples: Floats, rules: Rules) -> Floats:
    counts = np.full(len(samples), samples.shape[1], dtype=np.int64)
    return quantiles(q, np.sort(samples, axis=1), counts, np.isnan(samples).sum(axis=1), rules)


def _one_sign(values: Floats) -> bool:
    return bool((values >= 0).all() or (values <= 0).all())


def _running_mean(windows: Windows, rules: Rules) -> Floats:
    """The mean as Prometheus 2 carried it from sample to sample; an infinite mean stays unless NaN or its opposite."""
    walk = windows.walk()
    mean = Totals(walk.size, rules)
    for position, (going, index) in enumerate(walk.steps(), start=1):
        value, now = windows.values[index], mean.total[:going]
        stays = np.isinf(now) & ((np.isinf(value) & ((now > 0) == (value > 0))) | np.isfinite(value))
        total, error = add(value / position - now / position, now, mean.error[:going], rules)
        mean.error[:going] = np.where(stays, mean.error[:going], error)
        mean.total[:going] = np.where(stays, now, total)
    result = np.where(np.isinf(mean.total), mean.total, mean.sums())
    return walk.spread(result).reshape(windows.low.shape)


def _mean_past_overflow(windows: Windows, rules: Rules) -> Floats:
    """The mean where the sum is too great for a float: carried from sample to sample once the sum would overflow."""
    walk = windows.walk()
    total, error = np.zeros(walk.size), np.zeros(walk.size)
    carried = np.zeros(walk.size, dtype=np.bool_)
    count = np.zeros(walk.size)
    for position, (going, index) in enumerate(walk.steps(), start=1):
        value, here = windows.values[index], slice(going)
        if position == 1:
            total[here] = value
        else:
            total[here], error[here], carried[here] = next_mean(
                value, position, (total[here], error[here], carried[here]), rules
            )
        count[here] = position
    return walk.spread(np.where(carried, total + error, total / count + error / count)).reshape(windows.low.shape)


def next_mean(
    value: Floats, count: Floats | int, state: tuple[Floats, Floats, Mask], rules: Rules
) -> tuple[Floats, Floats, Mask]:
    """One more value in a mean: `state` is a sum, its error and where it has turned into a carried mean.

    A sum that would become infinite is divided by its count and carried on as a mean.
    """
    total, error, carried = state
    summed, summed_error = add(value, total, error, rules)
    turns = ~carried & np.isinf(summed)
    mean = np.where(turns, total / (count - 1), total)
    mean_error = np.where(turns, error / (count - 1), error)
    share = (count - 1) / count
    moved, moved_error = add(value / count, share * mean, share * mean_error, rules)
    carried = carried | turns
    return np.where(carried, moved, summed), np.where(carried, moved_error, summed_error), carried
