"""Splits a query where clusters begin to mix: below, leaves for the members; above, ordinary PromQL over their answers.

Aggregations are pushed as well where partial results can be put together exactly. All that is finished here is written
as PromQL over the leaves, so that one engine says what it means.

Source for second moments: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
variances", 1979.
"""

from typing import Final

from msgspec import structs

from aiops.promql.closure import ABSENCE, Closure, Reach
from aiops.promql.engine.grid import Grid, subquery_grid
from aiops.promql.fleet import Fleet, NotFederable, selector_of, text_of
from aiops.promql.leaves import Leaves
from aiops.promql.serialize import serialize
from aiops.promql.signatures import ValueType
from aiops.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matching,
    Negation,
    Number,
    Paren,
    RangeSelector,
    Subquery,
    Text,
)
from aiops.promql.typecheck import value_type
from aiops.promql.walk import bare

# How partial results are put together.
_REPEATED: Final = {"sum": "sum", "min": "min", "max": "max", "group": "group", "count": "sum"}
_MOMENTS: Final = frozenset(("avg", "stddev", "stdvar"))
_NATIVE: Final = frozenset(
    ("histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar")
)
_GATHERED: Final = "gathered, since what follows mixes clusters"
_SAMPLES: Final = "samples are gathered, since the function's other argument mixes clusters"
_PARTIAL: Final = "aggregated by each cluster, put together here"


class Pushdown:
    """Builds the finishing expression of one query; leaves are collected on the way."""

    def __init__(self, fleet: Fleet, closure: Closure, leaves: Leaves) -> None:
        self._fleet = fleet
        self._closure = closure
        self._leaves = leaves

    def finish(self, expr: Expr, grid: Grid) -> Expr:  # noqa: PLR0911 - a table of kinds
        """The expression, with leaves in the place of what members answer.

        Raises:
            NotFederable: a node cannot be answered exactly.

        """
        reach = self._closure.of(expr).reach
        if reach is Reach.CONSTANT:
            return expr
        if reach is not Reach.MIXED and value_type(expr) is ValueType.VECTOR:
            return self._leaves.add(expr, grid, _GATHERED)
        match expr:
            case Paren() | Negation():
                return type(expr)(self.finish(expr.expr, grid))
            case Binary():
                left, right = self.finish(expr.left, grid), self.finish(expr.right, grid)
                return structs.replace(expr, left=left, right=right)
            case Aggregation():
                return self._aggregation(expr, grid)
            case Call():
                return self._call(expr, grid)
            case Subquery():
                return self._subquery(expr, grid)
            case _:
                return expr

    def _subquery(self, expr: Subquery, grid: Grid) -> Subquery:
        inner = subquery_grid(expr, grid, self._fleet.grid, self._fleet.rules)
        return structs.replace(expr, expr=self.finish(expr.expr, inner))

    def _call(self, expr: Call, grid: Grid) -> Expr:
        if expr.function in ABSENCE and self._closure.of(expr.args[0]).reach in (Reach.CLOSED, Reach.LOCAL):
            return self._absence(expr, grid)
        if expr.function in _NATIVE:
            raise NotFederable(
                serialize(expr),
                f"{expr.function}() needs values that only members have, and its argument mixes clusters",
                f"keep the clusters apart below it, as in {expr.function}(sum by ({self._fleet.label}) (x))",
            )
        return structs.replace(expr, args=tuple(self._argument(argument, grid) for argument in expr.args))

    def _argument(self, argument: Expr, grid: Grid) -> Expr:
        inner = bare(argument)
        if isinstance(inner, RangeSelector):
            return self._leaves.samples(inner, grid, _SAMPLES)
        if isinstance(inner, Subquery) and self._closure.of(inner).reach is not Reach.CONSTANT:
            return self._subquery(inner, grid)
        return self.finish(argument, grid)

    def _absence(self, expr: Call, grid: Grid) -> Expr:
        """Absent from D is what is absent from all clusters: each says what is present, in one series."""
        argument = bare(expr.args[0])
        over_time = expr.function == "absent_over_time"
        there = Aggregation("group", Call("present_over_time", (argument,)) if over_time else argument)
        why = "each cluster says whether there is anything"
        return Call("absent", (self._leaves.add(there, grid, why, selector_of(argument)),))

    # Aggregations

    def _aggregation(self, expr: Aggregation, grid: Grid) -> Expr:
        constant = expr.param is None or self._closure.of(expr.param).reach is Reach.CONSTANT
        if self._closure.of(expr.expr).reach is Reach.CLOSED and constant and not self._closure.keeps_label(expr):
            if expr.op in _REPEATED:
                return self._repeated(expr, _REPEATED[expr.op], grid)
            if expr.op in ("topk", "bottomk"):
                return structs.replace(expr, expr=self._leaves.add(expr, grid, _PARTIAL))
            if expr.op == "count_values" and self._countable(expr):
                return self._counted(expr, grid)
            if expr.op in _MOMENTS and self._labels_survive(expr):
                return self._moments(expr, grid)
        param = None if expr.param is None else self.finish(expr.param, grid)
        return structs.replace(expr, expr=self.finish(expr.expr, grid), param=param)

    def _repeated(self, expr: Aggregation, op: str, grid: Grid) -> Aggregation:
        return structs.replace(expr, op=op, param=None, expr=self._leaves.add(expr, grid, _PARTIAL))

    def _labels_survive(self, expr: Aggregation) -> bool:
        """Whether arithmetic on the groups leaves their labels alone; it drops the metric's name."""
        return expr.without or not self._fleet.rules.dropped_labels & set(expr.grouping)

    def _partial(self, expr: Aggregation, op: str, grid: Grid) -> Expr:
        return self._leaves.add(structs.replace(expr, op=op), grid, _PARTIAL)

    def _moments(self, expr: Aggregation, grid: Grid) -> Expr:
        def total(terms: Expr) -> Aggregation:
            return Aggregation("sum", terms, None, expr.grouping, expr.without)

        counts = self._partial(expr, "count", grid)
        if expr.op == "avg":
            return Binary("/", total(self._partial(expr, "sum", grid)), total(counts))
        means, spreads = self._partial(expr, "avg", grid), self._partial(expr, "stdvar", grid)
        # Each cluster's mean against that of its group, which differs in the fleet's label alone. Both are measured
        # from the least of them: where all are equal nothing deviates, not what rounding leaves of their mean.
        apart = Matching((self._fleet.label,), on=False, cardinality=Cardinality.MANY_TO_ONE)
        above = Binary("-", means, Aggregation("min", means, None, expr.grouping, expr.without), apart)
        gap = Binary("-", above, Binary("/", total(Binary("*", above, counts)), total(counts)), apart)
        squares = Binary("*", Binary("+", spreads, Binary("^", gap, Number(2))), counts)
        variance: Expr = Binary("/", total(squares), total(counts))
        if self._fleet.rules.single_nan_deviates:
            # One sample deviates by 0 even if it is no number; means would make NaN of it.
            alone = Binary("and", total(spreads), Binary("==", total(counts), Number(1)))
            variance = Binary("or", alone, variance)
        return variance if expr.op == "stdvar" else Call("sqrt", (variance,))

    def _countable(self, expr: Aggregation) -> bool:
        """Whether the counted values' label is none that the grouping, or the fleet, has for something else."""
        label = text_of(expr.param) if expr.param is not None else ""
        return label not in ("", self._fleet.exported, *expr.grouping) and self._aside not in expr.grouping

    @property
    def _aside(self) -> str:
        """Where counted values stay until the fleet's label is free for them."""
        return f"__value_of_{self._fleet.label}"

    def _counted(self, expr: Aggregation, grid: Grid) -> Expr:
        label = text_of(expr.param) if expr.param is not None else ""
        pushed = self._aside if label == self._fleet.label else label
        leaf = self._leaves.add(structs.replace(expr, param=Text(pushed)), grid, _PARTIAL)
        kept = expr.grouping if expr.without else (*expr.grouping, pushed)
        summed = Aggregation("sum", leaf, None, kept, expr.without)
        if pushed == label:
            return summed
        named = Call("label_replace", (summed, Text(label), Text("$1"), Text(pushed), Text("(.*)")))
        return Aggregation("sum", named, None, (*expr.grouping, label))
