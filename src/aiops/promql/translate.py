"""A query on the fleet as one member understands it: without the fleet's label, and with its own name for its own.

Selectors that cannot find anything at the member are taken out; what is left of the query is null where its value is
surely empty. `@ start()` and its like become times, since what is pushed may be asked at other steps than the query's.
"""

from msgspec import structs

from aiops.promql.closure import ABSENCE, SORTS, Closure, Reach
from aiops.promql.engine.grid import anchored
from aiops.promql.fleet import Fleet, member_matchers, text_of
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


class Translation:
    """For one cluster."""

    def __init__(self, fleet: Fleet, closure: Closure, cluster: str) -> None:
        self._fleet = fleet
        self._closure = closure
        self._cluster = cluster

    def of(self, expr: Expr) -> Expr | None:
        """The member's query; null where it is surely empty."""
        nature = self._closure.of(expr)
        if nature.reach is Reach.CLOSED and self._cluster not in nature.clusters:
            return None
        return self._translated(expr)

    def _translated(self, expr: Expr) -> Expr | None:  # noqa: PLR0911 - a table of kinds
        match expr:
            case Number() | Text():
                return expr
            case Selector():
                return self._selector(expr)
            case RangeSelector(selector=selector):
                return RangeSelector(self._selector(selector), expr.range_ms)
            case Subquery():
                return self._subquery(expr)
            case Paren() | Negation():
                inner = self.of(expr.expr)
                return None if inner is None else type(expr)(inner)
            case Aggregation():
                return self._aggregation(expr)
            case Binary():
                return self._binary(expr)
            case Call():
                return self._call(expr)

    def _selector(self, expr: Selector) -> Selector:
        matchers = member_matchers(expr.matchers, self._fleet.label)
        return Selector(matchers, expr.offset_ms, anchored(expr.at, self._fleet.grid))

    def _subquery(self, expr: Subquery) -> Subquery | None:
        inner = self.of(expr.expr)
        if inner is None:
            return None
        # Without a step each member would take its own default.
        step_ms = expr.step_ms or self._fleet.rules.subquery_step_ms
        return Subquery(inner, expr.range_ms, step_ms, expr.offset_ms, anchored(expr.at, self._fleet.grid))

    def _aggregation(self, expr: Aggregation) -> Aggregation | None:
        inner = self.of(expr.expr)
        if inner is None:
            return None
        param = None if expr.param is None else self.of(expr.param)
        return Aggregation(expr.op, inner, param, self._fleet.inner_labels(expr.grouping), expr.without)

    def _binary(self, expr: Binary) -> Expr | None:
        left, right = self.of(expr.left), self.of(expr.right)
        if left is None or right is None:
            match expr.op:
                case "or":
                    return left or right
                case "unless":
                    return left
                case _:
                    return None
        matching = expr.matching
        if matching is not None:
            matching = structs.replace(
                matching,
                labels=self._fleet.inner_labels(matching.labels),
                include=self._fleet.inner_labels(matching.include),
            )
        return Binary(expr.op, left, right, matching, expr.return_bool)

    def _call(self, expr: Call) -> Expr | None:  # noqa: PLR0911 - a table of kinds
        if expr.function in SORTS and expr is not self._closure.ordering:
            return self.of(expr.args[0])
        grid = self._fleet.grid
        instant = grid.start_ms == grid.end_ms
        match expr.function:
            case "start":
                return Number(grid.start_ms / 1000)
            case "end":
                return Number(grid.end_ms / 1000)
            case "range":
                return Number((grid.end_ms - grid.start_ms) / 1000)
            case "step":
                return Number(0.0 if instant else grid.step_ms / 1000)
        args = [self.of(argument) for argument in self._renamed(expr)]
        found = tuple(argument for argument in args if argument is not None)
        if len(found) == len(args):
            return Call(expr.function, found)
        if expr.function == "scalar":
            return Number(float("nan"))
        # Whatever is absent here is no selector, so the answer has no labels.
        return Call("vector", (Number(1),)) if expr.function in ABSENCE else None

    def _renamed(self, expr: Call) -> tuple[Expr, ...]:
        """The arguments, with labels' names as the member has them."""
        first = {"label_replace": (1, 3), "label_join": (1, *range(3, len(expr.args)))}.get(expr.function, ())
        return tuple(
            Text(self._fleet.inner(text_of(argument))) if index in first else argument
            for index, argument in enumerate(expr.args)
        )
