"""A query as Prometheus' formatter writes it: one line where it fits, else one part to a line, two spaces deeper.

For people. What is sent to a member is written by `serialize`, which takes no shape for granted; here the tree is
written as it is, and parentheses are only those that were written.

Source: Prometheus, `promql/parser/printer.go` and `promql/parser/prettier.go`; `strconv.Quote` of Go.
"""

import math
import unicodedata
from decimal import Decimal
from typing import Final

from aiops.promql.serialize import GROUPED, is_label
from aiops.promql.signatures import AGGREGATIONS
from aiops.promql.syntax import (
    METRIC_NAME,
    Aggregation,
    Anchor,
    Binary,
    Call,
    Expr,
    Matcher,
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
from aiops.promql.written import Plus, Span, Written

_LONGEST_LINE_BYTES: Final = 100
_INDENT: Final = "  "
# A unit, its milliseconds, and whether it is only taken where nothing remains: 90d reads better than 12w6d.
_UNITS: Final = (
    ("y", 31_536_000_000, True),
    ("w", 604_800_000, True),
    ("d", 86_400_000, False),
    ("h", 3_600_000, False),
    ("m", 60_000, False),
    ("s", 1_000, False),
    ("ms", 1, False),
)
_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}
# From this power of ten on, and below that one, a fill is written with an exponent.
_LARGE, _SMALL = 6, -4


def pretty(expr: Expr) -> str:
    """The text, of several lines where one would be too long."""
    return _Printer().lines(expr, 0)


def plain_number(value: float) -> str:
    """A number without an exponent, in as few digits as name it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{Decimal(repr(float(value))).normalize():f}"


class _Printer:
    """Keeps each node's line, since whether it fits is asked at each level above it."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def lines(self, expr: Expr, level: int) -> str:  # noqa: PLR0911 - one branch for each kind of node
        indent = level * _INDENT
        fits = len(self.line(expr).encode()) <= _LONGEST_LINE_BYTES
        match expr:
            case Plus(expr=inner) | Negation(expr=inner):
                sign = "+" if isinstance(expr, Plus) else "-"
                return f"{indent}{sign}{self.lines(inner, level).strip()}"
            case Subquery(expr=inner):
                # One that fits is not indented by Prometheus either.
                return self.line(expr) if fits else self.lines(inner, level) + _suffix(expr)
            case Paren(expr=inner) if not fits:
                return f"{indent}(\n{self.lines(inner, level + 1)}\n{indent})"
            case Call(function=function, args=args) if not fits:
                return f"{indent}{function}(\n{self._parts(args, level + 1)}\n{indent})"
            case Aggregation() if not fits:
                return f"{indent}{_grouped(expr)}(\n{self._parts(_arguments(expr), level + 1)}\n{indent})"
            case Binary(left=left, right=right) if not fits:
                return f"{self.lines(left, level + 1)}\n{indent}{_operator(expr)}\n{self.lines(right, level + 1)}"
            case _:
                return indent + self.line(expr)

    def _parts(self, parts: tuple[Expr, ...], level: int) -> str:
        return ",\n".join(self.lines(part, level) for part in parts)

    def line(self, expr: Expr) -> str:
        known = self._known.get(id(expr))
        if known is None:
            known = self._known[id(expr)] = self._write(expr)
        return known

    def _write(self, expr: Expr) -> str:  # noqa: C901, PLR0911 - one branch for each kind of node
        match expr:
            case Span(value=value):
                return _duration(round(value * 1000))
            case Number(value=value):
                return plain_number(value)
            case Text(value=value):
                return _quoted(value)
            case Plus(expr=inner):
                return f"+{self.line(inner)}"
            case Negation(expr=inner):
                return f"-{self.line(inner)}"
            case Paren(expr=inner):
                return f"({self.line(inner)})"
            case Selector():
                return _selector(expr) + _shift(expr)
            case RangeSelector(selector=selector, range_ms=range_ms):
                return f"{_selector(selector)}[{_duration(range_ms)}]{_shift(selector)}"
            case Subquery(expr=inner):
                return self.line(inner) + _suffix(expr)
            case Call(function=function, args=args):
                return f"{function}({', '.join(map(self.line, args))})"
            case Aggregation():
                return f"{_grouped(expr)}({', '.join(map(self.line, _arguments(expr)))})"
            case Binary(left=left, right=right):
                return f"{self.line(left)} {_operator(expr)} {self.line(right)}"


def _arguments(expr: Aggregation) -> tuple[Expr, ...]:
    return (expr.expr,) if expr.param is None or AGGREGATIONS[expr.op] is None else (expr.param, expr.expr)


def _grouped(expr: Aggregation) -> str:
    if not expr.without and not expr.grouping:
        return expr.op
    return f"{expr.op} {'without' if expr.without else 'by'} ({_labels(expr.grouping)}) "


def _operator(expr: Binary) -> str:
    matching = "" if expr.matching is None else _matching(expr.matching)
    return f"{expr.op}{' bool' if expr.return_bool else ''}{matching}"


def _matching(matching: Matching) -> str:
    grouped = GROUPED.get(matching.cardinality)
    text = ""
    if matching.on or matching.labels or grouped:
        text += f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if grouped:
        text += f" {grouped} ({_labels(matching.include)})"
    left, right = matching.fill_left, matching.fill_right
    if left is not None and left == right:
        return f"{text} fill ({_general_number(left)})"
    text += "" if left is None else f" fill_left ({_general_number(left)})"
    return text + ("" if right is None else f" fill_right ({_general_number(right)})")


def _general_number(value: float) -> str:
    plain = plain_number(value)
    if not math.isfinite(value) or value == 0 or _SMALL <= Decimal(repr(value)).adjusted() < _LARGE:
        return plain
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{digits}e{exponent[0]}{exponent[1:]:0>2}"


def _selector(selector: Selector) -> str:
    name = selector.name if isinstance(selector, Written) else ""
    shown = Matcher(METRIC_NAME, MatchOp.EQUAL, name)
    rest = sorted(
        f"{_label(each.name)}{each.op}{_quoted(each.value)}" for each in selector.matchers if not name or each != shown
    )
    return name + (f"{{{','.join(rest)}}}" if rest else "")


def _suffix(expr: Subquery) -> str:
    step = "" if expr.step_ms is None else _duration(expr.step_ms)
    return f"[{_duration(expr.range_ms)}:{step}]{_shift(expr)}"


def _shift(expr: Selector | Subquery) -> str:
    text = ""
    if isinstance(expr.at, Anchor):
        text = f" @ {expr.at}()"
    elif expr.at is not None:
        text = f" @ {expr.at / 1000:.3f}"
    return text + (f" offset {_duration(expr.offset_ms)}" if expr.offset_ms else "")


def _duration(milliseconds: int) -> str:
    rest, text = abs(milliseconds), ""
    for unit, size, whole in _UNITS:
        if rest >= size and not (whole and rest % size):
            text += f"{rest // size}{unit}"
            rest %= size
    return ("-" if milliseconds < 0 else "") + (text or "0s")


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(_label, names))


def _label(name: str) -> str:
    return name if is_label(name) else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if (known := _ESCAPES.get(letter)) is not None:
        return known
    if letter == " " or unicodedata.category(letter)[0] in "LMNPS":
        return letter
    code = ord(letter)
    if code < 0x80:  # noqa: PLR2004 - ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - four digits
