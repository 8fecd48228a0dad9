"""The order of an instant vector: sort, sort_desc, sort_by_label and sort_by_label_desc. Ranges have no order.

Source: Prometheus, `promql/functions.go`; the natural order is that of github.com/facette/natsort.
"""

import re
from functools import cmp_to_key
from typing import Final

import numpy as np

from aiops.promql.engine.labels import Labels, value_of
from aiops.promql.engine.values import Vector, inhabited, taken

CHUNKS: Final = re.compile(r"[0-9]+|[^0-9]+")
LARGEST: Final = 2**63 - 1


def by_value(vector: Vector, *, descending: bool) -> Vector:
    """Sorted by value; NaN comes last both ways."""
    here = inhabited(vector)
    values = here.values[:, 0]
    return taken(here, np.argsort(-values if descending else values, kind="stable"))


def by_labels(vector: Vector, names: list[str], *, descending: bool) -> Vector:
    """Sorted by the natural order of labels, and by all labels where these are equal."""
    sign = -1 if descending else 1

    def compare(left: int, right: int) -> int:
        return sign * _compared(vector.labels[left], vector.labels[right], names)

    return taken(vector, sorted(range(len(vector.labels)), key=cmp_to_key(compare)))


def _compared(left: Labels, right: Labels, names: list[str]) -> int:
    for name in names:
        one, other = value_of(left, name), value_of(right, name)
        if one != other:
            return -1 if naturally_before(one, other) else 1
    return (left > right) - (left < right)


def naturally_before(left: str, right: str) -> bool:
    """Whether a text comes first when runs of digits count as numbers.

    Where only one is empty it is that one. Prometheus says of each that it comes after the other, and leaves all else
    that is sorted with them to chance.
    """
    ours, theirs = CHUNKS.findall(left), CHUNKS.findall(right)
    if not ours:
        return bool(theirs)
    for position, chunk in enumerate(ours):
        if position >= len(theirs):
            return False
        other = theirs[position]
        numbers = _number(chunk), _number(other)
        if None not in numbers:
            equal, before = numbers[0] == numbers[1], (numbers[0] or 0) < (numbers[1] or 0)
        else:
            equal, before = chunk == other, chunk < other
        if not equal:
            return before
        if position == len(ours) - 1:
            return True
        if position == len(theirs) - 1:
            return False
    return False


def _number(chunk: str) -> int | None:
    if not chunk.isascii() or not chunk.isdigit():
        return None
    number = int(chunk)
    return number if number <= LARGEST else None
