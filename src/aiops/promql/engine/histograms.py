"""Quantiles and fractions of classic histograms, whose buckets are series with an upper bound in `le`.

Source: Prometheus, `promql/quantile.go`. Native histograms are not evaluated.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from aiops.promql.engine.labels import Labels, value_of, with_label, without
from aiops.promql.engine.numbers import bound_number, open_metrics_text
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Mask, Vector, empty_vector, renamed, unnamed

BOUND: Final = "le"
NOISE: Final = 1e-12
SMALLEST_NORMAL: Final = float(np.finfo(np.float64).tiny)


class Buckets(Struct, frozen=True, eq=False):
    """One histogram at some of the steps: ascending, distinct bounds (at least one), and counts of bounds by steps."""

    bounds: Floats
    counts: Floats
    steps: Ints


def histogram_quantile(vector: Vector, q: Floats, rules: Rules) -> Vector:
    """The q-quantile of each histogram."""
    return _each(vector, lambda buckets: _quantile(buckets, q[buckets.steps], rules), rules)


def histogram_quantiles(vector: Vector, label: str, qs: Sequence[Floats], rules: Rules) -> Vector:
    """Several quantiles of each histogram, told apart by a label."""
    parts: list[Vector] = []
    for q in qs:
        own = histogram_quantile(vector, q, rules)
        # One row for each value that the quantile takes over the steps.
        for value in np.unique(q, equal_nan=True):
            here = (q == value) | (np.isnan(q) & np.isnan(value))
            told = tuple(with_label(one, label, open_metrics_text(float(value))) for one in own.labels)
            parts.append(Vector(told, own.values, own.present & here))
    if not parts:
        return empty_vector(vector.values.shape[1])
    labels = tuple(labels for part in parts for labels in part.labels)
    values = np.concatenate([part.values for part in parts])
    return renamed(Vector(labels, values, np.concatenate([part.present for part in parts])), labels)


def histogram_fraction(vector: Vector, lower: Floats, upper: Floats, rules: Rules) -> Vector:
    """Which part of each histogram's observations lies between two values."""
    if not rules.classic_fractions:
        return empty_vector(vector.values.shape[1])
    return _each(vector, lambda buckets: _fraction(buckets, lower[buckets.steps], upper[buckets.steps]), rules)


def _each(vector: Vector, reduce: Callable[[Buckets], Floats], rules: Rules) -> Vector:
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = bound_number(value_of(labels, BOUND))
        if bound is not None:
            histograms.setdefault(without(labels, frozenset({BOUND})), []).append((bound, row))
    values = np.zeros((len(histograms), vector.values.shape[1]))
    present = np.zeros(values.shape, dtype=np.bool_)
    for target, rows in enumerate(histograms.values()):
        for buckets in _patterns(vector, sorted(rows)):
            values[target, buckets.steps] = reduce(buckets)
            present[target, buckets.steps] = True
    return unnamed(Vector(tuple(histograms), values, present), rules.dropped_labels)


def _patterns(vector: Vector, rows: list[tuple[float, int]]) -> Iterator[Buckets]:
    """The histogram at all steps that have the same buckets, for each such set of buckets."""
    index = np.array([row for _, row in rows], dtype=np.int64)
    bounds = np.array([bound for bound, _ in rows])
    there = vector.present[index]
    if not there.size:
        return
    patterns, kinds = (
        (there[:, :1], np.zeros(there.shape[1], dtype=np.int64))
        if there.all()
        else np.unique(there, axis=1, return_inverse=True)
    )
    kinds = kinds.ravel()
    for kind in range(patterns.shape[1]):
        chosen = np.flatnonzero(patterns[:, kind])
        if not len(chosen):
            continue
        steps = np.flatnonzero(kinds == kind)
        distinct, starts = np.unique(bounds[chosen], return_index=True)
        counts = np.add.reduceat(vector.values[np.ix_(index[chosen], steps)], starts, axis=0)
        yield Buckets(distinct, counts, steps)


def _quantile(buckets: Buckets, q: Floats, rules: Rules) -> Floats:
    bounds = buckets.bounds
    last = len(bounds) - 1
    if not np.isposinf(bounds[last]) or last < 1:
        # One bucket, or none that holds all observations, says nothing; a quantile out of range is still told.
        result = np.full(q.shape, np.nan)
    else:
        counts = _monotonic(buckets.counts, rules)
        rank = q * counts[last]
        reached = counts[:last] >= rank
        found = np.where(reached.any(axis=0), np.argmax(reached, axis=0), last)
        inside = found.clip(max=last - 1)
        columns = np.arange(len(q))
        before = np.where(inside > 0, counts[inside - 1, columns], 0.0)
        start = np.where(inside > 0, bounds[inside - 1], 0.0)
        share = (rank - before) / (counts[inside, columns] - before)
        result = start + (bounds[inside] - start) * share
        result = np.where((found == 0) & (bounds[0] <= 0), bounds[0], result)
        result = np.where(found == last, bounds[last - 1], result)
        result = np.where(counts[last] == 0, np.nan, result)
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q), np.nan, result)


def _monotonic(counts: Floats, rules: Rules) -> Floats:
    """Counts that never fall from bucket to bucket; since Prometheus 3 noise is levelled in both directions."""
    result = counts.copy()
    before = result[0].copy()
    for row in range(1, len(result)):
        now = result[row]
        level = now < before
        if rules.tolerant_buckets:
            level |= _nearly_equal(before, now)
        result[row] = np.where(level, before, now)
        rises = ~level & (now > before) if not rules.tolerant_buckets else ~level & (now != before)
        before = np.where(rises, now, before)
    return result


def _nearly_equal(left: Floats, right: Floats) -> Mask:
    total, gap = np.abs(left) + np.abs(right), np.abs(left - right)
    tiny = (left == 0) | (right == 0) | (total < SMALLEST_NORMAL)
    near = np.where(tiny, gap < NOISE * SMALLEST_NORMAL, gap / np.minimum(total, np.finfo(np.float64).max) < NOISE)
    equal: Mask = near | (left == right) | (np.isnan(left) & np.isnan(right))
    return equal


def _fraction(buckets: Buckets, lower: Floats, upper: Floats) -> Floats:
    bounds, counts = buckets.bounds, buckets.counts
    total = counts[-1]
    if not np.isposinf(bounds[-1]):
        return np.full(lower.shape, np.nan)
    result = (_rank(bounds, counts, upper) - _rank(bounds, counts, lower)) / total
    result = np.where(lower >= upper, 0.0, result)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, result)


def _rank(bounds: Floats, counts: Floats, value: Floats) -> Floats:
    """How many observations are below a value, those in its bucket by linear interpolation."""
    rank = np.zeros(value.shape)
    result = np.zeros(value.shape)
    known = np.zeros(value.shape, dtype=np.bool_)
    floor = 0.0 if bounds[0] > 0 else -np.inf
    for bound, count in zip(bounds, counts, strict=True):
        at_floor = ~known & (floor >= value)
        result = np.where(at_floor, rank, result)
        known |= at_floor
        inside = ~known & (floor < value) & (bound > value)
        share = count if np.isneginf(floor) else rank + (count - rank) * (value - floor) / (bound - floor)
        result = np.where(inside, share, result)
        known |= inside
        rank, floor = count, float(bound)
    return np.where(~known | (result > counts[-1]), counts[-1], result)
