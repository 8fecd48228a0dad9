"""Aggregations that keep some series of each group as they are: topk, bottomk, limitk and limit_ratio.

Source: https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators; Prometheus,
`promql/engine.go`.
"""

import numpy as np

from aiops.promql.engine.errors import InvalidParameter
from aiops.promql.engine.groups import Groups
from aiops.promql.engine.hashing import sampling_offset
from aiops.promql.engine.heaps import Heap, extremes
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Mask, Vector, empty_vector, inhabited, taken

BOUND = 2.0**63


def selected(op: str, vector: Vector, groups: Groups, parameter: Floats, rules: Rules) -> Vector:
    """The series that are kept at each step; of a single step, in Prometheus' order."""
    steps = vector.values.shape[1]
    if op == "limit_ratio":
        return _by_ratio(vector, groups, parameter)
    counts = _checked_counts(parameter, rules)
    counts = counts.clip(max=len(vector.labels))
    if not (counts >= 1).any():
        return empty_vector(steps)
    if op == "limitk":
        return _first(vector, groups, counts)
    if steps == 1:
        return _ordered(vector, groups, int(counts[0]), rules, largest=op == "topk")
    kept = np.zeros(vector.present.shape, dtype=np.bool_)
    for rows in groups.members():
        kept[rows] = _extreme_rows(vector, rows, counts, rules, largest=op == "topk")
    return inhabited(Vector(vector.labels, vector.values, kept))


def _checked_counts(parameter: Floats, rules: Rules) -> Ints:
    """How many to keep at each step; fractions are cut off."""
    if rules.closed_windows:
        wrong = ~(np.abs(parameter) < BOUND)
        if wrong.any():
            raise InvalidParameter(f"Scalar value {_text(parameter[wrong][0])} overflows int64")
    elif not (parameter.max(initial=-np.inf) < 1):
        if np.isnan(parameter).any():
            raise InvalidParameter("Parameter value is NaN")
        if parameter.min() <= -BOUND:
            raise InvalidParameter(f"Scalar value {_text(parameter.min())} underflows int64")
        if parameter.max() >= BOUND:
            raise InvalidParameter(f"Scalar value {_text(parameter.max())} overflows int64")
    return np.nan_to_num(parameter).clip(-BOUND / 2, BOUND / 2).astype(np.int64)


def _text(value: float) -> str:
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(str(float(value)), f"{value:g}")


def _ordered(vector: Vector, groups: Groups, count: int, rules: Rules, *, largest: bool) -> Vector:
    chosen: list[int] = []
    for rows in groups.members():
        there = rows[vector.present[rows, 0]]
        values = vector.values[there, 0].tolist()
        heap = extremes(values, count, largest=largest, nan_displaces=rules.nan_displaces)
        chosen += [int(there[item]) for item in heap.last_first()]
    return taken(vector, chosen)


def _extreme_rows(vector: Vector, rows: Ints, counts: Ints, rules: Rules, *, largest: bool) -> Mask:
    """Which of the rows are kept at each step. Only where the last place is contested are they put in a heap."""
    there, values = vector.present[rows], vector.values[rows]
    room = counts.clip(0, len(rows))
    kept: Mask = there & (room > 0)
    crowded = np.flatnonzero((there.sum(axis=0) > room) & (room > 0))
    if not len(crowded):
        return kept
    keys = np.where(there & ~np.isnan(values), values if largest else -values, np.nan)[:, crowded]
    numbers = (~np.isnan(keys)).sum(axis=0)
    places = room[crowded]
    ascending = np.sort(keys, axis=0)
    last = ascending[(numbers - places).clip(min=0), np.arange(len(crowded))]
    clear = keys >= last
    contested = (numbers < places) | (clear.sum(axis=0) != places)
    kept[:, crowded] = clear
    for column in np.flatnonzero(contested):
        step = crowded[column]
        own = np.flatnonzero(there[:, step])
        heap = extremes(
            values[own, step].tolist(), int(places[column]), largest=largest, nan_displaces=rules.nan_displaces
        )
        kept[:, step] = False
        kept[own[heap.items()], step] = True
    return kept


def _first(vector: Vector, groups: Groups, counts: Ints) -> Vector:
    kept = np.zeros(vector.present.shape, dtype=np.bool_)
    for rows in groups.members():
        there = vector.present[rows]
        kept[rows] = there & (np.cumsum(there, axis=0) <= counts)
    return _in_heap_order(vector, groups, kept)


def _by_ratio(vector: Vector, groups: Groups, parameter: Floats) -> Vector:
    if np.isnan(parameter).any():
        raise InvalidParameter("Ratio value is NaN")
    offsets = np.array([sampling_offset(labels) for labels in vector.labels])[:, None]
    ratio = parameter.clip(-1, 1)
    drawn = np.where(ratio >= 0, offsets < ratio, offsets >= 1 + ratio)
    return _in_heap_order(vector, groups, vector.present & drawn)


def _in_heap_order(vector: Vector, groups: Groups, kept: Mask) -> Vector:
    result = Vector(vector.labels, vector.values, kept)
    if kept.shape[1] != 1:
        return inhabited(result)
    chosen: list[int] = []
    for rows in groups.members() if groups.labels else ():
        heap = Heap(greatest_first=False)
        for row in rows[kept[rows, 0]].tolist():
            heap.push(float(vector.values[row, 0]), row)
        chosen += heap.items()
    return taken(result, chosen)
