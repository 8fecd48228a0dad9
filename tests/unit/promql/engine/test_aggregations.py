"""Aggregations that make one series of each group, and count_values."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, InvalidParameter, Rules
from tests.unit.promql.engine.asking import at, only, over, series

BOTH = pytest.mark.parametrize("rules", [PROMETHEUS_2, PROMETHEUS_3])
FLEET = (
    series('m{job="api",pod="1"}', "1 5"),
    series('m{job="api",pod="2"}', "3 _"),
    series('m{job="db",pod="1"}', "7 NaN"),
)


def of(operator: str, *values: float, rules: Rules = PROMETHEUS_3) -> float:
    """An aggregation of one sample each."""
    data = [series(f'm{{n="{place}"}}', str(value)) for place, value in enumerate(values)]
    return only(operator.replace("@", "m"), 0, *data, rules=rules)


def test_by_keeps_labels_and_without_drops_them() -> None:
    assert at("sum(m)", 0, *FLEET) == {"{}": 11}
    assert at("sum by (job) (m)", 0, *FLEET) == {'{job="api"}': 4, '{job="db"}': 7}
    assert at("sum without (job) (m)", 0, *FLEET) == {'{pod="1"}': 8, '{pod="2"}': 3}
    assert at("sum by (nope, job) (m)", 0, *FLEET) == {'{job="api"}': 4, '{job="db"}': 7}
    assert at("sum by (__name__) (m)", 0, *FLEET) == {"m": 11}
    assert len(at("sum without () (m)", 0, *FLEET)) == 3


def test_a_group_is_there_while_one_of_its_series_is() -> None:
    data = (series('m{a="1"}', "1 stale _ 4"), series('m{a="2"}', "1 2 stale"))
    assert over("sum(m)", (0, 180, 60), *data) == {"{}": [2, 2, None, 4]}
    assert over("count(m)", (0, 180, 60), *data) == {"{}": [2, 1, None, 1]}


@BOTH
@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("sum(@)", (1, 2, math.nan), math.nan),
        ("sum(@)", (1, math.inf, -math.inf), math.nan),
        ("avg(@)", (8, 10, 12), 10),
        ("avg(@)", (0, math.inf, math.inf, 0), math.inf),
        ("avg(@)", (math.inf, -math.inf), math.nan),
        ("avg(@)", (9.9e307, 9.9e307, 9.9e307, 9.9e307), 9.9e307),
        ("min(@)", (math.nan, 3, 1), 1),
        ("max(@)", (math.nan, 3, 1), 3),
        ("max(@)", (math.nan, math.nan), math.nan),
        ("min(@)", (5, -math.inf), -math.inf),
        ("count(@)", (math.nan, 3, 1), 3),
        ("group(@)", (7, 8), 1),
        ("stddev(@)", (1, 3, 5), math.sqrt(8 / 3)),
        ("stdvar(@)", (1, 3, 5), 8 / 3),
        ("stdvar(@)", (1, math.nan, 5), math.nan),
        ("quantile(0.8, @)", (0, 1, 4), 2.8),
        ("quantile(0.5, @)", (4, 1), 2.5),
        ("quantile(-1, @)", (4, 1), -math.inf),
        ("quantile(2, @)", (4, 1), math.inf),
        ("quantile(NaN, @)", (4, 1), math.nan),
        ("quantile(0.2, @)", (0, 1, math.nan), math.nan),
        ("quantile(1, @)", (0, 1, math.nan), 1),
    ],
)
def test_values_of_a_group_become_one(rules: Rules, operator: str, values: tuple[float, ...], expected: float) -> None:
    assert of(operator, *values, rules=rules) == pytest.approx(expected, nan_ok=True)


def test_sums_carry_their_rounding_error_since_generation_3() -> None:
    assert of("sum(@)", 1, 1e100, 1, -1e100) == 2
    assert of("sum(@)", 1, 1e100, 1, -1e100, rules=PROMETHEUS_2) == 0
    assert of("avg(@)", 1, 1e100, 1, -1e100) == 0.5


def test_negative_zeros_add_up_to_one_in_generation_2_alone() -> None:
    for query, values in (("sum(@)", (-0.0, -0.0)), ("avg(@)", (-0.0,))):
        assert str(of(query, *values, rules=PROMETHEUS_2)) == "-0.0"
        assert str(of(query, *values)) == "0.0"


@pytest.mark.parametrize("operator", ["max(@)", "min(@)"])
def test_of_zeros_with_both_signs_the_first_stays(operator: str) -> None:
    assert str(of(operator, -0.0, 0.0, -0.0)) == "-0.0"
    assert str(of(operator, 0.0, -0.0)) == "0.0"
    assert str(of(operator, math.nan, -0.0, 0.0)) == "-0.0"
    assert str(of(operator, 1.0, 0.0, -0.0) if operator == "min(@)" else of(operator, -1.0, 0.0, -0.0)) == "0.0"


def test_one_sample_that_is_no_number_has_no_deviation_in_generation_2() -> None:
    assert of("stddev(@)", math.nan, rules=PROMETHEUS_2) == 0
    assert math.isnan(of("stddev(@)", math.nan))
    assert math.isnan(of("stdvar(@)", math.inf))


def test_the_quantile_may_change_from_step_to_step() -> None:
    data = (series('m{a="1"}', "1x2"), series('m{a="2"}', "5x2"), series("q", "0 0.5 1"))
    assert over("quantile(scalar(q), m)", (0, 120, 60), *data) == {"{}": [1, 3, 5]}


VERSIONS = (
    series('v{pod="1"}', "6 7"),
    series('v{pod="2"}', "6 NaN"),
    series('v{pod="3"}', "0.25 1e21"),
)


def test_values_are_counted_under_a_label() -> None:
    assert at('count_values("v", v)', 0, *VERSIONS) == {'{v="6"}': 2, '{v="0.25"}': 1}
    assert over('count_values("v", v)', (0, 60, 60), *VERSIONS) == {
        '{v="0.25"}': [1, None],
        '{v="1000000000000000000000"}': [None, 1],
        '{v="6"}': [2, None],
        '{v="7"}': [None, 1],
        '{v="NaN"}': [None, 1],
    }


def test_the_label_of_the_value_takes_the_place_of_another() -> None:
    assert at('count_values by (pod) ("pod", v)', 0, *VERSIONS) == {'{pod="6"}': 2, '{pod="0.25"}': 1}
    assert at('count_values without (pod) ("pod", v)', 0, *VERSIONS) == {"{}": 3}
    assert len(at('count_values by (pod) ("v", v)', 0, *VERSIONS)) == 3


def test_the_label_of_the_value_needs_a_name() -> None:
    with pytest.raises(InvalidParameter, match="invalid label name"):
        at('count_values("a-b", v)', 0, *VERSIONS, rules=PROMETHEUS_2)


@pytest.mark.parametrize("query", ["sum(m)", "avg by (a) (m)", "stddev(m)", "quantile(0.5, m)", 'count_values("v", m)'])
def test_nothing_of_nothing(query: str) -> None:
    assert at(query, 0) == {}
