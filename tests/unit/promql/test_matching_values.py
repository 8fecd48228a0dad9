"""Matchers against values, with regular expressions as RE2 reads them."""

import time

import pytest

from aiops.promql.matching_values import BadRegex, satisfied, selects
from aiops.promql.syntax import Matcher, MatchOp


@pytest.mark.parametrize(
    ("op", "pattern", "satisfying", "other"),
    [
        ("=", "a.", ["a."], ["ab", ""]),
        ("!=", "a", ["b", ""], ["a"]),
        ("=~", "a|b", ["a", "b"], ["ab", ""]),
        ("!~", "a|b", ["ab", ""], ["a"]),
        ("=~", "edge-.*", ["edge-", "edge-1"], ["my-edge-1"]),
        ("=~", "[[:alpha:]]+-\\d", ["a-1"], ["a-b"]),
        ("=~", "(?i)EDGE", ["edge"], ["edg"]),
        ("=~", "a.b", ["a\nb"], ["ab"]),
        ("=~", "", [""], ["a"]),
    ],
)
def test_values(op: str, pattern: str, satisfying: list[str], other: list[str]) -> None:
    matcher = Matcher("cluster", MatchOp(op), pattern)
    assert all(satisfied(matcher, value) for value in satisfying)
    assert not any(satisfied(matcher, value) for value in other)


@pytest.mark.parametrize("pattern", ["(", "a**", "(?=a)", "\\1", "[b-a]", "((a{1000}){1000})"])
def test_what_re2_cannot_read_is_refused(pattern: str) -> None:
    with pytest.raises(BadRegex):
        satisfied(Matcher("cluster", MatchOp.REGEX, pattern), "a")
    assert selects(Matcher("cluster", MatchOp.REGEX, pattern)), "the member says what is wrong"


def test_a_hostile_pattern_takes_no_longer_than_others() -> None:
    started = time.perf_counter()
    assert not satisfied(Matcher("cluster", MatchOp.REGEX, "(a+)+b"), "a" * 63)
    assert time.perf_counter() - started < 1


def test_a_selector_needs_a_matcher_that_leaves_something_out() -> None:
    assert selects(Matcher("a", MatchOp.REGEX, ".+"))
    assert selects(Matcher("a", MatchOp.NOT_EQUAL, ""))
    assert not selects(Matcher("a", MatchOp.REGEX, ".*"))
    assert not selects(Matcher("a", MatchOp.NOT_REGEX, "b"))
