"""What a series is measured against: which departures are found, how they are counted, and what is left in peace."""

import numpy as np
import pytest

from aiops.intelligence.anomaly.baseline import (
    MAX_Z,
    MIN_HISTORY,
    STEADY_Z,
    WINDOW,
    Floats,
    baseline,
    runs,
)

MINUTE = 60.0
THRESHOLDS = (3.0, 2.5, 2.0, 1.5)
# Two-sided tails of the normal distribution beyond each threshold.
NORMAL_TAILS = {3.0: 0.0027, 2.5: 0.0124, 2.0: 0.0455, 1.5: 0.1336}


def noise(seed: int, points: int = 360, *, mean: float = 10.0, sigma: float = 1.0) -> Floats:
    return np.random.default_rng(seed).normal(mean, sigma, points)


def found(values: Floats, threshold: float = 3.0, step_s: float = MINUTE) -> list[tuple[int, int]]:
    return runs(baseline(values, step_s).z, threshold)


@pytest.mark.parametrize("level", [0.0, 1.0, -3.5, 1e12, 1e-12])
def test_a_constant_series_has_no_anomaly(level: float) -> None:
    judged = baseline(np.full(360, level), MINUTE)
    assert runs(judged.z, min(THRESHOLDS)) == []
    assert judged.expected[MIN_HISTORY:] == pytest.approx(np.full(360 - MIN_HISTORY, level))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_noise_is_found_about_as_often_as_the_normal_distribution_says(threshold: float) -> None:
    shares = []
    for seed in range(60):
        z = baseline(noise(seed), MINUTE).z
        shares.append(np.mean(np.abs(z[np.isfinite(z)]) >= threshold))
    assert 0.5 * NORMAL_TAILS[threshold] < np.mean(shares) < 1.3 * NORMAL_TAILS[threshold]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_first_judged_points_are_not_found_more_often_than_later_ones(threshold: float) -> None:
    early = [np.abs(baseline(noise(seed, 30), MINUTE).z[MIN_HISTORY:]) >= threshold for seed in range(300)]
    assert np.mean(early) < 2 * NORMAL_TAILS[threshold]


def test_a_spike_and_a_drop_are_found_where_they_are() -> None:
    values = noise(1)
    values[200] += 12
    values[300] -= 12
    judged = baseline(values, MINUTE)
    assert runs(judged.z, 6.0) == [(200, 200), (300, 300)]
    assert judged.z[200] > 6
    assert judged.z[300] < -6
    assert judged.expected[200] == pytest.approx(10, abs=0.5)


def test_a_point_is_judged_by_points_before_it_alone() -> None:
    values = noise(2)
    before = baseline(values, MINUTE)
    values[250:] = 1e6
    after = baseline(values, MINUTE)
    for one, other in ((before.z, after.z), (before.expected, after.expected), (before.scale, after.scale)):
        assert np.array_equal(one[:250], other[:250], equal_nan=True)


def test_a_new_level_is_found_from_its_first_point_until_it_is_what_came_before() -> None:
    values = noise(3, 720)
    values[300:] += 10
    spans = found(values, 4.0)
    assert spans[0][0] == 300
    assert spans[-1][1] < 300 + 0.6 * WINDOW


def test_a_ramp_is_no_anomaly() -> None:
    assert found(np.arange(360.0), 1.5) == []


def test_what_comes_every_day_is_expected_and_its_absence_is_found() -> None:
    per_day = 288
    time_of_day = np.arange(6 * per_day) % per_day
    values = noise(4, 6 * per_day, sigma=0.5) + np.where((time_of_day >= 100) & (time_of_day < 130), 40.0, 0.0)
    values[5 * per_day + 100 : 5 * per_day + 130] -= 40.0
    judged = baseline(values, 300.0)
    assert judged.seasonal[3 * per_day :].all()
    last_days = [span for span in runs(judged.z, 6.0) if span[0] >= 2 * per_day + 10]
    assert last_days
    assert last_days[0][0] == pytest.approx(5 * per_day + 100, abs=3)
    assert last_days[-1][1] == pytest.approx(5 * per_day + 129, abs=3)
    assert judged.z[5 * per_day + 110] < 0


def test_without_the_earlier_days_what_came_just_before_counts() -> None:
    per_day = 288
    values = noise(5, 4 * per_day)
    values[: 2 * per_day] = np.nan
    judged = baseline(values, 300.0)
    assert not judged.seasonal.any()
    assert np.isfinite(judged.z[3 * per_day :]).all()


@pytest.mark.parametrize("step_s", [3601.0, 6 * 3600.0, 86_400.0])
def test_steps_longer_than_an_hour_know_no_time_of_day(step_s: float) -> None:
    assert not baseline(noise(6), step_s).seasonal.any()


def test_gaps_get_no_verdict_and_do_not_spoil_the_others() -> None:
    values = noise(7)
    values[100:140] = np.nan
    values[250] += 12
    judged = baseline(values, MINUTE)
    assert np.isnan(judged.z[100:140]).all()
    assert np.isfinite(judged.z[140:]).all()
    assert runs(judged.z, 6.0) == [(250, 250)]
    assert judged.known[140] == 100
    assert np.isnan(baseline(np.full(50, np.nan), MINUTE).z).all()


@pytest.mark.parametrize("points", range(MIN_HISTORY + 1))
def test_nothing_is_said_of_a_short_series(points: int) -> None:
    assert np.isnan(baseline(noise(8, points), MINUTE).z).all()


def test_the_first_verdict_comes_after_the_least_history() -> None:
    assert np.flatnonzero(np.isfinite(baseline(noise(8, 50), MINUTE).z))[0] == MIN_HISTORY


@pytest.mark.parametrize("factor", [1e-300, 1e-12, 1e12, 1e300])
def test_the_unit_of_a_series_makes_no_difference(factor: float) -> None:
    values = noise(9)
    values[300] = 1e3
    one, other = baseline(values, MINUTE), baseline(values * factor, MINUTE)
    assert other.z == pytest.approx(one.z, rel=1e-6, nan_ok=True)
    assert other.expected / factor == pytest.approx(one.expected, rel=1e-6, nan_ok=True)


def test_the_largest_numbers_there_are_do_not_hide_a_spike() -> None:
    values = noise(10, mean=0, sigma=1e290)
    values[300], values[320] = 1.7e308, -1.7e308
    judged = baseline(values, MINUTE)
    assert (judged.z[300], judged.z[320]) == (MAX_Z, -MAX_Z)


def test_leaving_a_constant_counts_the_same_however_small_the_rest_of_the_series_was() -> None:
    values = np.zeros(360)
    values[300] = 0.017
    judged = baseline(values, MINUTE)
    assert runs(judged.z, 3.0) == [(300, 300)]
    assert (judged.z[300], judged.steady[300], judged.known[300], judged.same[300]) == (STEADY_Z, True, WINDOW, WINDOW)


@pytest.mark.parametrize(("level", "now", "unusual"), [(100, 100.4, False), (100, 103, True), (1, 0, True)])
def test_a_change_out_of_a_constant_counts_by_its_share_of_the_value(level: float, now: float, unusual: bool) -> None:  # noqa: FBT001
    values = np.full(360, level, dtype=np.float64)
    values[300] = now
    assert bool(found(values, 3.0)) is unusual


def test_a_past_outlier_does_not_hide_the_next_one() -> None:
    values = np.zeros(360)
    values[100] = values[300] = 5.0
    judged = baseline(values, MINUTE)
    assert runs(judged.z, 3.0) == [(100, 100), (300, 300)]
    assert (judged.steady[300], judged.same[300]) == (True, WINDOW - 1)


def test_what_a_quantised_series_does_all_the_time_is_usual_and_more_is_not() -> None:
    values = np.where(np.random.default_rng(11).random(400) < 0.1, 4.0, 3.0)
    assert found(values[:300], 1.5) == []
    values[300] = 12.0
    judged = baseline(values, MINUTE)
    assert not judged.steady[300]
    assert judged.scale[300] == pytest.approx(1.0, rel=0.05)
    assert (300, 300) in runs(judged.z, 6.0)


def test_rounding_is_no_change() -> None:
    values = np.full(360, 0.3)
    values[::7] = 0.1 + 0.2
    judged = baseline(values, MINUTE)
    assert runs(judged.z, 1.5) == []
    assert judged.steady[MIN_HISTORY:].all()


def test_one_calm_point_or_gap_does_not_end_a_span_and_two_do() -> None:
    z = np.array([0.0, 5, 0, -5, np.nan, 5, 0, 0, 5, np.nan, np.nan])
    assert runs(z, 3.0) == [(1, 5), (8, 8)]


def test_a_long_series_is_judged_like_its_beginning() -> None:
    values = noise(12, 3000)
    whole, part = baseline(values, 1.0), baseline(values[:1500], 1.0)
    assert whole.z[:1500] == pytest.approx(part.z, nan_ok=True)
