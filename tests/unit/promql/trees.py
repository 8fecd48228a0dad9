"""Any tree that a parser may make of a query, for property tests."""

from functools import partial

from hypothesis import strategies as st

from aiops.promql.signatures import COMPARISONS, SET_OPERATORS
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

# Quotes, braces, backslashes, line ends and letters of several bytes: what could get out of a string.
TEXTS = st.text(st.sampled_from("ab0 \"'`\\{}()[],=~!#\n\t\x00\x7féß漢\U0001f600"), max_size=12)
CLASSIC_NAMES = st.sampled_from(["foo", "up", "node_cpu:rate5m", "sum", "by", "on", "offset", "start", "bool", "nan"])
LABELS = st.sampled_from(["a", "job", "le", "by", "on", "sum", "exported_cluster", "inf"])
# Prometheus 2 has no form for a label of that name in a list.
GROUPED_LABELS = LABELS.filter(lambda name: name != "inf")
# Prometheus 3 keeps a duration as float64 seconds on its way through the parser: from 2^23 seconds (97 days) on, that
# cannot hold every millisecond to the nanosecond, and one that comes out too short is cut to the millisecond below.
RANGES_MS = st.one_of(st.integers(1, 2**23 * 1000), st.integers(1, 10**8).map(lambda seconds: seconds * 1000))
OFFSETS_MS = st.one_of(st.just(0), st.integers(-(10**9), 10**9))
TIMES = st.one_of(st.none(), st.sampled_from(Anchor), st.integers(-(10**10), 10**13))
NUMBERS = st.floats(allow_nan=False).map(Number)


@st.composite
def selectors(draw: st.DrawFn, *, classic: bool) -> Selector:
    names = CLASSIC_NAMES if classic else st.one_of(CLASSIC_NAMES, TEXTS.filter(bool))
    labels = LABELS if classic else st.one_of(LABELS, TEXTS.filter(bool))
    ops = st.sampled_from((MatchOp.EQUAL, MatchOp.NOT_EQUAL))
    rest = st.builds(Matcher, labels.filter(lambda name: name != METRIC_NAME), ops, TEXTS)
    matchers = (Matcher(METRIC_NAME, MatchOp.EQUAL, draw(names)), *draw(st.lists(rest, max_size=3)))
    return Selector(matchers, draw(OFFSETS_MS), draw(TIMES))


@st.composite
def matchings(draw: st.DrawFn, op: str) -> Matching | None:
    on = draw(st.sampled_from((None, True, False)))
    if on is None:
        return None
    labels = tuple(draw(st.lists(GROUPED_LABELS, max_size=2)))
    if op in SET_OPERATORS:
        return Matching(labels, on, Cardinality.MANY_TO_MANY)
    if not on and not labels:
        return Matching()  # the formatter of Prometheus 2 forgets a group modifier behind an empty `ignoring`
    cardinality = draw(st.sampled_from((Cardinality.ONE_TO_ONE, Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)))
    include = tuple(draw(st.lists(GROUPED_LABELS.filter(lambda name: name not in labels), max_size=2)))
    return Matching(labels, on, cardinality, () if cardinality is Cardinality.ONE_TO_ONE else include)


@st.composite
def _vector_operations(draw: st.DrawFn, inner: st.SearchStrategy[Expr]) -> Expr:
    op = draw(st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<=", "and", "or", "unless"]))
    left, right = draw(inner), draw(inner)
    if op not in SET_OPERATORS and draw(st.booleans()):
        return Binary(op, left, draw(NUMBERS), None, op in COMPARISONS and draw(st.booleans()))
    return Binary(op, left, right, draw(matchings(op)), op in COMPARISONS and draw(st.booleans()))


@st.composite
def _aggregations(draw: st.DrawFn, inner: st.SearchStrategy[Expr]) -> Expr:
    op = draw(st.sampled_from(["sum", "avg", "topk", "quantile", "count_values"]))
    param: Expr | None = None
    if op in ("topk", "quantile"):
        param = draw(NUMBERS)
    elif op == "count_values":
        param = Text(draw(TEXTS))
    return Aggregation(op, draw(inner), param, tuple(draw(st.lists(GROUPED_LABELS, max_size=2))), draw(st.booleans()))


@st.composite
def _calls(draw: st.DrawFn, inner: st.SearchStrategy[Expr], *, classic: bool) -> Expr:
    match draw(st.sampled_from(["rate", "abs", "clamp_max", "label_replace", "max_over_time"])):
        case "rate":
            return Call("rate", (RangeSelector(draw(selectors(classic=classic)), draw(RANGES_MS)),))
        case "abs":
            return Call("abs", (draw(inner),))
        case "clamp_max":
            return Call("clamp_max", (draw(inner), draw(NUMBERS)))
        case "label_replace":
            return Call("label_replace", (draw(inner), *(Text(draw(TEXTS)) for _ in range(4))))
        case _:
            queried = draw(inner)
            if isinstance(queried, Binary | Negation):
                queried = Paren(queried)
            step = draw(st.one_of(st.none(), RANGES_MS))
            return Call("max_over_time", (Subquery(queried, draw(RANGES_MS), step, draw(OFFSETS_MS), draw(TIMES)),))


def vectors(*, classic: bool = False) -> st.SearchStrategy[Expr]:
    """Instant vectors; `classic` names are those that every release of Prometheus takes."""
    return st.recursive(
        selectors(classic=classic),
        lambda inner: st.one_of(
            st.builds(Paren, inner),
            st.builds(Negation, inner),
            _vector_operations(inner),
            _aggregations(inner),
            partial(_calls, classic=classic)(inner),
        ),
        max_leaves=8,
    )
