"""From one query on a fleet to what each member is asked, and to what is finished here. Pure: nobody is asked yet.

The answer is what one Prometheus would say over the union of the members' series, each with the fleet's label. What no
plan can answer exactly is refused with the node and a rewrite; where a rule is in doubt, operands are gathered and
finished here. The rules are in `closure` (what mixes clusters) and `pushdown` (how it is put together).
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from aiops.promql.closure import Closure, Reach
from aiops.promql.engine.grid import Grid
from aiops.promql.engine.rules import PROMETHEUS_3, Rules
from aiops.promql.fleet import Fleet, NotFederable
from aiops.promql.leaves import Leaf, Leaves
from aiops.promql.matching_values import BadRegex
from aiops.promql.pushdown import Pushdown
from aiops.promql.signatures import ValueType
from aiops.promql.syntax import Aggregation, Call, Expr
from aiops.promql.typecheck import value_type
from aiops.promql.walk import nodes

__all__ = ["BadRegex", "Leaf", "NoRange", "NotFederable", "Plan", "Shape", "plan"]

_ARBITRARY: Final = frozenset(("limitk", "limit_ratio"))


class NoRange(ValueError):
    """A query for a string or a range vector was asked over a range of time."""


class Shape(StrEnum):
    """CONSTANT asks nobody. UNION and SINGLE push the whole query, to many or to one. COMBINED is finished here."""

    CONSTANT = "constant"
    UNION = "union"
    SINGLE = "single"
    COMBINED = "combined"


class Plan(Struct, frozen=True):
    """What to do for one query.

    `finish` is evaluated over the leaves' answers where the shape is COMBINED, and alone where it is CONSTANT; else the
    only leaf's answers are the answer. `notes` say why an answer may not be exact. `absence` says that it depends on
    what no cluster has, which is unknown while one is away.
    """

    shape: Shape
    grid: Grid
    value_type: ValueType
    leaves: tuple[Leaf, ...]
    finish: Expr | None = None
    notes: tuple[str, ...] = ()
    absence: bool = False


def plan(query: Expr, clusters: tuple[str, ...], label: str, grid: Grid, rules: Rules = PROMETHEUS_3) -> Plan:
    """The plan for a query over these clusters and no others.

    Raises:
        NotFederable: it has no exact answer over independent members.
        NoRange: it has an answer at one time alone.
        BadRegex: a matcher on the fleet's label cannot be read.

    """
    kind = value_type(query)
    if not grid.is_instant and kind not in (ValueType.SCALAR, ValueType.VECTOR):
        raise NoRange(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
    fleet = Fleet(label, clusters, grid, rules)
    closure = Closure(query, fleet)
    leaves = Leaves(fleet, closure)
    nature = closure.of(query)
    finish: Expr | None = None
    if nature.reach is Reach.CONSTANT:
        shape, finish = Shape.CONSTANT, query
    elif nature.reach is Reach.MIXED:
        shape, finish = Shape.COMBINED, Pushdown(fleet, closure, leaves).finish(query, grid)
    else:
        shape = Shape.UNION if nature.reach is Reach.CLOSED and len(nature.clusters) != 1 else Shape.SINGLE
        leaves.add(query, grid, "answered whole by each cluster" if shape is Shape.UNION else "one cluster has it all")
    return Plan(
        shape=shape,
        grid=grid,
        value_type=kind,
        leaves=leaves.all(),
        finish=finish,
        notes=_notes(query),
        absence=any(isinstance(node, Call) and node.function.startswith("absent") for node in nodes(query)),
    )


def _notes(query: Expr) -> tuple[str, ...]:
    picked = {node.op for node in nodes(query) if isinstance(node, Aggregation) and node.op in _ARBITRARY}
    return tuple(f"{op} takes any series, and another Prometheus may take others" for op in sorted(picked))
