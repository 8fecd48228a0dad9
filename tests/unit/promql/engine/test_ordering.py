"""Order of instant vectors, and what a vector is when it is empty or has one sample."""

import math

import pytest

from aiops.promql.engine.ordering import naturally_before
from tests.unit.promql.engine.asking import at, only, over, row, series

VALUES = [series(f'm{{n="{place}"}}', value) for place, value in enumerate(("3", "NaN", "1", "2"))]


def order(query: str) -> str:
    """The numbers of the series."""
    return "".join(labels.split('"')[1] for labels in at(query, 0, *VALUES))


def test_sorted_by_value_with_nan_last_both_ways() -> None:
    assert order("sort(m)") == "2301"
    assert order("sort_desc(m)") == "0321"


def test_the_order_survives_what_is_done_afterwards() -> None:
    assert order("sort(m) * 2") == "2301"


def test_a_range_is_sorted_by_labels_whatever_it_asks() -> None:
    assert list(over("sort_desc(m)", (0, 60, 60), *VALUES)) == [f'm{{n="{place}"}}' for place in range(4)]


def test_labels_are_sorted_as_people_do() -> None:
    data = [series(f'm{{n="{name}"}}', "1") for name in ("v10", "v2", "v1", "a")]
    assert [labels.split('"')[1] for labels in at('sort_by_label(m, "n")', 0, *data)] == ["a", "v1", "v2", "v10"]
    assert [labels.split('"')[1] for labels in at('sort_by_label_desc(m, "n")', 0, *data)] == ["v10", "v2", "v1", "a"]


def test_equal_labels_leave_it_to_the_others() -> None:
    data = [series('m{a="2",b="1"}', "1"), series('m{a="1",b="2"}', "1"), series('m{a="1",b="1"}', "1")]
    assert list(at('sort_by_label(m, "b")', 0, *data)) == ['m{a="1",b="1"}', 'm{a="2",b="1"}', 'm{a="1",b="2"}']
    assert list(at('sort_by_label(m, "c")', 0, *data)) == ['m{a="1",b="1"}', 'm{a="1",b="2"}', 'm{a="2",b="1"}']


@pytest.mark.parametrize(
    ("left", "right"),
    [("2", "10"), ("a2", "a10"), ("1", "a"), ("a1b", "a1c"), ("a", "a1"), ("x-2-b", "x-10-a"), ("", "a")],
)
def test_runs_of_digits_are_numbers(left: str, right: str) -> None:
    assert naturally_before(left, right)
    assert not naturally_before(right, left)


@pytest.mark.parametrize(
    ("argument", "labels"),
    [
        ("nothing", "{}"),
        ('nothing{a="b",c=~"d",e!="f"}', '{a="b"}'),
        ('nothing{a="b",a="c"}', "{}"),
        ('nothing{a=~"b",a="c"}', '{a="c"}'),
        ('(nothing{a="b"})', '{a="b"}'),
        ('nothing{a=""}', "{}"),
        ('nothing{a="b"} > 1', "{}"),
        ("sum(nothing)", "{}"),
    ],
)
def test_absent_says_what_was_asked_for(argument: str, labels: str) -> None:
    assert at(f"absent({argument})", 0) == {labels: 1}


def test_absent_step_by_step() -> None:
    data = (series('m{a="1"}', "1 stale _ 1"), series('m{a="2"}', "_ 1 stale"))
    assert row('absent(m{x!="y"})', (0, 180, 60), *data) == [None, None, 1, None]
    assert over("absent(m)", (0, 60, 60), *data) == {}


def test_absent_over_time() -> None:
    data = series('m{a="1"}', "1 _ _ _ 5")
    assert over('absent_over_time(m{a="1"}[1m])', (0, 240, 60), data) == {'{a="1"}': [None, 1, 1, 1, None]}
    assert over('absent_over_time(m{a="1"}[1m:30s])', (540, 600, 60), data) == {"{}": [None, 1]}
    assert at("absent_over_time(nothing[5m])", 0) == {"{}": 1}
    assert at("absent_over_time(m[5m] @ 60)", 9000, data) == {}


def test_a_vector_of_one_is_a_scalar() -> None:
    data = (series('m{a="1"}', "3 3 stale"), series('m{a="2"}', "_ 4 NaN"))
    found = row("scalar(m)", (0, 120, 60), *data)
    assert found[0] == 3
    assert all(math.isnan(value) for value in found[1:] if value is not None)
    assert math.isnan(only("scalar(nothing)", 0))
    assert only("vector(scalar(n))", 0, series("n", "7")) == 7
