"""Quantiles and fractions of classic histograms."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, DuplicateLabels, Rules, SeriesData
from tests.unit.promql.engine.asking import at, only, row, series

BOTH = pytest.mark.parametrize("rules", [PROMETHEUS_2, PROMETHEUS_3])


def histogram(counts: dict[str, str], labels: str = "") -> list[SeriesData]:
    return [series(f'h_bucket{{le="{bound}"{labels}}}', samples) for bound, samples in counts.items()]


POSITIVE = histogram({"0.1": "50", ".2": "70", "1e0": "110", "+Inf": "120"})
NEGATIVE = histogram({"-.2": "10", "-0.1": "20", "0.3": "20", "+Inf": "30"})


@BOTH
@pytest.mark.parametrize(
    ("q", "positive", "negative"),
    [
        (-0.1, -math.inf, -math.inf),
        (1.01, math.inf, math.inf),
        (math.nan, math.nan, math.nan),
        (0, 0, -0.2),
        (0.2, 0.048, -0.2),
        (0.5, 0.15, -0.15),
        (0.8, 0.72, 0.3),
        (1, 1, 0.3),
    ],
)
def test_a_quantile_is_interpolated_in_its_bucket(rules: Rules, q: float, positive: float, negative: float) -> None:
    for data, expected in ((POSITIVE, positive), (NEGATIVE, negative)):
        assert only(f"histogram_quantile({q}, h_bucket)", 0, *data, rules=rules) == pytest.approx(expected, nan_ok=True)


@BOTH
@pytest.mark.parametrize(
    "counts",
    [
        {"0.1": "1", "1": "2"},
        {"+Inf": "5"},
        {"0.1": "0", "1": "0", "+Inf": "0"},
    ],
)
def test_no_upper_end_no_bounds_or_no_observations_have_no_quantile(rules: Rules, counts: dict[str, str]) -> None:
    assert math.isnan(only("histogram_quantile(0.5, h_bucket)", 0, *histogram(counts), rules=rules))


def test_what_is_no_bound_is_left_out() -> None:
    data = [*POSITIVE, *histogram({"abc": "7", "1_0": "9"}), series("h_bucket", "3")]
    assert at("histogram_quantile(0.5, h_bucket)", 0, *data) == pytest.approx({"{}": 0.15})


def test_one_bound_written_in_several_ways_is_one_bucket() -> None:
    data = histogram({"0.1": "10", "2e-1": "10", "0.2": "10", "+Inf": "40"})
    assert only("histogram_quantile(0.5, h_bucket)", 0, *data) == pytest.approx(0.2)


@BOTH
def test_counts_that_fall_are_levelled(rules: Rules) -> None:
    data = histogram({"1": "10", "2": "5", "3": "20", "+Inf": "20"})
    assert only("histogram_quantile(0.75, h_bucket)", 0, *data, rules=rules) == pytest.approx(2.5)


def test_noise_is_no_observation_since_generation_3() -> None:
    data = histogram({"1": "1000000000000", "2": "1000000000000.0002", "+Inf": "1000000000000.0002"})
    assert only("histogram_quantile(1, h_bucket)", 0, *data) == pytest.approx(1)
    assert only("histogram_quantile(1, h_bucket)", 0, *data, rules=PROMETHEUS_2) == pytest.approx(2)


def test_each_step_has_the_buckets_that_are_there() -> None:
    data = histogram({"1": "10 10 10", "2": "10 stale 10", "4": "20 20 20", "+Inf": "20 20 stale"})
    found = row("histogram_quantile(0.75, h_bucket)", (0, 120, 60), *data)
    assert found == pytest.approx([3, 2.5, math.nan], nan_ok=True)


def test_histograms_are_told_apart_by_all_other_labels() -> None:
    data = [*histogram({"1": "4", "+Inf": "4"}, ',a="x"'), *histogram({"1": "0", "2": "4", "+Inf": "4"}, ',a="y"')]
    assert at("histogram_quantile(0.5, h_bucket)", 0, *data) == pytest.approx({'{a="x"}': 0.5, '{a="y"}': 1.5})
    twin = [*POSITIVE, *[series(f'g_bucket{{le="{bound}"}}', "1") for bound in ("1", "+Inf")]]
    with pytest.raises(DuplicateLabels):
        at('histogram_quantile(0.5, {__name__=~"._bucket"})', 0, *twin)


def test_the_quantile_may_change_from_step_to_step() -> None:
    data = histogram({"1": "4x2", "2": "8x2", "+Inf": "8x2"})
    assert row("histogram_quantile(scalar(q), h_bucket)", (0, 120, 60), *data, series("q", "0.25 0.5 1")) == [0.5, 1, 2]


def test_several_quantiles_at_once() -> None:
    found = at('histogram_quantiles(h_bucket, "q", 0.5, 1, 0.00001)', 0, *POSITIVE)
    assert found == pytest.approx({'{q="0.5"}': 0.15, '{q="1.0"}': 1, '{q="1e-05"}': 2.4e-06})
    with pytest.raises(DuplicateLabels):
        at(
            'histogram_quantiles(h_bucket, "a", 0, 1)',
            0,
            *histogram({"1": "4", "+Inf": "4"}, ',a="x"'),
            *histogram({"1": "4", "+Inf": "4"}, ',a="y"'),
        )


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        ("-Inf", "Inf", 1),
        ("0", "0.1", 50 / 120),
        ("0.05", "0.2", 45 / 120),
        ("0.2", "0.6", 20 / 120),
        ("1", "Inf", 10 / 120),
        ("-3", "0.1", 50 / 120),
        ("1", "0", 0),
        ("NaN", "1", math.nan),
    ],
)
def test_a_fraction_lies_between_two_values(lower: str, upper: str, expected: float) -> None:
    found = only(f"histogram_fraction({lower}, {upper}, h_bucket)", 0, *POSITIVE)
    assert found == pytest.approx(expected, nan_ok=True)


def test_generation_2_has_no_fractions_of_classic_histograms() -> None:
    assert at("histogram_fraction(0, 1, h_bucket)", 0, *POSITIVE, rules=PROMETHEUS_2) == {}


@pytest.mark.parametrize("function", ["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev"])
def test_floats_are_no_native_histograms(function: str) -> None:
    assert at(f"{function}(h_bucket)", 0, *POSITIVE) == {}
