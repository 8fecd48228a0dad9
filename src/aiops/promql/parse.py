"""Text of PromQL to a tree: recursive descent over the tokens, with Prometheus' precedences and refusals.

It bounds nesting and size before anything recurses, so that a hostile query is an error like any other. It refuses what
no two Prometheus agree on (`or` inside braces, arithmetic in durations, the experimental `anchored` and `smoothed`):
a query that is planned here must mean one thing at every member.

Source: Prometheus, `promql/parser/generated_parser.y`.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import structs

from aiops.promql.cursor import Cursor
from aiops.promql.lex import Kind, ParseError, Token
from aiops.promql.matching_values import selects
from aiops.promql.signatures import AGGREGATIONS, BINDING, COMPARISONS, FUNCTIONS, KEYWORDS, POWER, SET_OPERATORS
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
from aiops.promql.typecheck import problem
from aiops.promql.written import Plus, Span, Written

__all__ = ["MAX_DEPTH", "ParseError", "parse"]

# Far beyond what people write. Whoever walks a tree may recurse: a few frames a level stay below Python's thousand.
MAX_DEPTH: Final = 100
# Of brackets and right-hand sides, each of which costs this parser up to eight frames.
_MAX_NESTING: Final = 64
_UNARY_BINDING: Final = BINDING[POWER]
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NO_METRIC: Final = frozenset(("on", "ignoring", "bool", "group_left", "group_right", "atan2"))


def parse(text: str, *, as_written: bool = False) -> Expr:
    """The tree of a query, which with `as_written` has the nodes of `written` too.

    Raises:
        ParseError: it is no PromQL, or more deeply nested than `MAX_DEPTH`.

    """
    return _Parser(text, as_written=as_written).query()


class _Parser(Cursor):
    def __init__(self, text: str, *, as_written: bool) -> None:
        super().__init__(text)
        self._as_written = as_written
        self._nesting = 0
        self._depths: dict[int, int] = {}
        self._kept: list[Expr] = []  # while it is alive, no other node gets its id

    def query(self) -> Expr:
        if self.peek().kind is Kind.END:
            self.fail("no expression found in input")
        expr = self._expression(0)
        if self.peek().kind is not Kind.END:
            self.unexpected()
        return expr

    # Nodes

    def _made(self, expr: Expr, token: Token, *children: Expr) -> Expr:
        """The node, if it is well typed and not too deep."""
        depth = 1 + max((self._depths[id(child)] for child in children), default=0)
        if depth > MAX_DEPTH:
            self.fail(f"the query is nested more than {MAX_DEPTH} levels deep", token)
        if (reason := problem(expr)) is not None:
            self.fail(reason, token)
        self._depths[id(expr)] = depth
        self._kept.append(expr)
        return expr

    def _nested(self, read: Callable[[], Expr]) -> Expr:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            self.fail(f"the query is nested more than {_MAX_NESTING} levels deep")
        expr = read()
        self._nesting -= 1
        return expr

    def _expression(self, binding: int) -> Expr:
        """Everything that binds tighter than `binding`."""
        left = self._unary()
        while (op := self._operator()) is not None and BINDING[op] > binding:
            token = self.take()
            matching, return_bool = self._modifiers(op)
            tighter = BINDING[op] - (op == POWER)
            right = self._nested(partial(self._expression, tighter))
            left = self._made(Binary(op, left, right, matching, return_bool), token, left, right)
        return left

    def _operator(self) -> str | None:
        token = self.peek()
        word = token.word.lower()
        return word if token.kind in (Kind.SIGN, Kind.NAME) and word in BINDING else None

    def _unary(self) -> Expr:
        if not self.is_sign("-", "+"):
            return self._postfix()
        sign = self.take()
        # Looser than `^`: the operand takes all powers that follow.
        operand = self._nested(partial(self._expression, _UNARY_BINDING - 1))
        if sign.word == "+":
            if (reason := problem(Negation(operand))) is not None:
                self.fail(reason, sign)
            written = self._as_written and not isinstance(operand, Number)
            return self._made(Plus(operand), sign, operand) if written else operand
        if isinstance(operand, Number):
            return self._made(structs.replace(operand, value=-operand.value), sign)
        return self._made(Negation(operand), sign, operand)

    def _postfix(self) -> Expr:
        expr = self._primary()
        seen: set[str] = set()
        while True:
            token = self.peek()
            if self.is_sign("["):
                expr, seen = self._range(expr, seen), set()
            elif self.is_sign("@"):
                self.take()
                expr = self._shifted(expr, token, at=self.at())
            elif self.is_word("offset"):
                self.take()
                expr = self._shifted(expr, token, offset_ms=self.offset())
            elif self.is_word("anchored", "smoothed"):
                self.fail(f"the experimental modifier {token.word!r} is not supported")
            else:
                return expr
            if token.word != "[":
                if token.word.lower() in seen:
                    self.fail(f"{token.word.lower()} may not be set multiple times", token)
                seen.add(token.word.lower())

    def _shifted(
        self, expr: Expr, token: Token, *, at: int | Anchor | None = None, offset_ms: int | None = None
    ) -> Expr:
        inner = expr.selector if isinstance(expr, RangeSelector) else expr
        if not isinstance(inner, Selector | Subquery):
            what = "offset" if at is None else "@"
            self.fail(
                f"{what} modifier must be preceded by an instant vector selector or range vector selector or subquery",
                token,
            )
        moved = structs.replace(
            inner,
            offset_ms=inner.offset_ms if offset_ms is None else offset_ms,
            at=inner.at if at is None else at,
        )
        if isinstance(moved, Subquery):
            return self._made(moved, token, moved.expr)
        return self._made(RangeSelector(moved, expr.range_ms) if isinstance(expr, RangeSelector) else moved, token)

    def _range(self, expr: Expr, seen: set[str]) -> Expr:
        token = self.take()
        range_ms = self.duration()
        if self.accept(":"):
            step_ms = None if self.is_sign("]") else self.duration()
            self.expect("]", "subquery selector")
            return self._made(Subquery(expr, range_ms, step_ms), token, expr)
        self.expect("]", "matrix selector")
        if not isinstance(expr, Selector):
            self.fail("ranges only allowed for vector selectors", token)
        if seen:
            self.fail(f"no {min(seen)} modifiers allowed before range", token)
        return self._made(RangeSelector(expr, range_ms), token)

    # Primaries

    def _primary(self) -> Expr:  # noqa: RET503 - what it does not know it refuses
        token = self.peek()
        match token.kind:
            case Kind.NUMBER:
                kind = Span if self._as_written and token.duration_ms is not None else Number
                return self._made(kind(self.take().value), token)
            case Kind.TEXT:
                return self._made(Text(self.take().word), token)
            case Kind.SIGN if token.word == "(":
                self.take()
                inner = self._nested(partial(self._expression, 0))
                self.expect(")", "parentheses")
                return self._made(Paren(inner), token, inner)
            case Kind.SIGN if token.word == "{":
                return self._selector(None)
            case Kind.NAME:
                return self._named()
            case _:
                self.unexpected()

    def _named(self) -> Expr:
        token = self.peek()
        word = token.word.lower()
        follows = self.peek(1)
        opens = follows.kind is Kind.SIGN and follows.word == "("
        if word in AGGREGATIONS and (opens or self.is_word("by", "without", ahead=1)):
            return self._aggregation()
        if opens and (word not in KEYWORDS or token.word in FUNCTIONS):
            if token.word not in FUNCTIONS:
                self.fail(f'unknown function with name "{token.word[:80]}"')
            self.take()
            args = self._arguments()
            return self._made(Call(token.word, args), token, *args)
        if word in _NO_METRIC:
            self.unexpected()
        return self._selector(self.take())

    def _arguments(self) -> tuple[Expr, ...]:
        self.expect("(", "function call")
        args: list[Expr] = []
        while not self.accept(")"):
            args.append(self._nested(partial(self._expression, 0)))
            if not self.is_sign(")"):
                self.expect(",", "function call")
                if self.is_sign(")"):
                    self.fail("trailing commas not allowed in function call args")
        return tuple(args)

    def _aggregation(self) -> Expr:
        token = self.take()
        op = token.word.lower()
        grouping = self._grouping()
        args = self._arguments()
        if grouping is None:
            grouping = self._grouping()
        without, labels = grouping or (False, ())
        wanted = 1 if AGGREGATIONS[op] is None else 2
        if len(args) != wanted:
            reason = f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {len(args)}"
            self.fail(reason, token)
        return self._made(Aggregation(op, args[-1], args[0] if wanted > 1 else None, labels, without), token, *args)

    def _grouping(self) -> tuple[bool, tuple[str, ...]] | None:
        if not self.is_word("by", "without"):
            return None
        without = self.take().word.lower() == "without"
        return without, self._labels()

    def _labels(self) -> tuple[str, ...]:
        self.expect("(", "grouping opts")
        labels: list[str] = []
        while not self.accept(")"):
            labels.append(self._label("grouping opts", Kind.NAME))
            if not self.is_sign(")"):
                self.expect(",", "grouping opts")
        return tuple(labels)

    def _label(self, where: str, *kinds: Kind) -> str:
        token = self.peek()
        quoted = token.kind is Kind.TEXT and token.word != ""
        if not quoted and not (token.kind in kinds and _LABEL.fullmatch(token.word)):
            self.unexpected(f"{where}, expected label")
        return self.take().word

    # Operators' modifiers

    def _modifiers(self, op: str) -> tuple[Matching | None, bool]:
        return_bool = self.is_word("bool")
        if return_bool:
            self.take()
        on: bool | None = None
        labels: tuple[str, ...] = ()
        include: tuple[str, ...] = ()
        cardinality = Cardinality.MANY_TO_MANY if op in SET_OPERATORS else Cardinality.ONE_TO_ONE
        if self.is_word("on", "ignoring"):
            on = self.take().word.lower() == "on"
            labels = self._labels()
            if self.is_word("group_left", "group_right"):
                left = self.take().word.lower() == "group_left"
                cardinality = Cardinality.MANY_TO_ONE if left else Cardinality.ONE_TO_MANY
                include = self._labels() if self.is_sign("(") else ()
        fills = self._fills()
        if return_bool and op not in COMPARISONS:
            self.fail("bool modifier can only be used on comparison operators")
        if on is None and not fills:
            return None, return_bool
        return (
            Matching(labels, bool(on), cardinality, include, fills.get("left"), fills.get("right")),
            return_bool,
        )

    def _fills(self) -> dict[str, float]:
        fills: dict[str, float] = {}
        while self.is_word("fill", "fill_left", "fill_right"):
            ahead = self.peek(1)
            if not (ahead.kind is Kind.SIGN and ahead.word == "("):
                break
            token = self.take()
            sides = {"fill": ("left", "right"), "fill_left": ("left",), "fill_right": ("right",)}[token.word.lower()]
            if set(sides) & set(fills):
                self.fail("a side's fill may not be set multiple times", token)
            self.expect("(", "fill modifier")
            sign = self.signed()
            if self.peek().kind is not Kind.NUMBER:
                self.unexpected("fill modifier, expected number")
            value = self.take()
            self.expect(")", "fill modifier")
            fills |= dict.fromkeys(sides, sign * value.value)
        return fills

    # Selectors

    def _selector(self, name: Token | None) -> Expr:
        start = self.peek() if name is None else name
        matchers = [] if name is None else [Matcher(METRIC_NAME, MatchOp.EQUAL, name.word)]
        quoted = 0
        if self.accept("{"):
            while not self.accept("}"):
                matcher, bare = self._matcher()
                quoted += bare
                matchers.append(matcher)
                if self.is_word("or"):
                    self.fail("'or' between matchers is not supported; write two selectors joined by the operator or")
                if not self.is_sign("}"):
                    self.expect(",", "label matching")
        names = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
        in_front = "" if name is None else name.word
        written = (*matchers[1:], matchers[0]) if in_front else tuple(matchers)
        if len(names) > 1 and (name is not None or quoted):
            self.fail(f'metric name must not be set twice: "{names[0].value}" or "{names[1].value}"', start)
        if len(names) == 1 and names[0].op is MatchOp.EQUAL:
            matchers = [*names, *(matcher for matcher in matchers if matcher.name != METRIC_NAME)]
        if not any(selects(matcher) for matcher in matchers):
            self.fail("vector selector must contain at least one non-empty matcher", start)
        return self._made(Written(written, name=in_front) if self._as_written else Selector(tuple(matchers)), start)

    def _matcher(self) -> tuple[Matcher, bool]:
        token = self.peek()
        # Inf and NaN are numbers to the lexer; between braces they are names like others.
        name = self._label("label matching", Kind.NAME, Kind.NUMBER)
        if token.kind is Kind.TEXT and self.is_sign(",", "}"):
            return Matcher(METRIC_NAME, MatchOp.EQUAL, name), True
        if not self.is_sign(*MatchOp):
            self.unexpected("label matching, expected label matching operator")
        op = MatchOp(self.take().word)
        value = self.peek()
        if value.kind is not Kind.TEXT:
            self.unexpected("label matching, expected string")
        return Matcher(name, op, self.take().word), False
