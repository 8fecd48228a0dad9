"""A tree as text that every Prometheus reads back to the same tree.

What is sent to a cluster is written here and nowhere else: values of matchers are the caller's, and a quote that got
out of its string would select what the caller may not see. Metric names that the grammar might take for a word of its
own, and label names beyond the classic letters, are written in the quoted forms.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

from aiops.promql.signatures import BINDING, KEYWORDS, POWER, SET_OPERATORS
from aiops.promql.syntax import (
    METRIC_NAME,
    Aggregation,
    Anchor,
    Binary,
    Call,
    Cardinality,
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

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ESCAPED: Final = re.compile(r'[\x00-\x1f"\\\x7f]')
_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_NAMED_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
# Below it a whole number is written without an exponent.
_EXACT: Final = 1e15
# Unary minus stands between `*` and `^`.
_UNARY: Final = BINDING[POWER] - 0.5
_ATOM: Final = BINDING[POWER] + 1.0
GROUPED: Final = {Cardinality.MANY_TO_ONE: "group_left", Cardinality.ONE_TO_MANY: "group_right"}


def serialize(expr: Expr, names: Mapping[Expr, str] | None = None) -> str:
    """The text of the tree.

    A sub-expression in `names` is written as that name: for people, who want to see what stands for a cluster's answer.
    """
    return _Writer(names or {}).write(expr)


def duration(milliseconds: int) -> str:
    """A duration, whole milliseconds, as PromQL writes it; `0s` for none."""
    rest, text = abs(milliseconds), ""
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return ("-" if milliseconds < 0 else "") + (text or "0s")


def quoted(text: str) -> str:
    """A string literal whose value is `text`."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: "re.Match[str]") -> str:
    letter = found.group()
    return _NAMED_ESCAPES.get(letter) or f"\\x{ord(letter):02x}"


def number(value: float) -> str:
    """A number literal."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if float(value).is_integer() and abs(value) < _EXACT and not _is_minus_zero(value):
        return str(int(value))
    return repr(float(value))


def _is_minus_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def _binding(expr: Expr) -> float:
    match expr:
        case Binary(op=op):
            return BINDING[op]
        case Negation():
            return _UNARY
        case Number(value=value) if value < 0 or _is_minus_zero(value) or math.isinf(value):
            return _UNARY  # the sign is an operator for whoever reads it
        case _:
            return _ATOM


class _Writer:
    def __init__(self, names: Mapping[Expr, str]) -> None:
        self._names = names

    def write(self, expr: Expr) -> str:  # noqa: C901, PLR0911 - one branch for each kind of node
        if self._names and expr in self._names:
            return self._names[expr]
        match expr:
            case Number(value=value):
                return number(value)
            case Text(value=value):
                return quoted(value)
            case Paren(expr=inner):
                return f"({self.write(inner)})"
            case Selector():
                return _matchers(expr.matchers) + _shift(expr.at, expr.offset_ms)
            case RangeSelector(selector=selector, range_ms=range_ms):
                if selector in self._names:
                    return f"{self._names[selector]}[{duration(range_ms)}]"
                shift = _shift(selector.at, selector.offset_ms)
                return f"{_matchers(selector.matchers)}[{duration(range_ms)}]{shift}"
            case Subquery():
                step = "" if expr.step_ms is None else duration(expr.step_ms)
                queried = self._operand(expr.expr, _ATOM)
                return f"{queried}[{duration(expr.range_ms)}:{step}]{_shift(expr.at, expr.offset_ms)}"
            case Call(function=function, args=args):
                return f"{function}({', '.join(map(self.write, args))})"
            case Negation(expr=operand):
                # Behind a minus a number would become part of it.
                binding = _ATOM + 1 if isinstance(operand, Number) else _UNARY
                return f"-{self._operand(operand, binding)}"
            case Aggregation():
                return self._aggregation(expr)
            case Binary():
                return self._binary(expr)

    def _operand(self, expr: Expr, binding: float) -> str:
        text = self.write(expr)
        return text if _binding(expr) >= binding else f"({text})"

    def _aggregation(self, expr: Aggregation) -> str:
        grouping = ""
        if expr.grouping or expr.without:
            grouping = f" {'without' if expr.without else 'by'} ({_labels(expr.grouping)}) "
        args = self.write(expr.expr) if expr.param is None else f"{self.write(expr.param)}, {self.write(expr.expr)}"
        return f"{expr.op}{grouping}({args})"

    def _binary(self, expr: Binary) -> str:
        binding = BINDING[expr.op]
        from_right = expr.op == POWER
        left = self._operand(expr.left, binding + (1 if from_right else 0))
        signed = isinstance(expr.right, Negation | Number)
        right = self.write(expr.right) if signed else self._operand(expr.right, binding + (0 if from_right else 1))
        bool_modifier = " bool" if expr.return_bool else ""
        return f"{left} {expr.op}{bool_modifier}{_matching(expr.op, expr.matching)} {right}"


def _matching(op: str, matching: Matching | None) -> str:
    if matching is None:
        return ""
    text = ""
    grouped = GROUPED.get(matching.cardinality)
    if matching.on or matching.labels or grouped or op in SET_OPERATORS or not _is_filled(matching):
        text = f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if grouped:
        text += f" {grouped} ({_labels(matching.include)})"
    for side, value in (("left", matching.fill_left), ("right", matching.fill_right)):
        text += "" if value is None else f" fill_{side} ({number(value)})"
    return text


def _is_filled(matching: Matching) -> bool:
    return matching.fill_left is not None or matching.fill_right is not None


def _matchers(matchers: tuple[Matcher, ...]) -> str:
    names = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
    bare = ""
    if len(names) == 1 and names[0].op is MatchOp.EQUAL:
        bare = names[0].value if is_metric(names[0].value) else ""
    rest = [matcher for matcher in matchers if not (bare and matcher.name == METRIC_NAME)]
    if bare and not rest:
        return bare
    return f"{bare}{{{', '.join(f'{_label(each.name)}{each.op}{quoted(each.value)}' for each in rest)}}}"


def _labels(names: tuple[str, ...]) -> str:
    # In a list of labels these are numbers, unless they are quoted.
    return ", ".join(quoted(name) if name.lower() in ("inf", "nan") else _label(name) for name in names)


def _label(name: str) -> str:
    return name if is_label(name) else quoted(name)


def is_metric(name: str) -> bool:
    """Whether a metric's name can stand without quotes: in classic letters, and no word of the grammar."""
    return _METRIC.fullmatch(name) is not None and name.lower() not in KEYWORDS


def is_label(name: str) -> bool:
    """Whether a label's name can stand without quotes."""
    return _LABEL.fullmatch(name) is not None


def _shift(at: int | Anchor | None, offset_ms: int) -> str:
    text = ""
    if isinstance(at, Anchor):
        text = f" @ {at}()"
    elif at is not None:
        seconds, rest = divmod(abs(at), 1000)
        text = f" @ {'-' if at < 0 else ''}{seconds}.{rest:03d}"
    if offset_ms:
        text += f" offset {duration(offset_ms)}"
    return text
