"""Which sample an instant vector selector sees."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, Grid, Rules
from aiops.promql.engine.evaluate import evaluate
from aiops.promql.parse import parse
from tests.unit.promql.engine.asking import Memory, at, only, over, row, series


def test_the_newest_sample_counts() -> None:
    assert row("m", (0, 60, 30), series("m", "1 2", every_s=60)) == [1, 1, 2]


@pytest.mark.parametrize(("rules", "seen"), [(PROMETHEUS_2, {"m": 1.0}), (PROMETHEUS_3, {})])
def test_a_sample_of_exactly_five_minutes_ago_is_seen_by_generation_2_alone(
    rules: Rules, seen: dict[str, float]
) -> None:
    assert at("m", 300, series("m", "1"), rules=rules) == seen
    assert at("m", 299.999, series("m", "1"), rules=rules) == {"m": 1}
    assert at("m", 300.001, series("m", "1"), rules=rules) == {}


def test_lookback_is_a_rule() -> None:
    assert at("m", 90, series("m", "1"), rules=Rules(lookback_ms=60_000)) == {}


def test_a_staleness_marker_ends_the_series_at_once() -> None:
    assert row("m", (0, 180, 60), series("m", "1 stale _ 4")) == [1, None, None, 4]


def test_nan_is_a_value() -> None:
    assert math.isnan(only("m", 0, series("m", "NaN")))


def test_offset_looks_back_and_a_negative_one_ahead() -> None:
    data = series("m", "0+1x10")
    assert only("m offset 2m", 300, data) == 3
    assert only("m offset -2m", 300, data) == 7


def test_at_fixes_the_time_and_offset_counts_from_there() -> None:
    data = series("m", "0+1x10")
    assert row("m @ 240", (0, 120, 60), data) == [4, 4, 4]
    assert row("m @ 240 offset 1m", (0, 120, 60), data) == [3, 3, 3]


def test_start_and_end_are_those_of_the_whole_query() -> None:
    data = series("m", "0+1x10")
    assert row("m @ start()", (60, 200, 60), data) == [1, 1, 1]
    assert row("m @ end()", (60, 200, 60), data) == [3, 3, 3]
    assert row("max_over_time((m @ start())[3m:1m])", (60, 180, 60), data) == [1, 1, 1]


def test_a_range_answer_is_sorted_by_labels_and_leaves_out_what_has_no_sample() -> None:
    data = (series('m{a="2"}', "1"), series('m{a="1"}', "1"), series("m", "1"), series('m{a="0"}', "_ _ _ _ _ 7"))
    assert list(over("m", (0, 60, 60), *data)) == ["m", 'm{a="1"}', 'm{a="2"}']


def test_the_source_is_asked_for_the_time_that_can_count_and_no_more() -> None:
    source = Memory(series("m", "1"))
    evaluate(parse("m offset 1m"), Grid(600_000, 720_000, 60_000), source, PROMETHEUS_3)
    evaluate(parse("rate(m[5m])"), Grid(600_000, 720_000, 60_000), source, PROMETHEUS_3)
    assert source.asked == [(240_000, 660_000), (300_000, 720_000)]


def test_timestamp_of_a_selector_is_the_samples_own_time() -> None:
    data = series("m", "5", start_s=10)
    assert only("timestamp(m)", 100, data) == 10
    assert only("timestamp((m))", 100, data) == 10
    assert only("timestamp(m offset 1m)", 100, data) == 10
    assert only("timestamp(-m)", 100, data) == 100


def test_timestamp_drops_the_name() -> None:
    assert at("timestamp(m)", 0, series('m{a="b"}', "5")) == {'{a="b"}': 0}


def test_timestamp_with_at_looks_without_the_offset_at_samples_loaded_with_it() -> None:
    data = series("m", "1x20")
    assert only("timestamp(m @ 600 offset 2m)", 0, data) == 480
    assert at("timestamp(m @ 600 offset 5m)", 0, data) == {}
    assert only("timestamp(m @ 600 offset -2m)", 0, data) == 600
    assert at("timestamp(m @ 600 offset -5m)", 0, data) == {}
