"""How far each node of a query reaches: what a member can answer alone, and what mixes clusters.

The reference is one Prometheus over the union D of all members' series, each with the fleet's label. A node is closed
if its value on D is the union of what the members answer, with the label put on each answer; then it is pushed whole.
Doubt is always decided for "mixed", which is exact everywhere and only costs more.

One thing is told otherwise: a join that matches cluster by cluster is refused for duplicates by the cluster that has
both sides of it. Where they lie in different clusters, D as one Prometheus would look for duplicates though nothing can
match; here nothing matches. So with an operand alone: a cluster that cannot have a result is not asked what is wrong.
"""

from enum import Enum
from typing import Final

from msgspec import Struct

from aiops.promql.fleet import Fleet, NotFederable, selector_of, text_of
from aiops.promql.serialize import serialize
from aiops.promql.signatures import SET_OPERATORS, ValueType
from aiops.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matching,
    MatchOp,
    Negation,
    Number,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from aiops.promql.typecheck import value_type

BY_LABEL: Final = frozenset(("sort_by_label", "sort_by_label_desc"))
SORTS: Final = BY_LABEL | {"sort", "sort_desc"}
ABSENCE: Final = frozenset(("absent", "absent_over_time"))
# They keep some of their operand's series as these are.
PICKING: Final = frozenset(("topk", "bottomk", "limitk", "limit_ratio"))


class Reach(Enum):
    """How a node depends on clusters.

    CONSTANT selects nothing. CLOSED: see above; every series carries the label. LOCAL: the one cluster that it touches
    answers it alone, and no series carries the label. MIXED: none of these.
    """

    CONSTANT = "constant"
    CLOSED = "closed"
    LOCAL = "local"
    MIXED = "mixed"


class Nature(Struct, frozen=True):
    """A node's reach, and the clusters on whose series its value depends."""

    reach: Reach
    clusters: frozenset[str] = frozenset()


CONSTANT: Final = Nature(Reach.CONSTANT)


class Closure:
    """The natures of all nodes of one query."""

    def __init__(self, root: Expr, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known: dict[int, tuple[Expr, Nature]] = {}
        # Order is part of an instant answer alone, and only where nothing after the sort makes another one.
        last = _without_order_kept(root)
        sorts = isinstance(last, Call) and last.function in SORTS
        self.ordering = last if sorts and fleet.grid.is_instant else None

    def of(self, expr: Expr) -> Nature:
        """The nature of a node.

        Raises:
            NotFederable: the node has no exact answer in any plan.
            BadRegex: a matcher on the fleet's label cannot be read.

        """
        known = self._known.get(id(expr))
        if known is None:
            known = self._known[id(expr)] = (expr, self._find(expr))
        return known[1]

    def keeps_label(self, expr: Aggregation) -> bool:
        """Whether the grouping keeps clusters apart."""
        return (self._fleet.label in expr.grouping) is not expr.without

    def _find(self, expr: Expr) -> Nature:  # noqa: PLR0911 - a table of kinds
        match expr:
            case Number() | Text():
                return CONSTANT
            case Selector():
                return Nature(Reach.CLOSED, self._fleet.matching(expr))
            case RangeSelector(selector=selector):
                return self.of(selector)
            case Subquery(expr=inner) | Paren(expr=inner) | Negation(expr=inner):
                return self.of(inner)
            case Aggregation():
                return self._aggregation(expr)
            case Binary():
                return self._binary(expr)
            case Call():
                return self._call(expr)

    # Natures together

    def _mapped(self, *parts: Expr) -> Nature:
        """Of what works on each series for itself; its other arguments are scalars, of which each has one value."""
        natures = [self.of(part) for part in parts]
        varying = [nature for nature in natures if nature.reach is not Reach.CONSTANT]
        if not varying:
            return CONSTANT
        if len(varying) == 1:
            return varying[0]
        closed = any(nature.reach is Reach.CLOSED for nature in natures)
        return self._alone(*natures, labelled=closed)

    def _alone(self, *natures: Nature, labelled: bool) -> Nature:
        """Of what one cluster can answer if it is the only one touched."""
        clusters = frozenset[str]().union(*(nature.clusters for nature in natures))
        if len(clusters) != 1 or any(nature.reach is Reach.MIXED for nature in natures):
            return Nature(Reach.MIXED, clusters)
        return Nature(Reach.CLOSED if labelled else Reach.LOCAL, clusters)

    def _mixed(self, *parts: Expr) -> Nature:
        natures = [self.of(part) for part in parts]
        if all(nature.reach is Reach.CONSTANT for nature in natures):
            return CONSTANT
        return Nature(Reach.MIXED, frozenset[str]().union(*(nature.clusters for nature in natures)))

    # Nodes

    def _aggregation(self, expr: Aggregation) -> Nature:
        parts = (expr.expr,) if expr.param is None else (expr.expr, expr.param)
        natures = [self.of(part) for part in parts]
        if all(nature.reach is Reach.CONSTANT for nature in natures):
            return CONSTANT
        own = (self._fleet.label, self._fleet.exported)
        if expr.op == "count_values" and expr.param is not None and text_of(expr.param) in own:
            return self._mixed(*parts)
        if expr.op == "limit_ratio":
            # It draws by a hash of all labels, and at a member the fleet's is not among them.
            return self._mixed(*parts)
        closed = natures[0].reach is Reach.CLOSED
        constant_parameter = all(nature.reach is Reach.CONSTANT for nature in natures[1:])
        if closed and self.keeps_label(expr) and constant_parameter:
            return natures[0]
        labelled = closed and (self.keeps_label(expr) or expr.op in PICKING)
        return self._alone(*natures, labelled=labelled)

    def _binary(self, expr: Binary) -> Nature:
        vectors = (value_type(expr.left), value_type(expr.right)).count(ValueType.VECTOR)
        if vectors < 2:  # noqa: PLR2004 - both sides
            return self._mapped(expr.left, expr.right)
        matching = expr.matching or Matching()
        label = self._fleet.label
        left, right = self.of(expr.left), self.of(expr.right)
        if left.reach is right.reach is Reach.CONSTANT:
            return CONSTANT
        filled = matching.fill_left is not None or matching.fill_right is not None
        if Reach.MIXED in (left.reach, right.reach) or label in matching.include or filled:
            return self._mixed(expr.left, expr.right)
        in_key = (label in matching.labels) is matching.on
        if left.reach is right.reach is Reach.CLOSED and in_key:
            return Nature(Reach.CLOSED, _touched(expr.op, left.clusters, right.clusters))
        labelled = (left.reach is Reach.CLOSED, right.reach is Reach.CLOSED)
        if labelled[0] != labelled[1] and (in_key or expr.op == "or"):
            # One side has the label and the other has not: with it nothing matches, at a member it would.
            return self._mixed(expr.left, expr.right)
        return self._alone(left, right, labelled=_result_labelled(expr, matching, labelled, in_key=in_key))

    def _call(self, expr: Call) -> Nature:  # noqa: PLR0911 - a table of kinds
        args = expr.args
        fleet = self._fleet
        match expr.function:
            case "absent" | "absent_over_time":
                return self._absence(args[0])
            case "scalar" | "vector":
                nature = self.of(args[0])
                return nature if nature.reach is Reach.CONSTANT else self._alone(nature, labelled=False)
            case "info":
                return self._info(expr)
            case "label_replace" if fleet.label in (text_of(args[1]), text_of(args[3])):
                return self._mixed(args[0])
            case "label_join" if fleet.label in map(text_of, (args[1], *args[3:])):
                return self._mixed(args[0])
            case "histogram_quantiles" if text_of(args[1]) in (fleet.label, fleet.exported):
                return self._mixed(*args)
            case function if function in SORTS:
                return self._sort(expr)
            case _:
                return self._mapped(*args)

    def _sort(self, expr: Call) -> Nature:
        nature = self.of(expr.args[0])
        if expr is not self.ordering or nature.reach is Reach.CONSTANT:
            return nature
        # What is equal by the labels that are named is sorted by all, and a member has other names for some of them.
        by_label = expr.function in BY_LABEL
        several = nature.reach is Reach.CLOSED and len(nature.clusters) != 1
        return Nature(Reach.MIXED, nature.clusters) if by_label or several else nature

    def _absence(self, argument: Expr) -> Nature:
        nature = self.of(argument)
        if nature.reach is Reach.CONSTANT:
            return CONSTANT
        selector = selector_of(argument)
        own = [] if selector is None else [each for each in selector.matchers if each.name == self._fleet.label]
        # The label becomes part of the answer where exactly one equality asks for it.
        if len(own) > 1:
            return Nature(Reach.MIXED, nature.clusters)
        return self._alone(nature, labelled=any(each.op is MatchOp.EQUAL for each in own))

    def _info(self, expr: Call) -> Nature:
        wanted = selector_of(expr.args[1]) if expr.args[1:] else None
        named = {matcher.name for matcher in wanted.matchers} if wanted else set()
        if len(self._fleet.clusters) != 1 or named & {self._fleet.label, self._fleet.exported}:
            raise NotFederable(
                serialize(expr),
                "info() joins series of several clusters that have the same instance and job",
                f"ask one cluster, or join: x * on ({self._fleet.label}, instance, job) group_left () target_info",
            )
        return self.of(expr.args[0])


def _without_order_kept(expr: Expr) -> Expr:
    """The node that decides the order: parentheses, signs and scalars leave it alone."""
    while True:
        match expr:
            case Paren(expr=inner) | Negation(expr=inner):
                expr = inner
            case Binary(left=left, right=right) if value_type(left) is ValueType.SCALAR:
                expr = right
            case Binary(left=left, right=right) if value_type(right) is ValueType.SCALAR:
                expr = left
            case _:
                return expr


def _touched(op: str, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    """Where both sides are closed and match cluster by cluster: the clusters that can have a result."""
    if op == "or":
        return left | right
    return left if op == "unless" else left & right


def _result_labelled(expr: Binary, matching: Matching, labelled: tuple[bool, bool], *, in_key: bool) -> bool:
    """Whether the result carries the label: it has the labels of a side, or of the key."""
    if expr.op in SET_OPERATORS or matching.cardinality is Cardinality.MANY_TO_ONE:
        return labelled[0]
    if matching.cardinality is Cardinality.ONE_TO_MANY:
        return labelled[1]
    return labelled[0] and in_key
