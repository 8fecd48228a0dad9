"""A tree as Prometheus' own formatter writes it, for `format_query`: for people and for diffs, never sent to a member.

What is longer than a line is broken at its outermost node. The tree keeps neither a unary plus, nor how a number or a
duration was spelled, nor a metric's name that was written as a matcher; all of these come back in their usual form.

Source: Prometheus, `promql/parser/printer.go` and `prettier.go`; `model.Duration` of prometheus/common.
"""

import math
from decimal import Decimal
from typing import Final

from aiops.promql.serialize import duration as plain_duration
from aiops.promql.serialize import is_label, is_metric
from aiops.promql.syntax import (
    METRIC_NAME,
    Aggregation,
    Anchor,
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

LINE_BYTES: Final = 100
_INDENT: Final = "  "
_EXACT_UNITS: Final = (("y", 365 * 86_400_000), ("w", 7 * 86_400_000))
_NAMED_ESCAPES: Final = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", '"': '\\"', "\\": "\\\\"
}  # fmt: skip
_GROUPED: Final = {Cardinality.MANY_TO_ONE: "group_left", Cardinality.ONE_TO_MANY: "group_right"}


def pretty(expr: Expr, level: int = 0) -> str:  # noqa: PLR0911 - one for each kind of node
    """The text, over several lines where one would be too long."""
    inner, indent = level + 1, _INDENT * level
    line = on_one_line(expr)
    if len(line.encode()) <= LINE_BYTES:
        # A subquery that fits is not indented, wherever it stands: so it is in Prometheus.
        return line if isinstance(expr, Subquery) else indent + line
    match expr:
        case Aggregation():
            param = "" if expr.param is None else f"{pretty(expr.param, inner)},\n"
            return f"{indent}{_aggregator(expr)}(\n{param}{pretty(expr.expr, inner)}\n{indent})"
        case Binary():
            return f"{pretty(expr.left, inner)}\n{indent}{_operator(expr)}\n{pretty(expr.right, inner)}"
        case Call(function=function, args=args):
            listed = ",\n".join(pretty(each, inner) for each in args)
            return f"{indent}{function}(\n{listed}\n{indent})"
        case Paren(expr=within):
            return f"{indent}(\n{pretty(within, inner)}\n{indent})"
        case Subquery(expr=within):
            return pretty(within, level) + _subquery_times(expr)
        case Negation(expr=within):
            return f"{indent}-{pretty(within, level).strip()}"
        case _:
            return indent + line


def on_one_line(expr: Expr) -> str:  # noqa: C901, PLR0911 - one for each kind of node
    """The text without breaks."""
    match expr:
        case Number(value=value):
            return decimal(value)
        case Text(value=value):
            return go_quoted(value)
        case Paren(expr=inner):
            return f"({on_one_line(inner)})"
        case Negation(expr=inner):
            return f"-{on_one_line(inner)}"
        case Selector():
            return _selected(expr) + _times(expr.at, expr.offset_ms)
        case RangeSelector(selector=selector, range_ms=range_ms):
            return f"{_selected(selector)}[{duration(range_ms)}]{_times(selector.at, selector.offset_ms)}"
        case Subquery():
            return on_one_line(expr.expr) + _subquery_times(expr)
        case Call(function=function, args=args):
            return f"{function}({', '.join(map(on_one_line, args))})"
        case Aggregation():
            param = "" if expr.param is None else f"{on_one_line(expr.param)}, "
            return f"{_aggregator(expr)}({param}{on_one_line(expr.expr)})"
        case Binary():
            return f"{on_one_line(expr.left)} {_operator(expr)} {on_one_line(expr.right)}"


def decimal(value: float) -> str:
    """A number without an exponent, as Go's FormatFloat(value, 'f', -1, 64)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{Decimal(repr(float(value))).normalize():f}"


def duration(milliseconds: int) -> str:
    """A duration in one unit where it is whole years or weeks, else in days and less."""
    sign, rest = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    for unit, size in _EXACT_UNITS:
        if rest and rest % size == 0:
            return f"{sign}{rest // size}{unit}"
    return sign + plain_duration(rest)


def go_quoted(text: str) -> str:
    """A string literal as Go's strconv.Quote writes it."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if (named := _NAMED_ESCAPES.get(letter)) is not None:
        return named
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code < 0x80:  # noqa: PLR2004 - ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane


def _selected(expr: Selector) -> str:
    names = [matcher for matcher in expr.matchers if matcher.name == METRIC_NAME and matcher.op is MatchOp.EQUAL]
    bare = names[0] if len(names) == 1 and is_metric(names[0].value) else None
    written = sorted(
        f"{_label(each.name)}{each.op}{go_quoted(each.value)}" for each in expr.matchers if each is not bare
    )
    braces = f"{{{','.join(written)}}}" if written else ""
    return f"{'' if bare is None else bare.value}{braces}"


def _label(name: str) -> str:
    return name if is_label(name) else go_quoted(name)


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(_label, names))


def _times(at: int | Anchor | None, offset_ms: int) -> str:
    text = ""
    if isinstance(at, Anchor):
        text = f" @ {at}()"
    elif at is not None:
        text = f" @ {at / 1000:.3f}"
    return f"{text} offset {duration(offset_ms)}" if offset_ms else text


def _subquery_times(expr: Subquery) -> str:
    step = "" if expr.step_ms is None else duration(expr.step_ms)
    return f"[{duration(expr.range_ms)}:{step}]{_times(expr.at, expr.offset_ms)}"


def _aggregator(expr: Aggregation) -> str:
    if not expr.grouping and not expr.without:
        return expr.op
    return f"{expr.op} {'without' if expr.without else 'by'} ({_labels(expr.grouping)}) "


def _operator(expr: Binary) -> str:
    return f"{expr.op}{' bool' if expr.return_bool else ''}{'' if expr.matching is None else _matching(expr.matching)}"


def _matching(matching: Matching) -> str:
    grouped = _GROUPED.get(matching.cardinality)
    text = ""
    if matching.labels or matching.on or grouped:
        text = f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if grouped:
        text += f" {grouped} ({_labels(matching.include)})"
    left, right = matching.fill_left, matching.fill_right
    if left is not None and left == right:
        return f"{text} fill ({decimal(left)})"
    for side, value in (("left", left), ("right", right)):
        text += "" if value is None else f" fill_{side} ({decimal(value)})"
    return text
