"""Functions that reduce a window to one number."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, Rules
from tests.unit.promql.engine.asking import at, only, row, series

BOTH = pytest.mark.parametrize("rules", [PROMETHEUS_2, PROMETHEUS_3])


def reduced(function: str, samples: str, rules: Rules = PROMETHEUS_3) -> float:
    """A function over all of those samples."""
    begin, _, rest = function.partition("(")
    arguments = f"{rest.removesuffix(')')}, " if rest else ""
    return only(f"{begin}({arguments}m[1h])", 3000, series("m", samples, every_s=10, start_s=10), rules=rules)


@BOTH
@pytest.mark.parametrize(
    ("function", "samples", "expected"),
    [
        ("sum_over_time", "1 2 3 4 5", 15),
        ("sum_over_time", "1 1e100 1 -1e100", 2),
        ("avg_over_time", "1 2 3 4 5", 3),
        ("avg_over_time", "1 2 3 4 Inf", math.inf),
        ("avg_over_time", "1 2 3 Inf -Inf", math.nan),
        ("avg_over_time", "9.9e307 9.9e307 9.9e307 9.9e307", 9.9e307),
        ("avg_over_time", "Inf Inf -5", math.inf),
        ("min_over_time", "NaN 3 1 2", 1),
        ("max_over_time", "NaN 3 1 2", 3),
        ("max_over_time", "NaN NaN", math.nan),
        ("max_over_time", "-Inf 5 Inf", math.inf),
        ("count_over_time", "NaN 3 1 2", 4),
        ("last_over_time", "1 2 3", 3),
        ("present_over_time", "7 8", 1),
        ("stddev_over_time", "0 8 8 2 3", 3.2496153618543842),
        ("stdvar_over_time", "0 8 8 2 3", 10.56),
        ("stddev_over_time", "1.5990505637277868 1.5990505637277868 1.5990505637277868", 0),
        ("stdvar_over_time", "1 NaN", math.nan),
        ("changes", "1 2 2 3 NaN NaN 3", 4),
        ("resets", "1 2 0 5 NaN 1 0", 2),
        ("quantile_over_time(0.5", "4 1 3", 3),
        ("quantile_over_time(0.75", "0 1 2", 1.5),
        ("quantile_over_time(-1", "0 1 2", -math.inf),
        ("quantile_over_time(2", "0 1 2", math.inf),
        ("quantile_over_time(NaN", "0 1 2", math.nan),
        ("quantile_over_time(0", "5 NaN 3", math.nan),
        ("quantile_over_time(1", "5 NaN 3", 5),
    ],
)
def test_a_window_becomes_one_number(rules: Rules, function: str, samples: str, expected: float) -> None:
    assert reduced(function, samples, rules) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("function", "samples", "expected"),
    [
        ("first_over_time", "1 2 3", 1),
        ("mad_over_time", "4 6 2 1 999 1 2", 1),
        ("mad_over_time", "1 NaN 3", math.nan),
        ("ts_of_first_over_time", "1 2 3", 10),
        ("ts_of_last_over_time", "1 2 3", 30),
        ("ts_of_max_over_time", "1 3 3 NaN", 30),
        ("ts_of_min_over_time", "1 3 1 2", 30),
        ("ts_of_max_over_time", "NaN NaN", 20),
        ("integral", "0 1 1e100 1 -1e100 1 0", 30),
        ("integral", "1 3 5", 60),
        ("integral", "NaN 1 NaN", 10),
        ("integral", "1e308 1.2e308", 1.1e309),
    ],
)
def test_generation_3_knows_more(function: str, samples: str, expected: float) -> None:
    assert reduced(function, samples) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("strategy", "expected"), [(0, 40), (1, 80), (2, 60), (1.5, 60)])
def test_an_integral_is_of_left_or_right_points_or_of_trapezoids(strategy: float, expected: float) -> None:
    assert only(f"integral(m[1h], {strategy})", 100, series("m", "1 3 5", every_s=10)) == pytest.approx(expected)


def test_generation_2_interpolates_with_weight_nothing() -> None:
    assert math.isnan(reduced("quantile_over_time(0.5", "1 2 Inf", PROMETHEUS_2))
    assert reduced("quantile_over_time(0.5", "1 2 Inf", PROMETHEUS_3) == 2


def test_a_parameter_may_change_from_step_to_step() -> None:
    data = (series("m", "1 2 3 4 5"), series("q", "0 0 0 1 1"))
    assert row("quantile_over_time(scalar(q), m[10m])", (120, 240, 60), *data) == [1, 4, 5]


def test_windows_of_many_lengths_are_told_apart() -> None:
    data = series("m", "1 _ 3 4 _ _ 7 8")
    assert row("quantile_over_time(1, m[3m])", (0, 420, 60), data) == [1, 1, 3, 4, 4, 4, 7, 8]
    assert row("sum_over_time(m[3m])", (0, 420, 60), data) == [1, 1, 4, 7, 7, 4, 7, 15]


def test_first_and_last_keep_the_name() -> None:
    data = series('m{a="b"}', "1 2")
    assert list(at("last_over_time(m[5m])", 60, data)) == ['m{a="b"}']
    assert list(at("first_over_time(m[5m])", 60, data)) == ['m{a="b"}']
    assert list(at("max_over_time(m[5m])", 60, data)) == ['{a="b"}']


@pytest.mark.parametrize("function", ["max_over_time", "min_over_time"])
def test_of_zeros_with_both_signs_the_first_stays(function: str) -> None:
    assert str(only(f"{function}(m[5m])", 240, series("m", "-0.0 0 -0.0 0"))) == "-0.0"
    assert str(only(f"{function}(m[5m])", 240, series("m", "0 -0.0 0 -0.0"))) == "0.0"
    assert str(only(f"{function}(m[1m])", 60, series("m", "0 -0.0 0 -0.0"))) == "-0.0"
