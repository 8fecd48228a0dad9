"""Aggregations that make one series of each group: sum, avg, min, max, count, group, stddev, stdvar and quantile.

Source: https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators; Prometheus,
`promql/engine.go`.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from aiops.promql.engine.compensated import CANCELLATION, add
from aiops.promql.engine.groups import Groups
from aiops.promql.engine.over_time import next_mean
from aiops.promql.engine.quantiles import quantiles
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Vector, inhabited

NOTHING: Final = -0.0
"""What changes no sum: 0 would turn a sum of negative zeros, as Prometheus 2 has it, into a positive one."""


def aggregated(op: str, vector: Vector, groups: Groups, rules: Rules) -> Vector:
    """One series for each group, where it has a sample at all."""
    if not groups.labels:
        return vector
    counts = _reduced(np.add, vector.present.astype(np.int64), groups)
    values = OPERATORS[op](vector, groups, counts, rules)
    return inhabited(Vector(groups.labels, values, counts > 0))


def quantile(vector: Vector, groups: Groups, q: Floats, rules: Rules) -> Vector:
    """The q-quantile of each group."""
    values = np.zeros((len(groups.labels), vector.values.shape[1]))
    present = np.zeros(values.shape, dtype=np.bool_)
    if not groups.labels:
        return vector
    for group, rows in enumerate(groups.members()):
        there = vector.present[rows].T
        samples = np.where(there, vector.values[rows].T, np.nan)
        counts = there.sum(axis=1)
        nans = (there & np.isnan(samples)).sum(axis=1)
        values[group] = quantiles(q, np.sort(samples, axis=1), counts, nans, rules)
        present[group] = counts > 0
    return inhabited(Vector(groups.labels, values, present))


def _reduced(ufunc: np.ufunc, values: Floats | Ints, groups: Groups) -> Ints:
    reduced: Ints = ufunc.reduceat(values[groups.order], groups.starts, axis=0)
    return reduced


def _sum(vector: Vector, groups: Groups, _counts: Ints, rules: Rules) -> Floats:
    terms = np.where(vector.present, vector.values, NOTHING)
    sums: Floats = np.asarray(_reduced(np.add, terms, groups), dtype=np.float64)
    error = np.zeros(sums.shape)
    if (_reduced(np.add, np.abs(terms), groups) <= np.abs(sums) * CANCELLATION).all():
        return sums + error if rules.compensated_sums else sums
    total = np.full(sums.shape, NOTHING)
    for rows, own in groups.rounds():
        new_total, new_error = add(terms[rows], total[own], error[own], rules)
        total[own], error[own] = new_total, new_error
    return total + error if rules.compensated_sums else total


def _avg(vector: Vector, groups: Groups, counts: Ints, rules: Rules) -> Floats:
    terms = np.where(vector.present, vector.values, NOTHING)
    sums: Floats = np.asarray(_reduced(np.add, terms, groups), dtype=np.float64)
    mass = np.asarray(_reduced(np.add, np.abs(terms), groups))
    if ((mass <= np.abs(sums) * CANCELLATION) & np.isfinite(mass)).all():
        # A single negative zero stays one in Prometheus 2.
        return sums / counts + np.where((counts == 1) & (not rules.compensated_sums), NOTHING, 0.0)
    return _compensated_mean(vector, groups, rules) if rules.compensated_sums else _running_mean(vector, groups)


def _compensated_mean(vector: Vector, groups: Groups, rules: Rules) -> Floats:
    shape = (len(groups.labels), vector.values.shape[1])
    total, error, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    carried = np.zeros(shape, dtype=np.bool_)
    for rows, own in groups.rounds():
        there, value = vector.present[rows], vector.values[rows]
        now = count[own] + 1
        first = now == 1
        moved = next_mean(value, now, (total[own], error[own], carried[own]), rules)
        total[own] = np.where(there, np.where(first, value, moved[0]), total[own])
        error[own] = np.where(there & ~first, moved[1], error[own])
        carried[own] = np.where(there & ~first, moved[2], carried[own])
        count[own] = np.where(there, now, count[own])
    return np.where(carried, total + error, total / count + error / count)


def _running_mean(vector: Vector, groups: Groups) -> Floats:
    """As Prometheus 2 did it; an infinite mean stays, unless NaN or its opposite comes."""
    shape = (len(groups.labels), vector.values.shape[1])
    mean, count = np.zeros(shape), np.zeros(shape)
    for rows, own in groups.rounds():
        there, value, before = vector.present[rows], vector.values[rows], mean[own]
        now = count[own] + 1
        stays = np.isinf(before) & ((np.isinf(value) & ((before > 0) == (value > 0))) | np.isfinite(value))
        moved = np.where(now == 1, value, before + (value / now - before / now))
        mean[own] = np.where(there & ~stays, moved, before)
        count[own] = np.where(there, now, count[own])
    return mean


def _stdvar(vector: Vector, groups: Groups, counts: Ints, rules: Rules) -> Floats:
    """By Welford's recurrence, without compensation."""
    shape = (len(groups.labels), vector.values.shape[1])
    mean, squares, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for rows, own in groups.rounds():
        there, value, before = vector.present[rows], vector.values[rows], mean[own]
        now = count[own] + 1
        first = now == 1
        gap = value - before
        moved = before + gap / now
        start = np.where(np.isfinite(value) | rules.single_nan_deviates, 0.0, np.nan)
        squares[own] = np.where(there, np.where(first, start, squares[own] + gap * (value - moved)), squares[own])
        mean[own] = np.where(there, np.where(first, value, moved), before)
        count[own] = np.where(there, now, count[own])
    return squares / counts


def _stddev(vector: Vector, groups: Groups, counts: Ints, rules: Rules) -> Floats:
    return np.sqrt(_stdvar(vector, groups, counts, rules))


def _extreme(ufunc: np.ufunc) -> Callable[[Vector, Groups, Ints, Rules], Floats]:
    def reduce(vector: Vector, groups: Groups, _counts: Ints, _rules: Rules) -> Floats:
        found = np.asarray(_reduced(ufunc, np.where(vector.present, vector.values, np.nan), groups), dtype=np.float64)
        zeros = vector.present & (vector.values == 0)
        if np.signbit(vector.values[zeros]).any():
            # Of equals the first stays, and zeros of both signs are equal.
            for rows, own in reversed(list(groups.rounds())):
                found[own] = np.where(zeros[rows] & (found[own] == 0), vector.values[rows], found[own])
        return found

    return reduce


def _count(_vector: Vector, _groups: Groups, counts: Ints, _rules: Rules) -> Floats:
    return counts.astype(np.float64)


def _group(_vector: Vector, _groups: Groups, counts: Ints, _rules: Rules) -> Floats:
    return np.ones(counts.shape)


OPERATORS: Final[dict[str, Callable[[Vector, Groups, Ints, Rules], Floats]]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(np.fmin),
    "max": _extreme(np.fmax),
    "count": _count,
    "group": _group,
    "stddev": _stddev,
    "stdvar": _stdvar,
}
