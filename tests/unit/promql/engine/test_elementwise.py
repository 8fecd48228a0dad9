"""Functions of single numbers, and calendar functions."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, DuplicateLabels
from tests.unit.promql.engine.asking import at, only, over, row, series


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("abs(vector(-3))", 3),
        ("ceil(vector(-1.5))", -1),
        ("floor(vector(-1.5))", -2),
        ("exp(vector(1))", math.e),
        ("ln(vector(0))", -math.inf),
        ("ln(vector(-1))", math.nan),
        ("log2(vector(8))", 3),
        ("log10(vector(1000))", 3),
        ("sqrt(vector(-1))", math.nan),
        ("sgn(vector(-7))", -1),
        ("sgn(vector(NaN))", math.nan),
        ("deg(vector(pi()))", 180),
        ("rad(vector(180))", math.pi),
        ("atanh(vector(1))", math.inf),
        ("acosh(vector(0.5))", math.nan),
        ("sinh(vector(1))", 1.1752011936438014),
        ("round(vector(2.5))", 3),
        ("round(vector(-2.5))", -2),
        ("round(vector(23), 5)", 25),
        ("round(vector(0.25), 0.1)", 0.3),
        ("clamp(vector(7), 1, 5)", 5),
        ("clamp_min(vector(7), 9)", 9),
        ("clamp_max(vector(7), 3)", 3),
        ("clamp(vector(NaN), 1, 5)", math.nan),
        ("clamp_max(vector(NaN), -Inf)", -math.inf),
        ("max_of(NaN, Inf)", math.inf),
        ("min_of(1, NaN)", math.nan),
    ],
)
def test_a_number_becomes_another(query: str, expected: float) -> None:
    assert only(query, 0) == pytest.approx(expected, nan_ok=True)


def test_a_range_that_is_upside_down_clamps_to_nothing() -> None:
    assert at("clamp(m, 5, 1)", 0, series("m", "3")) == {}


def test_bounds_may_change_from_step_to_step() -> None:
    data = (series("m", "5 5 5"), series("low", "1 9 7"), series("high", "3 6 9"))
    assert row("clamp(m, scalar(low), scalar(high))", (0, 120, 60), *data) == [3, None, 7]


def test_the_name_is_dropped_and_with_it_in_generation_3_type_and_unit() -> None:
    data = series('m{__type__="gauge",__unit__="s",a="b"}', "1")
    assert list(at("abs(m)", 0, data)) == ['{a="b"}']
    assert list(at("abs(m)", 0, data, rules=PROMETHEUS_2)) == ['{__type__="gauge",__unit__="s",a="b"}']


def test_two_series_that_differ_in_their_name_alone_cannot_both_lose_it() -> None:
    data = (series("m1", "1 2"), series("m2", "1 2"))
    with pytest.raises(DuplicateLabels, match="vector cannot contain metrics with the same labelset"):
        at('abs({__name__=~"m."})', 0, *data)


def test_but_they_become_one_series_if_they_never_meet() -> None:
    data = (series("m1", "1 2 stale"), series("m2", "_ _ 3 4"))
    assert over('abs({__name__=~"m."})', (0, 180, 60), *data) == {"{}": [1, 2, 3, 4]}
    assert over('-{__name__=~"m."}', (0, 180, 60), *data) == {"{}": [-1, -2, -3, -4]}


def test_generation_2_refuses_that_for_a_sign_and_for_functions_of_ranges() -> None:
    data = (series("m1", "1 2 stale"), series("m2", "_ _ 3 4"))
    for query in ('-{__name__=~"m."}', 'sum_over_time({__name__=~"m."}[1m])'):
        with pytest.raises(DuplicateLabels):
            over(query, (0, 180, 60), *data, rules=PROMETHEUS_2)
    assert over('abs({__name__=~"m."})', (0, 180, 60), *data, rules=PROMETHEUS_2) == {"{}": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("year", 2024),
        ("month", 2),
        ("day_of_month", 29),
        ("day_of_week", 4),
        ("day_of_year", 60),
        ("days_in_month", 29),
        ("hour", 23),
        ("minute", 59),
    ],
)
def test_parts_of_the_leap_day_of_2024(function: str, expected: float) -> None:
    assert only(f"{function}(vector(1709251199))", 0) == expected
    assert only(f"{function}()", 1_709_251_199.9) == expected


def test_times_before_1970_and_centuries_without_a_leap_day() -> None:
    assert only("year(vector(-1))", 0) == 1969
    assert only("minute(vector(-0.5))", 0) == 0
    assert only("day_of_year(vector(-2203891200))", 0) == 60
    assert only("days_in_month(vector(-2206310400))", 0) == 28


def test_what_is_no_time_has_the_parts_that_prometheus_gives_it() -> None:
    assert only("year(vector(NaN))", 0) == 292277026596
    assert only("hour(vector(2^70))", 0) == 15


def test_time_and_constants() -> None:
    assert row("time()", (0, 90, 30)) == [0, 30, 60, 90]
    assert only("pi()", 0) == math.pi


def test_a_query_can_ask_for_its_own_range() -> None:
    assert [row(f"{name}()", (60, 150, 60))[1] for name in ("start", "end", "range", "step")] == [60, 150, 90, 60]
    assert [only(f"{name}()", 60) for name in ("start", "end", "range", "step")] == [60, 60, 0, 0]
    assert row("max_over_time(vector(step())[5m:1m])", (600, 690, 30)) == [30, 30, 30, 30]
