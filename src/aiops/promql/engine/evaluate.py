"""Evaluation of a query over a source of series: the walk along the tree. What functions compute is in their own files.

It does no I/O but through the source, and it does not parse. The meaning is Prometheus', of the generation that the
rules describe. Native histograms are not evaluated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aiops.promql.engine import absence, operators, selection
from aiops.promql.engine.aggregations import aggregated, quantile
from aiops.promql.engine.budget import Budget, Limits
from aiops.promql.engine.counting import count_values
from aiops.promql.engine.errors import NotEvaluable, WrongType
from aiops.promql.engine.functions import FUNCTIONS, renumbered
from aiops.promql.engine.grid import Grid, anchored, subquery_grid
from aiops.promql.engine.groups import Groups
from aiops.promql.engine.matching import combined, matched
from aiops.promql.engine.range_functions import FUNCTIONS as RANGE_FUNCTIONS
from aiops.promql.engine.range_functions import NAME_KEPT
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.selectors import Looked, look_back
from aiops.promql.engine.values import (
    Floats,
    Ranges,
    Scalar,
    SeriesData,
    Source,
    String,
    Value,
    Vector,
    empty_vector,
    inhabited,
    rows_of,
    unnamed,
)
from aiops.promql.engine.windows import Windows, raw_windows, step_windows
from aiops.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Negation,
    Number,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from aiops.promql.walk import bare as unwrapped

SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
SELECTING: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
BLOCK: Final = 1 << 15
"""How many windows are computed at one time: arrays of a quarter megabyte, which caches hold."""
Given = Mapping[tuple[Expr, Grid], Vector | Scalar]


def evaluate(
    expr: Expr,
    grid: Grid,
    source: Source | None,
    rules: Rules,
    given: Given | None = None,
    limits: Limits | None = None,
) -> Value:
    """The value of a query at the steps of a grid.

    `given` holds values of sub-expressions at a grid that are known already: these are used and not evaluated. Where
    everything that selects is given, the source may be null. At an instant a vector's series are in the order that the
    query asks for; over a range they are sorted by their labels. Raises subclasses of `EvaluationError`.
    """
    with np.errstate(all="ignore"):
        value = _Evaluation(grid, source, rules, given or {}, Budget(limits or Limits())).value(expr, grid)
    if isinstance(value, String) and not grid.is_instant:
        raise WrongType('invalid expression type "string" for range query, must be Scalar or instant Vector')
    if isinstance(value, Vector):
        value = inhabited(value)
        if not grid.is_instant:
            rows = sorted(range(len(value.labels)), key=value.labels.__getitem__)
            value = Vector(tuple(value.labels[row] for row in rows), value.values[rows], value.present[rows])
    return value


class _Evaluation:
    """One query's evaluation. `query` is its own grid, to which `@ start()` and `@ end()` refer everywhere."""

    def __init__(self, query: Grid, source: Source | None, rules: Rules, given: Given, budget: Budget) -> None:
        self.query = query
        self._source = source
        self.rules = rules
        self._given = given
        self._budget = budget

    def value(self, expr: Expr, grid: Grid) -> Value:
        """The value of a sub-expression."""
        known = self._given.get((expr, grid)) if self._given else None
        if known is not None:
            return known
        before = self._budget.held
        value = self._computed(expr, grid)
        self._budget.settle(before, _size(value))
        return value

    def _computed(self, expr: Expr, grid: Grid) -> Value:  # noqa: PLR0911 -- one branch for each kind of node
        match expr:
            case Number(value):
                return Scalar(np.full(grid.steps, value))
            case Text(value):
                return String(value)
            case Paren(inner):
                return self.value(inner, grid)
            case Selector():
                looked = self._looked(expr, grid)
                return inhabited(Vector(looked.labels, looked.values, looked.present))
            case RangeSelector() | Subquery():
                return self._ranges(expr, grid)
            case Negation(inner):
                return self._negated(inner, grid)
            case Binary():
                return self._binary(expr, grid)
            case Aggregation():
                return self._aggregation(expr, grid)
            case Call():
                return self._call(expr, grid)

    def vector(self, expr: Expr, grid: Grid) -> Vector:
        """The value of a sub-expression that must be a vector."""
        value = self.value(expr, grid)
        if not isinstance(value, Vector):
            raise WrongType(f"expected an instant vector, got {type(value).__name__.lower()}")
        return value

    def numbers(self, expr: Expr, grid: Grid) -> Floats:
        """The value of a sub-expression that must be a scalar."""
        value = self.value(expr, grid)
        if not isinstance(value, Scalar):
            raise WrongType(f"expected a scalar, got {type(value).__name__.lower()}")
        return value.values

    def _select(self, selector: Selector, from_ms: int, to_ms: int) -> Sequence[SeriesData]:
        if self._source is None:
            raise NotEvaluable("a selector has to be evaluated, but only given values were expected")
        series = self._source.select(selector.matchers, from_ms, to_ms)
        self._budget.hold(sum(len(one.times) for one in series))
        return series

    def _reference(self, node: Selector | Subquery, grid: Grid) -> NDArray[np.int64]:
        """The times that a selector's steps look at: offset and `@` applied."""
        at = anchored(node.at, self.query)
        times = grid.times() if at is None else np.full(grid.steps, at, dtype=np.int64)
        return times - node.offset_ms

    def _looked(self, selector: Selector, grid: Grid) -> Looked:
        times = self._reference(selector, grid)
        if not len(times):
            return look_back((), times, self.rules)
        from_ms, to_ms = int(times[0]) - self.rules.lookback_ms, int(times[-1])
        series = self._select(selector, from_ms, to_ms)
        self._budget.hold(2 * len(series) * grid.steps)
        return look_back(series, times, self.rules)

    def _windows(self, node: RangeSelector | Subquery, grid: Grid, *, once: bool) -> Iterator[Windows]:
        """The windows of each step, of some series at a time, so that what is computed on them stays small.

        They are those of one step alone if `once` and `@` makes them all the same.
        """
        timed = node.selector if isinstance(node, RangeSelector) else node
        ends, at_ms = self._reference(timed, grid), grid.times()
        if once and timed.at is not None:
            ends, at_ms = ends[:1], at_ms[:1]
        series: Sequence[SeriesData] | Vector = ()
        step_times = at_ms
        if isinstance(node, Subquery):
            steps = subquery_grid(node, grid, self.query, self.rules)
            series, step_times = self.vector(node.expr, steps), steps.times()
        elif len(ends):
            series = self._select(node.selector, int(ends[0]) - node.range_ms, int(ends[-1]))
        count = len(series.labels) if isinstance(series, Vector) else len(series)
        self._budget.hold(count * grid.steps)
        size = max(BLOCK // max(len(ends), 1), 1)
        for part in (slice(start, start + size) for start in range(0, count, size)):
            windows = (
                step_windows(rows_of(series, part), step_times, at_ms, ends, node.range_ms, self.rules)
                if isinstance(series, Vector)
                else raw_windows(series[part], at_ms, ends, node.range_ms, self.rules)
            )
            self._budget.visit(int(windows.counts.sum()))
            yield windows

    def _ranges(self, node: RangeSelector | Subquery, grid: Grid) -> Ranges:
        if not grid.is_instant:
            raise WrongType('invalid expression type "range vector" for range query, must be Scalar or instant Vector')
        return Ranges(
            tuple(
                SeriesData(labels, windows.times[low:high], windows.values[low:high])
                for windows in self._windows(node, grid, once=True)
                for labels, (low,), (high,) in zip(
                    windows.labels, windows.low.tolist(), windows.high.tolist(), strict=True
                )
                if high > low
            )
        )

    def _negated(self, inner: Expr, grid: Grid) -> Value:
        value = self.value(inner, grid)
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        vector = self.vector(inner, grid) if not isinstance(value, Vector) else value
        negative = Vector(vector.labels, -vector.values, vector.present)
        return unnamed(negative, self.rules.dropped_labels, separate=self.rules.separate_series)

    def _binary(self, node: Binary, grid: Grid) -> Value:
        left, right = self.value(node.left, grid), self.value(node.right, grid)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return operators.between_scalars(node.op, left, right)
        if not isinstance(left, Vector | Scalar) or not isinstance(right, Vector | Scalar):
            raise WrongType(f"operator {node.op!r} works on scalars and instant vectors")
        if isinstance(left, Scalar) or isinstance(right, Scalar):
            return operators.with_scalar(node.op, left, right, self.rules, return_bool=node.return_bool)
        if node.op in SET_OPERATORS:
            return combined(node, left, right, self.rules)
        return matched(node, left, right, self.rules, self._budget)

    def _aggregation(self, node: Aggregation, grid: Grid) -> Vector:
        vector = self.vector(node.expr, grid)
        if node.op == "count_values":
            return count_values(node, _text(node.param), vector, self.rules, self._budget)
        groups = Groups(vector, node, self.rules)
        if node.param is None:
            return aggregated(node.op, vector, groups, self.rules)
        parameter = self.numbers(node.param, grid)
        if node.op in SELECTING:
            return selection.selected(node.op, vector, groups, parameter, self.rules)
        return quantile(vector, groups, parameter, self.rules)

    def _call(self, node: Call, grid: Grid) -> Value:
        if node.function in RANGE_FUNCTIONS or node.function == "absent_over_time":
            return self._range_call(node, grid)
        if node.function == "timestamp":
            return self._timestamp(node.args[0], grid)
        if node.function == "start_timestamp":
            return self._start_timestamp(node.args[0], grid)
        if node.function not in FUNCTIONS:
            raise NotEvaluable(f"function {node.function}() is not evaluated here")
        return FUNCTIONS[node.function](_Arguments(self, node, grid))

    def _timestamp(self, argument: Expr, grid: Grid) -> Vector:
        """A selector's samples have times of their own; anything else is of the step's time."""
        bare = unwrapped(argument)
        if isinstance(bare, Selector) and (bare, grid) not in self._given:
            looked = self._looked_for_timestamp(bare, grid)
            return renumbered(Vector(looked.labels, looked.values, looked.present), looked.times / 1000, self.rules)
        vector = self.vector(argument, grid)
        return renumbered(vector, np.broadcast_to(grid.times() / 1000, vector.values.shape), self.rules)

    def _start_timestamp(self, argument: Expr, grid: Grid) -> Vector:
        """Only samples have one, so that of what was computed is empty; those of a source are not known here."""
        if isinstance(unwrapped(argument), Selector):
            raise NotEvaluable("start_timestamp() is not evaluated here on a selector")
        self.vector(argument, grid)
        return empty_vector(grid.steps)

    def _looked_for_timestamp(self, selector: Selector, grid: Grid) -> Looked:
        """With `@`, Prometheus forgets the offset when it looks, though not when it loads the samples.

        So a sample counts only if it is neither too late nor too old for either time.
        """
        at = anchored(selector.at, self.query)
        if at is None or selector.offset_ms == 0:
            return self._looked(selector, grid)
        looked = self._looked(Selector(selector.matchers, max(selector.offset_ms, 0), selector.at), grid)
        latest = at + max(-selector.offset_ms, 0)
        oldest = latest - self.rules.lookback_ms - (1 if self.rules.closed_windows else 0)
        return Looked(looked.labels, looked.values, looked.times, looked.present & (looked.times > oldest))

    def _range_call(self, node: Call, grid: Grid) -> Vector:
        bare = [unwrapped(argument) for argument in node.args]
        ranges = next((one for one in bare if isinstance(one, RangeSelector | Subquery)), None)
        if ranges is None:
            raise WrongType(f"{node.function}() needs a range vector")
        parameters = [
            self.numbers(argument, grid) for argument, own in zip(node.args, bare, strict=True) if own is not ranges
        ]
        blocks = self._windows(ranges, grid, once=not parameters)
        if node.function == "absent_over_time":
            there = np.zeros((1, grid.steps), dtype=np.bool_)
            for windows in blocks:
                there |= windows.occupied().any(axis=0)
            return absence.absent(ranges, there, self.rules)
        function = RANGE_FUNCTIONS[node.function]
        parts = [(windows.labels, *function(windows, self.rules, *parameters)) for windows in blocks]
        if not parts:
            return empty_vector(grid.steps)
        labels = tuple(own for names, _, _ in parts for own in names)
        values, present = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
        shape = (len(labels), grid.steps)
        vector = Vector(labels, np.broadcast_to(values, shape), np.broadcast_to(present, shape))
        if node.function in NAME_KEPT:
            return inhabited(vector)
        return unnamed(inhabited(vector), self.rules.dropped_labels, separate=self.rules.separate_series)


class _Arguments:
    """The arguments of one call."""

    def __init__(self, evaluation: _Evaluation, node: Call, grid: Grid) -> None:
        self.node = node
        self.grid = grid
        self.query = evaluation.query
        self.rules = evaluation.rules
        self._evaluation = evaluation

    def vector(self, place: int) -> Vector:
        return self._evaluation.vector(self.node.args[place], self.grid)

    def numbers(self, place: int) -> Floats:
        return self._evaluation.numbers(self.node.args[place], self.grid)

    def text(self, place: int) -> str:
        return _text(self.node.args[place])


def _text(expr: Expr | None) -> str:
    bare = unwrapped(expr) if expr is not None else None
    if not isinstance(bare, Text):
        raise WrongType("expected a string literal")
    return bare.value


def _size(value: Value) -> int:
    match value:
        case Vector():
            return value.values.size
        case Scalar():
            return value.values.size
        case Ranges():
            return sum(len(one.times) for one in value.series)
        case String():
            return 0
