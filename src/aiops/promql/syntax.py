"""The syntax tree of PromQL: frozen nodes that parser, serializer, planner and engine share.

Durations and times are whole milliseconds, as in Prometheus. A tree says what was written and nothing of what it
means for a fleet. Nodes compare by value, so that a tree is its own cache key.

Source: Prometheus documentation, "Querying basics" and "Operators"; `promql/parser/ast.go`.
"""

from enum import StrEnum

from msgspec import Struct

METRIC_NAME = "__name__"


class MatchOp(StrEnum):
    """How a matcher compares; regular expressions are anchored at both ends."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


class Anchor(StrEnum):
    """An `@` that names an end of the evaluated range instead of a time."""

    START = "start"
    END = "end"


class Matcher(Struct, frozen=True):
    """One condition on a label. A selector's metric name is a matcher on `__name__`, too."""

    name: str
    op: MatchOp
    value: str


class Number(Struct, frozen=True):
    """A number; NaN and the infinities included."""

    value: float


class Text(Struct, frozen=True):
    """A string."""

    value: str


class Selector(Struct, frozen=True):
    """An instant vector selector. `at` is Unix milliseconds or an end of the range; offsets may be negative."""

    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    at: int | Anchor | None = None


class RangeSelector(Struct, frozen=True):
    """A range vector selector: `selector[range]`, whose offset and `@` are the selector's."""

    selector: Selector
    range_ms: int


class Subquery(Struct, frozen=True):
    """`expr[range:step]`; no step means the evaluator's default interval."""

    expr: "Expr"
    range_ms: int
    step_ms: int | None = None
    offset_ms: int = 0
    at: int | Anchor | None = None


class Call(Struct, frozen=True):
    """A function call."""

    function: str
    args: tuple["Expr", ...]


class Aggregation(Struct, frozen=True):
    """An aggregation. `grouping` is what `by` keeps or, with `without`, what is dropped."""

    op: str
    expr: "Expr"
    param: "Expr | None" = None
    grouping: tuple[str, ...] = ()
    without: bool = False


class Cardinality(StrEnum):
    """How many series of each side may match one of the other."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


class Matching(Struct, frozen=True):
    """How two vectors match: `on(labels)`, or `ignoring(labels)` where `on` is false. `include` is of group_left/right.

    `fill_left` and `fill_right` stand in for a missing partner (Prometheus 3.10's `fill` modifiers).
    """

    labels: tuple[str, ...] = ()
    on: bool = False
    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


class Binary(Struct, frozen=True):
    """A binary operation; `matching` is null where nothing of it was written, and between vector and scalar."""

    op: str
    left: "Expr"
    right: "Expr"
    matching: Matching | None = None
    return_bool: bool = False


class Negation(Struct, frozen=True):
    """Unary minus; unary plus is dropped by the parser."""

    expr: "Expr"


class Paren(Struct, frozen=True):
    """Parentheses, kept as written."""

    expr: "Expr"


Expr = Number | Text | Selector | RangeSelector | Subquery | Call | Aggregation | Binary | Negation | Paren
