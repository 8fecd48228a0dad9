"""rate, increase, delta, irate and idelta. Figures are those of Prometheus' own tests where they have any."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, Rules
from tests.unit.promql.engine.asking import at, only, row, series

BOTH = pytest.mark.parametrize("rules", [PROMETHEUS_2, PROMETHEUS_3])


@pytest.mark.parametrize(("rules", "per_second"), [(PROMETHEUS_2, 0.081), (PROMETHEUS_3, 0.08)])
def test_rate_counts_what_a_counter_had_before_it_fell(rules: Rules, per_second: float) -> None:
    data = series("m", "0+27x4 0+27x5", every_s=300)
    assert only("rate(m[50m])", 3000, data, rules=rules) == pytest.approx(per_second)


def test_a_reset_at_the_ranges_end_alone_is_no_rate() -> None:
    data = series("m", "0+10x9 0 10", every_s=300)
    assert at("rate(m[5m])", 3000, data) == {}
    assert only("rate(m[6m])", 3000, data) == 0


def test_rate_is_per_second() -> None:
    assert only("rate(m[50m])", 3000, series("m", "0+80x10", every_s=300)) == pytest.approx(0.26666666666666666)


@pytest.mark.parametrize(("begin", "expected"), [(0, 0.5), (60, 0.55), (120, 0.6), (180, 0.6), (240, 0.6), (300, 0.6)])
def test_nothing_is_extrapolated_past_the_counters_zero(begin: int, expected: float) -> None:
    assert only("rate(m[20m])", 600, series("m", f"{begin}+240x10", every_s=240)) == pytest.approx(expected)


def test_half_an_interval_is_added_where_a_series_begins_or_ends() -> None:
    gauge = series("m", "0+1x4", every_s=60, start_s=300)
    assert only("delta(m[20m])", 900, gauge) == pytest.approx(4 * (240 + 30 + 30) / 240)


def test_the_whole_gap_is_filled_where_the_next_sample_would_be_outside() -> None:
    assert only("delta(m[5m])", 330, series("m", "0+1x10")) == pytest.approx(4 * (240 + 30 + 30) / 240)


def test_generations_differ_in_what_limits_the_extrapolation_first() -> None:
    data = series("m", "1 100 200", every_s=60, start_s=300)
    two = only("increase(m[10m])", 420, data, rules=PROMETHEUS_2)
    three = only("increase(m[10m])", 420, data, rules=PROMETHEUS_3)
    assert two == pytest.approx(three) == pytest.approx(199 + 1)
    late = series("m", "60 120 180", every_s=60, start_s=300)
    assert only("increase(m[10m])", 420, late, rules=PROMETHEUS_2) == pytest.approx(120 * (120 + 60) / 120)
    assert only("increase(m[10m])", 420, late, rules=PROMETHEUS_3) == pytest.approx(120 * (120 + 30) / 120)


@BOTH
def test_delta_falls_as_it_rises(rules: Rules) -> None:
    data = (series('m{p="foo"}', "0+50x4", every_s=300), series('m{p="bar"}', "200-50x4", every_s=300))
    assert at("delta(m[20m])", 1200, *data, rules=rules) == pytest.approx({'{p="foo"}': 200, '{p="bar"}': -200})


def test_one_sample_is_no_rate() -> None:
    for function in ("rate", "increase", "delta", "irate", "idelta"):
        assert at(f"{function}(m[1m])", 60, series("m", "1 2")) == {}


def test_irate_is_of_the_last_two_samples() -> None:
    assert only("irate(m[50m])", 3000, series("m", "0+10x10", every_s=300)) == pytest.approx(1 / 30)
    assert only("irate(m[50m])", 1800, series("m", "0+10x5 0+10x5", every_s=300)) == 0
    assert only("irate(m[50m])", 2100, series("m", "0+10x5 7 3", every_s=300)) == pytest.approx(3 / 300)


def test_idelta_is_not_of_a_counter() -> None:
    assert only("idelta(m[20m])", 900, series("m", "0 50 100 50", every_s=300)) == -50


def test_nan_is_no_reset() -> None:
    data = series("m", "1 NaN NaN 5 11", every_s=300)
    found = row("irate(m[15m1s])", (0, 1200, 300), data)
    assert found == pytest.approx([None, math.nan, math.nan, math.nan, 0.02], nan_ok=True)


def test_resets_are_added_one_after_the_other() -> None:
    # The other way round 1e100 would swallow the 1 before it is itself made up for.
    assert only("increase(m[4m])", 180, series("m", "1e100 1 0 3")) == pytest.approx(1 * 240 / 180)


def test_the_name_is_dropped() -> None:
    assert list(at("rate(m[5m])", 300, series('m{a="b"}', "0+1x5"))) == ['{a="b"}']


def test_a_subquery_has_a_rate() -> None:
    assert only("rate(m[5m:1m])", 600, series("m", "0+60x10")) == pytest.approx(1)
