"""Functions that fit a trend to a window: deriv, predict_linear and double exponential smoothing.

Source: Prometheus, `promql/functions.go`; simple linear regression by least squares.
"""

import numpy as np

from aiops.promql.engine.compensated import Totals
from aiops.promql.engine.errors import InvalidParameter
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Mask
from aiops.promql.engine.windows import Walk, Windows


def deriv(windows: Windows, rules: Rules) -> tuple[Floats, Mask]:
    """The slope per second of a straight line through the window."""
    walk = windows.walk()
    origins = windows.times[windows.low.ravel()[walk.order]]
    slope, _ = _line(windows, walk, origins, rules)
    return walk.spread(slope).reshape(windows.low.shape), windows.occupied(2)


def predict_linear(windows: Windows, rules: Rules, ahead_s: Floats) -> tuple[Floats, Mask]:
    """Where a straight line through the window will be in so many seconds."""
    walk = windows.walk()
    columns = walk.order % max(windows.low.shape[1], 1)
    slope, intercept = _line(windows, walk, windows.at_ms[columns], rules)
    ahead = slope * ahead_s[columns] + intercept
    return walk.spread(ahead).reshape(windows.low.shape), windows.occupied(2)


def smoothed(windows: Windows, _rules: Rules, smoothing: Floats, trend: Floats) -> tuple[Floats, Mask]:
    """Double exponential smoothing: `holt_winters` before Prometheus 3, `double_exponential_smoothing` since."""
    asked = windows.occupied().any(axis=0)
    for name, factor, short in (("smoothing", smoothing, "sf"), ("trend", trend, "tf")):
        wrong = asked & ((factor <= 0) | (factor >= 1))
        if wrong.any():
            got = factor[np.argmax(wrong)]
            raise InvalidParameter(f"invalid {name} factor. Expected: 0 < {short} < 1, got: {got:f}")
    walk = windows.walk()
    columns = walk.order % max(windows.low.shape[1], 1)
    sf, tf = smoothing[columns], trend[columns]
    level, before, slope = np.zeros(walk.size), np.zeros(walk.size), np.zeros(walk.size)
    for position, (going, index) in enumerate(walk.steps()):
        here = slice(going)
        value = windows.values[index]
        if position == 0:
            level[here] = value
            continue
        if position == 1:
            slope[here] = value - level[here]
        else:
            slope[here] = tf[here] * (level[here] - before[here]) + (1 - tf[here]) * slope[here]
        before[here], level[here] = (
            level[here].copy(),
            sf[here] * value + (1 - sf[here]) * (level[here] + slope[here]),
        )
    return walk.spread(level).reshape(windows.low.shape), windows.occupied(2)


def _line(windows: Windows, walk: Walk, origins_ms: Ints, rules: Rules) -> tuple[Floats, Floats]:
    """Slope per second, and the value at the origin, for each window of the walk."""
    sum_x, sum_y, sum_xy, sum_xx = (Totals(walk.size, rules) for _ in range(4))
    count = np.zeros(walk.size)
    first = np.zeros(walk.size)
    constant = np.ones(walk.size, dtype=np.bool_)
    for position, (going, index) in enumerate(walk.steps()):
        x = (windows.times[index] - origins_ms[:going]) / 1000
        y = windows.values[index]
        if position == 0:
            first[:going] = y
        else:
            constant[:going] &= y == first[:going]
        count[:going] += 1
        sum_x.add(x)
        sum_y.add(y)
        sum_xy.add(x * y)
        sum_xx.add(x * x)
    n, xs, ys = count, sum_x.sums(), sum_y.sums()
    slope = (sum_xy.sums() - xs * ys / n) / (sum_xx.sums() - xs * xs / n)
    intercept = ys / n - slope * xs / n
    flat = np.where(np.isinf(first), np.nan, 0.0)
    return np.where(constant, flat, slope), np.where(constant, first + flat, intercept)
