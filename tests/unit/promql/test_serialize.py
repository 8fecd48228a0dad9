"""What is written is read back as the same tree, whatever values a caller put in; no quote ends a string early."""

import re

import msgspec
import pytest
from hypothesis import given, settings

from aiops.promql.parse import parse
from aiops.promql.serialize import duration, number, quoted, serialize
from aiops.promql.syntax import (
    METRIC_NAME,
    Binary,
    Call,
    Expr,
    Matcher,
    MatchOp,
    Negation,
    Number,
    Paren,
    Selector,
    Text,
)
from tests.unit.promql.trees import TEXTS, vectors


def without_parens(value: object) -> object:
    """Parentheses are added where a tree cannot be written otherwise; the meaning is that of the tree without."""
    if isinstance(value, Paren):
        return without_parens(value.expr)
    if isinstance(value, msgspec.Struct):
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return type(value)(*(without_parens(field) for field in fields))
    if isinstance(value, tuple):
        return tuple(map(without_parens, value))
    return value


@given(vectors())
@settings(max_examples=300, deadline=None)
def test_every_tree_is_read_back(tree: Expr) -> None:
    text = serialize(tree)
    assert without_parens(parse(text)) == without_parens(tree)
    assert serialize(parse(text)) == text


@given(TEXTS)
def test_a_string_stays_one_string(value: str) -> None:
    assert parse(quoted(value)) == Text(value)


@pytest.mark.parametrize(
    "value",
    ['b"} or y{c="d', "b\\", 'b\\"} or y{c=\\"d', "b\n", "`", "\x00", '"', "\\\\\\"],
)
def test_a_value_cannot_end_its_selector(value: str) -> None:
    tree = Selector((Matcher(METRIC_NAME, MatchOp.EQUAL, "x"), Matcher("ns", MatchOp.EQUAL, value)))
    assert parse(serialize(tree)) == tree


@pytest.mark.parametrize("name", ['a="b"} or y{c', "x.y", "é", 'a"'])
def test_a_label_name_cannot_end_its_selector_or_grouping(name: str) -> None:
    tree = Selector((Matcher(METRIC_NAME, MatchOp.EQUAL, "x"), Matcher(name, MatchOp.EQUAL, "1")))
    assert parse(serialize(tree)) == tree


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("x[5m:]", "x[5m:]"),
        ("x[90s:1h30m] offset -5m @ end()", "x[1m30s:1h30m] @ end() offset -5m"),
        ("x @ -5.0005", "x @ -5.001"),
        ("sum(x)by(a)", "sum by (a) (x)"),
        ("sum by () (x)", "sum(x)"),
        ("sum without () (x)", "sum without () (x)"),
        ("a+on(b)group_left c", "a + on (b) group_left () c"),
        ("a and on() c", "a and on () c"),
        ("a > bool 1", "a > bool 1"),
        ("a + fill(1) b", "a + fill_left (1) fill_right (1) b"),
        ('{__name__="sum"}', '{__name__="sum"}'),
        ('{"x.y"}', '{__name__="x.y"}'),
        ('{__name__=~"x.*"}', '{__name__=~"x.*"}'),
        ("1e400m", None),
        ("-1^2", "-1 ^ 2"),
    ],
)
def test_forms(query: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(ValueError, match="parse error"):
            parse(query)
        return
    written = serialize(parse(query))
    assert written == text


def test_trees_of_ours_get_the_parentheses_that_they_need() -> None:
    x = Selector((Matcher(METRIC_NAME, MatchOp.EQUAL, "x"),))
    assert serialize(Binary("*", Binary("+", x, x), x)) == "(x + x) * x"
    assert serialize(Binary("-", x, Binary("-", x, x))) == "x - (x - x)"
    assert serialize(Binary("^", Number(-1), Number(2))) == "(-1) ^ 2"
    assert serialize(Negation(Number(1))) == "-(1)"
    assert serialize(Negation(Binary("*", x, x))) == "-(x * x)"
    assert serialize(Call("abs", (Negation(x),))) == "abs(-x)"


def test_numbers_and_durations() -> None:
    assert [number(value) for value in (1.0, -0.0, 1e22, 0.1, float("inf"), float("-inf"), float("nan"))] == [
        "1",
        "-0.0",
        "1e+22",
        "0.1",
        "+Inf",
        "-Inf",
        "NaN",
    ]
    assert [duration(value) for value in (1, 90_061_001, 0, -60_000)] == ["1ms", "1d1h1m1s1ms", "0s", "-1m"]


def test_what_stands_for_an_answer_can_be_named() -> None:
    tree = parse("sum(a) / sum(b)")
    assert isinstance(tree, Binary)
    assert serialize(tree, {tree.left: "$1"}) == "$1 / sum(b)"


def test_nothing_but_escapes_leaves_printable_letters() -> None:
    assert re.fullmatch(r'"[ -~]*"', quoted('\x00\x1f\x7f"\\'))
