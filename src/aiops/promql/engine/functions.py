"""Functions of instant vectors, scalars and strings: which name means what. Those of ranges have a table of their own.

A function asks its arguments for what it needs, so that nothing is evaluated that is not looked at.
"""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from aiops.promql.engine import absence, dates, elementwise, histograms, ordering, relabel
from aiops.promql.engine.grid import Grid
from aiops.promql.engine.labels import NO_LABELS
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Scalar, Value, Vector, inhabited, taken, unnamed
from aiops.promql.syntax import Call


class Arguments(Protocol):
    """The arguments of one call at the steps of a grid. `query` is the whole query's grid."""

    node: Call
    grid: Grid
    query: Grid
    rules: Rules

    def vector(self, place: int) -> Vector:
        """An argument that is an instant vector."""

    def numbers(self, place: int) -> Floats:
        """An argument that is a scalar."""

    def text(self, place: int) -> str:
        """An argument that is a string."""


def renumbered(vector: Vector, values: Floats, rules: Rules) -> Vector:
    """The same series with other values, which are no longer the metric's."""
    return unnamed(Vector(vector.labels, values, vector.present), rules.dropped_labels)


def _everywhere(values: Floats) -> Vector:
    return Vector((NO_LABELS,), values[None, :], np.ones((1, len(values)), dtype=np.bool_))


def _elementwise(function: Callable[[Floats], Floats]) -> Callable[[Arguments], Value]:
    def call(given: Arguments) -> Value:
        vector = given.vector(0)
        return renumbered(vector, function(vector.values), given.rules)

    return call


def _date(given: Arguments) -> Value:
    name = given.node.function
    if not given.node.args:
        return _everywhere(dates.date_part(name, np.trunc(given.grid.times() / 1000)))
    vector = given.vector(0)
    return renumbered(vector, dates.date_part(name, np.where(vector.present, vector.values, 0.0)), given.rules)


def _round(given: Arguments) -> Value:
    vector = given.vector(0)
    nearest = given.numbers(1) if len(given.node.args) > 1 else np.ones(given.grid.steps)
    return renumbered(vector, elementwise.rounded(vector.values, nearest), given.rules)


def _clamp(given: Arguments) -> Value:
    return _clamped(given, given.numbers(1), given.numbers(2))


def _clamp_min(given: Arguments) -> Value:
    return _clamped(given, given.numbers(1), np.full(given.grid.steps, np.inf))


def _clamp_max(given: Arguments) -> Value:
    return _clamped(given, np.full(given.grid.steps, -np.inf), given.numbers(1))


def _clamped(given: Arguments, lower: Floats, upper: Floats) -> Vector:
    """Where the bounds are the wrong way round there is nothing between them."""
    vector = given.vector(0)
    values = elementwise.greater(lower, elementwise.lesser(upper, vector.values))
    between = inhabited(Vector(vector.labels, values, vector.present & ~(upper < lower)))
    return unnamed(between, given.rules.dropped_labels)


def _relabelled(function: Callable[[Vector, list[str], Rules], Vector]) -> Callable[[Arguments], Value]:
    def call(given: Arguments) -> Value:
        return function(given.vector(0), [given.text(place) for place in range(1, len(given.node.args))], given.rules)

    return call


def _sorted_by_value(*, descending: bool) -> Callable[[Arguments], Value]:
    def call(given: Arguments) -> Value:
        vector = given.vector(0)
        return ordering.by_value(vector, descending=descending) if given.grid.steps == 1 else vector

    return call


def _sorted_by_label(*, descending: bool) -> Callable[[Arguments], Value]:
    def call(given: Arguments) -> Value:
        names = [given.text(place) for place in range(1, len(given.node.args))]
        vector = given.vector(0)
        return ordering.by_labels(vector, names, descending=descending) if given.grid.steps == 1 else vector

    return call


def _histogram_quantile(given: Arguments) -> Value:
    return histograms.histogram_quantile(given.vector(1), given.numbers(0), given.rules)


def _histogram_quantiles(given: Arguments) -> Value:
    quantiles = [given.numbers(place) for place in range(2, len(given.node.args))]
    return histograms.histogram_quantiles(given.vector(0), given.text(1), quantiles, given.rules)


def _histogram_fraction(given: Arguments) -> Value:
    return histograms.histogram_fraction(given.vector(2), given.numbers(0), given.numbers(1), given.rules)


def _native(given: Arguments) -> Value:
    """Of native histograms alone: floats have no answer, and here there are only floats."""
    return taken(given.vector(0), ())


def _of_query(value: Callable[[Grid], float]) -> Callable[[Arguments], Value]:
    return lambda given: Scalar(np.full(given.grid.steps, value(given.query)))


FUNCTIONS: Final[dict[str, Callable[[Arguments], Value]]] = {
    **{name: _elementwise(function) for name, function in elementwise.FUNCTIONS.items()},
    **dict.fromkeys(dates.NAMES, _date),
    "absent": lambda given: absence.absent(given.node.args[0], given.vector(0).present, given.rules),
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "end": _of_query(lambda query: query.end_ms / 1000),
    "histogram_avg": _native,
    "histogram_count": _native,
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
    "histogram_stddev": _native,
    "histogram_stdvar": _native,
    "histogram_sum": _native,
    "label_join": _relabelled(relabel.label_join),
    "label_replace": _relabelled(relabel.label_replace),
    "max_of": lambda given: Scalar(elementwise.greater(given.numbers(0), given.numbers(1))),
    "min_of": lambda given: Scalar(elementwise.lesser(given.numbers(0), given.numbers(1))),
    "pi": lambda given: Scalar(np.full(given.grid.steps, np.pi)),
    "range": _of_query(lambda query: (query.end_ms - query.start_ms) / 1000),
    "round": _round,
    "scalar": lambda given: absence.scalar(given.vector(0)),
    "sort": _sorted_by_value(descending=False),
    "sort_by_label": _sorted_by_label(descending=False),
    "sort_by_label_desc": _sorted_by_label(descending=True),
    "sort_desc": _sorted_by_value(descending=True),
    "start": _of_query(lambda query: query.start_ms / 1000),
    "step": _of_query(lambda query: query.step_ms / 1000 if query.start_ms != query.end_ms else 0.0),
    "time": lambda given: Scalar(given.grid.times() / 1000),
    "vector": lambda given: _everywhere(given.numbers(0)),
}
