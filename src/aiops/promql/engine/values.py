"""What goes into an evaluation and what comes out of it.

A vector is a matrix of series by steps with a mask beside it: NaN is a value in PromQL, so "no sample" needs its own
sign. Only floats: native histograms are refused by whoever reads them.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aiops.promql.engine.errors import DuplicateLabels
from aiops.promql.engine.labels import Labels, without
from aiops.promql.syntax import Matcher

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

STALE_BITS: Final = 0x7FF0000000000002
"""The one NaN by which Prometheus marks that a series has ended; every other NaN is a value."""


class SeriesData(Struct, frozen=True, eq=False):
    """The raw samples of one series: increasing times in milliseconds, and values, among them staleness markers."""

    labels: Labels
    times: Ints
    values: Floats


class Source(Protocol):
    """Where selectors find their series."""

    def select(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> Sequence[SeriesData]:
        """All series that match, with all samples of that time, both ends included. More samples do no harm.

        Their order decides which of several equal samples topk keeps; a Prometheus' blocks are sorted by labels.
        """


class Scalar(Struct, frozen=True, eq=False):
    """One number for each step."""

    values: Floats


class String(Struct, frozen=True):
    """A string."""

    value: str


class Vector(Struct, frozen=True, eq=False):
    """Series by steps: `values[i, j]` is series i at step j where `present[i, j]`, and means nothing elsewhere."""

    labels: tuple[Labels, ...]
    values: Floats
    present: Mask


class Ranges(Struct, frozen=True, eq=False):
    """The raw samples of a range selector or a subquery, which is an answer to an instant query alone."""

    series: tuple[SeriesData, ...]


Value = Scalar | String | Vector | Ranges


def stale(values: Floats) -> Mask:
    """Which values are staleness markers."""
    marks: Mask = values.view(np.uint64) == np.uint64(STALE_BITS)
    return marks


def empty_vector(steps: int) -> Vector:
    """A vector without series."""
    return Vector((), np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))


def taken(vector: Vector, rows: Sequence[int] | Ints) -> Vector:
    """Some of the series, in that order."""
    index = np.asarray(rows, dtype=np.int64)
    return Vector(tuple(vector.labels[row] for row in index), vector.values[index], vector.present[index])


def rows_of(vector: Vector, part: slice) -> Vector:
    """A run of the series."""
    return Vector(vector.labels[part], vector.values[part], vector.present[part])


def inhabited(vector: Vector) -> Vector:
    """The series that have a sample at all."""
    rows = np.flatnonzero(vector.present.any(axis=1))
    return vector if len(rows) == len(vector.labels) else taken(vector, rows)


def renamed(vector: Vector, labels: Sequence[Labels], *, separate: bool = False) -> Vector:
    """The same samples under other labels. Series that now share theirs become one, if no step has both.

    With `separate` they may not share them at all.
    """
    rows: dict[Labels, list[int]] = {}
    for row, own in enumerate(labels):
        rows.setdefault(own, []).append(row)
    if len(rows) == len(labels):
        return Vector(tuple(labels), vector.values, vector.present)
    if separate:
        raise DuplicateLabels
    values = np.empty((len(rows), vector.values.shape[1]))
    present = np.empty(values.shape, dtype=np.bool_)
    for target, members in enumerate(rows.values()):
        there = vector.present[members]
        if (there.sum(axis=0) > 1).any():
            raise DuplicateLabels
        present[target] = there.any(axis=0)
        # Chosen and not added up: a sum with a zero is no negative zero.
        values[target] = np.take_along_axis(vector.values[members], there.argmax(axis=0)[None, :], axis=0)
    return Vector(tuple(rows), values, present)


def unnamed(vector: Vector, dropped: frozenset[str], *, separate: bool = False) -> Vector:
    """The same samples without the metric's name."""
    return renamed(vector, [without(labels, dropped) for labels in vector.labels], separate=separate)
