"""What is read as PromQL, what it becomes, and what is refused, in one error whatever is thrown at it."""

import pytest

from aiops.promql.parse import ParseError, parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import (
    METRIC_NAME,
    Aggregation,
    Anchor,
    Binary,
    Cardinality,
    Matcher,
    Matching,
    MatchOp,
    Negation,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)


def named(name: str, *matchers: Matcher) -> Selector:
    return Selector((Matcher(METRIC_NAME, MatchOp.EQUAL, name), *matchers))


X, Y = named("x"), named("y")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        (" x # a comment\n", X),
        ("+x", X),
        ("-x ^ 2", Negation(Binary("^", X, Number(2)))),
        ("-x * 2", Binary("*", Negation(X), Number(2))),
        ("-1 ^ 2", Negation(Binary("^", Number(1), Number(2)))),
        ("1--1", Binary("-", Number(1), Number(-1))),
        ("2 ^ -x * 3", Binary("*", Binary("^", Number(2), Negation(X)), Number(3))),
        ("x ^ y ^ 2", Binary("^", X, Binary("^", Y, Number(2)))),
        ("x - y - 2", Binary("-", Binary("-", X, Y), Number(2))),
        ("x or y and y", Binary("or", X, Binary("and", Y, Y))),
        ("x Unless y", Binary("unless", X, Y)),
        ("0x1F", Number(31)),
        ("0755", Number(493)),
        ("1_000", Number(1000)),
        (".5e1", Number(5)),
        ("-iNf", Number(float("-inf"))),
        ("1h30m", Number(5400)),
        (r"'it\'s\t\x41\101é\U0001f600'", Text("it's\tAAé\U0001f600")),
        (r'"\xc3\xa9"', Text("é")),
        (r"`raw\d`", Text("raw\\d")),
        (r"x{a=~`\d+`}", named("x", Matcher("a", MatchOp.REGEX, "\\d+"))),
        ('{"foo.bar", "x.y"!="b",}', named("foo.bar", Matcher("x.y", MatchOp.NOT_EQUAL, "b"))),
        ('{a="b",__name__="x"}', named("x", Matcher("a", MatchOp.EQUAL, "b"))),
        ('x{by="a",on!~"b"}', named("x", Matcher("by", MatchOp.EQUAL, "a"), Matcher("on", MatchOp.NOT_REGEX, "b"))),
        ("sum", named("sum")),
        ("sum(sum)", Aggregation("sum", named("sum"))),
        ("BY", named("BY")),
        ("a:b", named("a:b")),
        ("x offset -1h30m", Selector(X.matchers, -5_400_000)),
        ("x @ -5.0005", Selector(X.matchers, 0, -5001)),
        ("x offset 5m @ end()", Selector(X.matchers, 300_000, Anchor.END)),
        ("x[300] @ start()", RangeSelector(Selector(X.matchers, 0, Anchor.START), 300_000)),
        ("x[1d2h3m4s5ms]", RangeSelector(X, 93_784_005)),
        ("x[5m:] offset 1m", Subquery(X, 300_000, None, 60_000)),
        ("x[5m:30s]", Subquery(X, 300_000, 30_000)),
        ("topk by (a,) (2, x)", Aggregation("topk", X, Number(2), ("a",))),
        ('sum by ("inf") (x)', Aggregation("sum", X, None, ("inf",))),
        ('x{inf="a",NaN="b"}', named("x", Matcher("inf", MatchOp.EQUAL, "a"), Matcher("NaN", MatchOp.EQUAL, "b"))),
        ('SUM(x) WITHOUT ("a.b", on)', Aggregation("sum", X, None, ("a.b", "on"), True)),
        ("x == BOOL y", Binary("==", X, Y, None, True)),
        (
            "x > bool on(a) group_left y",
            Binary(">", X, Y, Matching(("a",), True, Cardinality.MANY_TO_ONE), True),
        ),
        (
            "x / ignoring(a) group_right(b) y",
            Binary("/", X, Y, Matching(("a",), False, Cardinality.ONE_TO_MANY, ("b",))),
        ),
        ("x and on() y", Binary("and", X, Y, Matching((), True, Cardinality.MANY_TO_MANY))),
        ("x + fill(-1) y", Binary("+", X, Y, Matching(fill_left=-1, fill_right=-1))),
    ],
)
def test_trees(query: str, tree: object) -> None:
    assert parse(query) == tree


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "no expression"),
        ("# nothing", "no expression"),
        ("x y", "1:3: parse error: unexpected name 'y'"),
        ("x{", "unexpected end of input in label matching"),
        ('x{a="b" or c="d"}', "'or' between matchers is not supported"),
        ("x{a=b}", "expected string"),
        ('x{a:b="c"}', "expected label"),
        ('x{__name__="y"}', "metric name must not be set twice"),
        ('{a=""}', "at least one non-empty matcher"),
        ('{a=~".*", b!="c"}', "at least one non-empty matcher"),
        ("{}", "at least one non-empty matcher"),
        ('x{a="b\n"}', "unterminated"),
        (r'x{a="\xff"}', "not valid UTF-8"),
        (r'x{a="\ud800"}', "code point"),
        (r'"\d"', "unknown escape"),
        ("`x", "unterminated raw"),
        ("x[0]", "greater than 0"),
        ("x[5m]]", "unexpected"),
        ("x[5m][5m]", "ranges only allowed for vector selectors"),
        ("x offset 5m [5m]", "no offset modifiers allowed before range"),
        ("x offset 1m offset 1m", "may not be set multiple times"),
        ("sum(x) offset 1m", "modifier must be preceded by"),
        ("x[99999999999999999d]", "duration out of range"),
        ("x[1m1h]", "not a valid duration"),
        ("x @ nan", "out of bounds"),
        ("x @ 1e18", "out of bounds"),
        ("rate(x)", "expected type range vector"),
        ("sum(x[5m])", "expected type instant vector"),
        ("-x[5m]", "unary expression only allowed"),
        ("rate(x[5m], 1)", "expected 1 argument"),
        ("label_join(x)", "at least 3"),
        ("x(y)", "unknown function"),
        ("RATE(x[5m])", "unknown function"),
        ("abs(x,)", "trailing commas"),
        ("topk(x)", "wrong number of arguments"),
        ("topk(x, x)", "expected type scalar"),
        ('count_values(1, "a")', "expected type"),
        ("1 == 1", "must use BOOL"),
        ("x + bool y", "bool modifier"),
        ("x and 1", "set operator"),
        ("x + on(a) 1", "between instant vectors"),
        ("x and on(a) group_left y", "no grouping allowed"),
        ("x + on(a) group_left(a) y", "ON and GROUP"),
        ("x + group_left(a) y", "unexpected"),
        ("sum by (inf) (x)", "unexpected number 'inf' in grouping opts"),
        ("x + on (a, NaN) y", "unexpected number 'NaN' in grouping opts"),
        ('x + "a"', "scalar and instant vector"),
        ("1[5m:1m]", "subquery is only allowed on instant vector"),
        ("x anchored", "not supported"),
        ("x[5m+1m]", "unexpected"),
        ("1e999", "out of range"),
        ("0x" + "f" * 20, "out of range"),
        ("\ud800", "unexpected character"),
    ],
)
def test_refusals(query: str, reason: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(query)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 60_000,
        "(" * 30_000 + "x" + ")" * 30_000,
        "abs(" * 15_000,
        "-" * 60_000 + "x",
        "x^" * 30_000 + "x",
        "x+" * 30_000 + "x",
        "x[1m:]" * 10_000,
        "sum by (a) (" * 5_000,
        "{" * 60_000,
        "x" * 200_000,
    ],
)
def test_hostile_queries_are_errors_like_others(query: str) -> None:
    with pytest.raises(ParseError):
        parse(query)


def test_the_deepest_tree_can_be_written_and_read() -> None:
    deep = "x" + " + x" * 98
    assert serialize(parse(deep)) == deep
    nested = "(" * 60 + "x" + ")" * 60
    assert serialize(parse(nested)) == nested
