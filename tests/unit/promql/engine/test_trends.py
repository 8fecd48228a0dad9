"""deriv, predict_linear and double exponential smoothing."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, InvalidParameter
from tests.unit.promql.engine.asking import at, only, row, series


def test_deriv_is_the_slope_of_a_straight_line() -> None:
    assert only("deriv(m[100m])", 3000, series("m", "0+80x10", every_s=300)) == pytest.approx(0.26666666666666666)
    assert only("deriv(m[3m])", 120, series("m", "1 5 3")) == pytest.approx(1 / 60)


def test_deriv_does_not_lose_small_slopes_of_late_times() -> None:
    late = series("m", "0+10x360", every_s=20, start_s=1_493_712_816)
    assert only("deriv(m[1h])", 1_493_712_816 + 7200, late) == pytest.approx(0.5)


def test_a_constant_has_no_slope_and_an_infinite_one_none_that_is_known() -> None:
    assert only("deriv(m[5m])", 240, series("m", "1e20 1e20 1e20")) == 0
    assert only("predict_linear(m[5m], 3600)", 240, series("m", "7x4")) == 7
    assert math.isnan(only("deriv(m[5m])", 240, series("m", "Inf Inf Inf")))


def test_predict_linear_counts_from_the_step() -> None:
    data = series("m", "0+1x10")
    assert row("predict_linear(m[5m], 60)", (300, 390, 30), data) == pytest.approx([6, 6.5, 7, 7.5])


def test_predict_linear_of_a_fixed_range_still_counts_from_the_step() -> None:
    data = series("m", "0+1x10")
    assert row("predict_linear(m[5m] @ 300, 0)", (300, 420, 60), data) == pytest.approx([5, 6, 7])


def test_one_sample_has_no_trend() -> None:
    assert at("deriv(m[1m])", 60, series("m", "1 2")) == {}
    assert at("double_exponential_smoothing(m[1m], 0.5, 0.5)", 60, series("m", "1 2")) == {}


def test_smoothing_follows_a_straight_line() -> None:
    up, down = series("m", "0+20x1000", every_s=10), series("m", "0-20x1000", every_s=10)
    assert only("double_exponential_smoothing(m[1m], 0.01, 0.1)", 8000, up) == pytest.approx(16000)
    assert only("holt_winters(m[1m], 0.01, 0.1)", 8000, down, rules=PROMETHEUS_2) == pytest.approx(-16000)


def test_smoothing_by_hand() -> None:
    level_1, slope_1 = 0.5 * 3 + 0.5 * (1 + 2), 2.0
    slope_2 = 0.5 * (level_1 - 1) + 0.5 * slope_1
    level_2 = 0.5 * 2 + 0.5 * (level_1 + slope_2)
    assert only("double_exponential_smoothing(m[5m], 0.5, 0.5)", 120, series("m", "1 3 2")) == pytest.approx(level_2)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ("0, 0.5", "invalid smoothing factor. Expected: 0 < sf < 1, got: 0.000000"),
        ("0.5, 1.5", "invalid trend factor. Expected: 0 < tf < 1, got: 1.500000"),
    ],
)
def test_factors_lie_between_nothing_and_one(factors: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        at(f"double_exponential_smoothing(m[5m], {factors})", 60, series("m", "1 2"))


def test_factors_of_no_data_are_not_looked_at() -> None:
    assert at("double_exponential_smoothing(m[5m], 7, 0.5)", 60) == {}
