"""Binary operations between two vectors: which series belong together, and what the result is called.

Source: https://prometheus.io/docs/prometheus/latest/querying/operators/#vector-matching; Prometheus,
`promql/engine.go`. All pairs of series of one match group are formed at once; that two pairs of a group never meet at
one step is checked, not assumed.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from aiops.promql.engine.budget import Budget
from aiops.promql.engine.errors import EvaluationError, ManyToMany, MultipleMatches
from aiops.promql.engine.labels import Labels, label_text, only, value_of, with_label, without
from aiops.promql.engine.operators import applied, renames
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Mask, Vector, inhabited, renamed
from aiops.promql.syntax import Binary, Cardinality, Matching

DEFAULT: Final = Matching()


class Sides(Struct, frozen=True, eq=False):
    """Two vectors with the number of each series' match group; `one` is the side that must be unique in it."""

    many: Vector
    one: Vector
    many_groups: Ints
    one_groups: Ints
    groups: int


class Pairs(Struct, frozen=True, eq=False):
    """Candidate results: their match group, labels, operands, and at which steps there are both."""

    groups: Ints
    labels: list[Labels]
    many: Floats
    one: Floats
    present: Mask


def group_key(labels: Labels, matching: Matching, rules: Rules) -> Labels:
    """What two series must share."""
    if matching.on:
        return only(labels, frozenset(matching.labels))
    return without(labels, rules.dropped_labels | frozenset(matching.labels))


def grouped(left: Vector, right: Vector, matching: Matching, rules: Rules) -> tuple[Ints, Ints, int]:
    """The number of the match group of each series of either side, and how many groups there are."""
    numbers: dict[Labels, int] = {}
    found = [
        np.array(
            [numbers.setdefault(group_key(labels, matching, rules), len(numbers)) for labels in side.labels],
            dtype=np.int64,
        )
        for side in (left, right)
    ]
    return found[0], found[1], len(numbers)


def seen(groups: Ints, present: Mask, count: int) -> Ints:
    """How many series each group has at each step."""
    total = np.zeros((count, present.shape[1]), dtype=np.int64)
    np.add.at(total, groups, present)
    return total


def matched(node: Binary, left: Vector, right: Vector, rules: Rules, budget: Budget) -> Vector:
    """An arithmetic operation or a comparison between two vectors."""
    matching = node.matching or DEFAULT
    if matching.cardinality is Cardinality.MANY_TO_MANY:
        raise EvaluationError("many-to-many only allowed for set operators")
    swapped = matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (right, left) if swapped else (left, right)
    fills = (matching.fill_right, matching.fill_left) if swapped else (matching.fill_left, matching.fill_right)
    many_groups, one_groups, groups = grouped(many, one, matching, rules)
    sides = Sides(many, one, many_groups, one_groups, groups)
    _check_one_side(sides, matching, fills, swapped=swapped, rules=rules)
    pairs = _pairs(sides, node, matching, fills, rules, budget)
    operands = (pairs.one, pairs.many) if swapped else (pairs.many, pairs.one)
    values, kept = applied(node.op, *operands, return_bool=node.return_bool)
    kept = pairs.present & kept
    _check_results(pairs, kept if rules.filters_before_matching else pairs.present, matching)
    return renamed_pairs(pairs.labels, values, kept)


def renamed_pairs(labels: list[Labels], values: Floats, present: Mask) -> Vector:
    """The results as one vector."""
    result = inhabited(Vector(tuple(labels), values, present))
    return renamed(result, result.labels)


def _check_one_side(
    sides: Sides, matching: Matching, fills: tuple[float | None, float | None], *, swapped: bool, rules: Rules
) -> None:
    both = sides.many.present.any(axis=0) & sides.one.present.any(axis=0)
    asked = both if fills == (None, None) else np.ones_like(both)
    crowded = (seen(sides.one_groups, sides.one.present, sides.groups) > 1) & asked
    if not crowded.any():
        return
    step = int(np.argmax(crowded.any(axis=0)))
    group = int(np.argmax(crowded[:, step]))
    rows = np.flatnonzero((sides.one_groups == group) & sides.one.present[:, step])[:2]
    first, second = (sides.one.labels[row] for row in rows)
    raise ManyToMany(
        label_text(group_key(first, matching, rules)),
        "left" if swapped else "right",
        label_text(first),
        label_text(second),
    )


def _pairs(
    sides: Sides,
    node: Binary,
    matching: Matching,
    fills: tuple[float | None, float | None],
    rules: Rules,
    budget: Budget,
) -> Pairs:
    """All pairs of series of one group, and each series with a fill value where it has no partner."""
    partners: dict[int, list[int]] = {}
    for row, group in enumerate(sides.one_groups.tolist()):
        partners.setdefault(group, []).append(row)
    rows = [(row, other) for row, group in enumerate(sides.many_groups.tolist()) for other in partners.get(group, ())]
    steps = sides.many.present.shape[1]
    budget.hold(len(rows) * steps)
    many_rows = np.array([row for row, _ in rows], dtype=np.int64)
    one_rows = np.array([other for _, other in rows], dtype=np.int64)
    present = sides.many.present[many_rows] & sides.one.present[one_rows]
    meet = np.flatnonzero(present.any(axis=1))
    many_rows, one_rows = many_rows[meet], one_rows[meet]
    names = [
        _result_labels(sides.many.labels[row], sides.one.labels[other], node, matching, rules)
        for row, other in zip(many_rows.tolist(), one_rows.tolist(), strict=True)
    ]
    parts = [
        Pairs(
            sides.many_groups[many_rows],
            names,
            sides.many.values[many_rows],
            sides.one.values[one_rows],
            present[meet],
        )
    ]
    fill_many, fill_one = fills
    if fill_one is not None:
        lonely = sides.many.present & ~(seen(sides.one_groups, sides.one.present, sides.groups) > 0)[sides.many_groups]
        keys = [group_key(labels, matching, rules) for labels in sides.many.labels]
        names = [
            _result_labels(own, key, node, matching, rules) for own, key in zip(sides.many.labels, keys, strict=True)
        ]
        filler = np.full(sides.many.values.shape, fill_one)
        parts.append(Pairs(sides.many_groups, names, sides.many.values, filler, lonely))
    if fill_many is not None:
        lonely = sides.one.present & ~(seen(sides.many_groups, sides.many.present, sides.groups) > 0)[sides.one_groups]
        keys = [group_key(labels, matching, rules) for labels in sides.one.labels]
        names = [
            _result_labels(key, own, node, matching, rules) for own, key in zip(sides.one.labels, keys, strict=True)
        ]
        filler = np.full(sides.one.values.shape, fill_many)
        parts.append(Pairs(sides.one_groups, names, filler, sides.one.values, lonely))
    return Pairs(
        np.concatenate([part.groups for part in parts]),
        [name for part in parts for name in part.labels],
        np.concatenate([part.many for part in parts]),
        np.concatenate([part.one for part in parts]),
        np.concatenate([part.present for part in parts]),
    )


def _result_labels(many: Labels, one: Labels, node: Binary, matching: Matching, rules: Rules) -> Labels:
    labels = many
    if renames(node.op, rules, return_bool=node.return_bool):
        labels = without(labels, rules.dropped_labels)
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        names = frozenset(matching.labels)
        labels = only(labels, names) if matching.on else without(labels, names)
    for name in matching.include:
        labels = with_label(labels, name, value_of(one, name))
    return labels


def _check_results(pairs: Pairs, present: Mask, matching: Matching) -> None:
    """That no group has two results at one step that nothing tells apart."""
    one_to_one = matching.cardinality is Cardinality.ONE_TO_ONE
    numbers: dict[tuple[int, Labels], int] = {}
    own = [
        numbers.setdefault((group, () if one_to_one else labels), len(numbers))
        for group, labels in zip(pairs.groups.tolist(), pairs.labels, strict=True)
    ]
    if len(numbers) < len(own) and (seen(np.array(own, dtype=np.int64), present, len(numbers)) > 1).any():
        raise MultipleMatches(grouped=not one_to_one)


def combined(node: Binary, left: Vector, right: Vector, rules: Rules) -> Vector:
    """The set operators: `and`, `unless` and `or`."""
    matching = node.matching or DEFAULT
    left_groups, right_groups, groups = grouped(left, right, matching, rules)
    if node.op == "or":
        taken = (seen(left_groups, left.present, groups) > 0)[right_groups]
        both = Vector(
            left.labels + right.labels,
            np.concatenate([left.values, right.values]),
            np.concatenate([left.present, right.present & ~taken]),
        )
        result = inhabited(both)
        return renamed(result, result.labels)
    found = (seen(right_groups, right.present, groups) > 0)[left_groups]
    kept = left.present & (found if node.op == "and" else ~found)
    return inhabited(Vector(left.labels, left.values, kept))
