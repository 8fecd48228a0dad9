"""Which samples a range selector or a subquery sees."""

import pytest

from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, Grid, Ranges, Rules, WrongType, subquery_grid
from aiops.promql.parse import parse
from aiops.promql.syntax import Subquery
from tests.unit.promql.engine.asking import at, only, row, series, value_of


def grid_of(query: str, outer: Grid, rules: Rules = PROMETHEUS_3, query_grid: Grid | None = None) -> Grid:
    subquery = parse(query)
    assert isinstance(subquery, Subquery)
    return subquery_grid(subquery, outer, query_grid or outer, rules)


@pytest.mark.parametrize(("rules", "count"), [(PROMETHEUS_2, 6), (PROMETHEUS_3, 5)])
def test_a_range_holds_its_start_in_generation_2_alone(rules: Rules, count: int) -> None:
    assert only("count_over_time(m[5m])", 300, series("m", "1x10"), rules=rules) == count


def test_a_range_holds_its_end() -> None:
    assert only("last_over_time(m[1m])", 60, series("m", "1 2")) == 2


def test_staleness_markers_are_no_samples_of_a_range() -> None:
    assert only("count_over_time(m[5m])", 240, series("m", "1 2 stale 4 stale")) == 3


def test_nan_is_a_sample_of_a_range() -> None:
    assert only("count_over_time(m[5m])", 120, series("m", "1 NaN 3")) == 3


def test_no_lookback_into_a_range() -> None:
    assert at("count_over_time(m[1m])", 240, series("m", "1")) == {}


def test_offset_and_at_move_the_range() -> None:
    data = series("m", "0+1x10")
    assert only("sum_over_time(m[2m] offset 1m)", 300, data) == 3 + 4
    assert row("sum_over_time(m[2m] @ 300)", (0, 120, 60), data) == [9, 9, 9]
    assert row("sum_over_time(m[2m] @ end() offset 1m)", (0, 120, 60), data) == [1, 1, 1]


def test_a_range_selector_alone_answers_an_instant_query_with_raw_samples() -> None:
    value = value_of("m[2m]", Grid.instant(180_000), [series("m", "1 2 stale 4")])
    assert isinstance(value, Ranges)
    (only_series,) = value.series
    assert (only_series.times.tolist(), only_series.values.tolist()) == ([180_000], [4])


def test_a_range_selector_alone_is_no_answer_to_a_range_query() -> None:
    with pytest.raises(WrongType, match="range vector"):
        value_of("m[2m]", Grid(0, 60_000, 60_000), [series("m", "1")])


def test_a_subquery_has_steps_at_multiples_of_its_own_step() -> None:
    assert grid_of("m[5m:1m]", Grid.instant(610_500)) == Grid(360_000, 610_500, 60_000)
    assert grid_of("m[5m:7s]", Grid(600_000, 660_000, 30_000)) == Grid(301_000, 660_000, 7_000)


@pytest.mark.parametrize(("rules", "start"), [(PROMETHEUS_2, 300_000), (PROMETHEUS_3, 360_000)])
def test_a_subquery_starts_at_its_ranges_start_in_generation_2_alone(rules: Rules, start: int) -> None:
    assert grid_of("m[5m:1m]", Grid.instant(600_000), rules) == Grid(start, 600_000, 60_000)


def test_a_subquery_without_a_step_has_the_default_one() -> None:
    assert grid_of("m[5m:]", Grid.instant(600_000), Rules(subquery_step_ms=15_000)).step_ms == 15_000


def test_a_subquery_ends_at_the_last_step_of_what_it_is_asked_for() -> None:
    assert grid_of("m[1m:20s]", Grid(0, 100_000, 60_000)) == Grid(-40_000, 60_000, 20_000)


def test_a_subquery_with_at_has_one_window_for_all_steps() -> None:
    assert grid_of("m[1m:20s] @ 100", Grid(0, 100_000, 60_000)) == Grid(60_000, 100_000, 20_000)
    outer, query = Grid(0, 60_000, 60_000), Grid(0, 500_000, 50_000)
    assert grid_of("m[1m:20s] @ end() offset 1m", outer, query_grid=query) == Grid(400_000, 440_000, 20_000)


def test_before_1970_steps_are_still_multiples() -> None:
    assert grid_of("m[1m:7s]", Grid.instant(-100_000)) == Grid(-154_000, -100_000, 7_000)


def test_a_subquery_evaluates_its_inner_expression_at_each_of_its_steps() -> None:
    data = series("m", "0+1x10")
    assert only("sum_over_time(m[3m:1m])", 300, data) == 3 + 4 + 5
    assert only("sum_over_time(m[3m:1m])", 330, data) == 3 + 4 + 5
    assert only("count_over_time(vector(1)[1m:7s])", 60, data) == 8
    assert only("max_over_time(sum_over_time(m[2m:1m])[3m:1m] offset 1m)", 300, data) == 3 + 4


def test_a_range_shorter_than_the_step_may_hold_no_step_at_all() -> None:
    assert at("max_over_time(m[5s:1m])", 30, series("m", "1")) == {}


def test_the_inner_expression_of_a_subquery_looks_back() -> None:
    assert only("count_over_time(m[3m:1m])", 180, series("m", "1")) == 3
