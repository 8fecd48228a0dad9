"""What is given and not evaluated, what is refused, and what a query may take."""

import numpy as np
import pytest

from aiops.promql.engine import (
    PROMETHEUS_3,
    Grid,
    Limits,
    NotEvaluable,
    OverLimit,
    Scalar,
    String,
    Vector,
    WrongType,
    evaluate,
    label_set,
    subquery_grid,
)
from aiops.promql.engine.numbers import bound_number, open_metrics_text, plain_text
from aiops.promql.parse import parse
from aiops.promql.syntax import Aggregation, Call, Subquery
from tests.unit.promql.engine.asking import Memory, series, value_of

GRID = Grid(0, 120_000, 60_000)


def gathered(*rows: list[float]) -> Vector:
    """Answers of two clusters."""
    labels = tuple(label_set([("cluster", name)]) for name in ("east", "west")[: len(rows)])
    values = np.array(rows)
    return Vector(labels, values, ~np.isnan(values))


def test_what_is_given_is_not_evaluated() -> None:
    query = parse("sum(sum by (cluster) (up)) / 2")
    inner = parse("sum by (cluster) (up)")
    value = evaluate(query, GRID, None, PROMETHEUS_3, {(inner, GRID): gathered([1, 2, np.nan], [10, 20, 30])})
    assert isinstance(value, Vector)
    assert value.values.tolist() == [[5.5, 11, 15]]


def test_what_is_given_for_other_steps_is_another_thing() -> None:
    inner = parse("up")
    with pytest.raises(NotEvaluable, match="a selector has to be evaluated"):
        evaluate(parse("sum(up)"), GRID, None, PROMETHEUS_3, {(inner, Grid.instant(0)): gathered([1])})


def test_the_inner_expression_of_a_subquery_is_given_at_its_own_steps() -> None:
    query = parse("max_over_time(sum(up)[2m:30s])")
    assert isinstance(query, Call)
    subquery = query.args[0]
    assert isinstance(subquery, Subquery)
    assert isinstance(subquery.expr, Aggregation)
    steps = subquery_grid(subquery, GRID, GRID, PROMETHEUS_3)
    known = gathered([float(step) for step in range(steps.steps)])
    value = evaluate(query, GRID, None, PROMETHEUS_3, {(subquery.expr, steps): known})
    assert isinstance(value, Vector)
    assert steps.times().tolist() == [-90_000, -60_000, -30_000, 0, 30_000, 60_000, 90_000, 120_000]
    assert value.values.tolist() == [[3, 5, 7]]


def test_a_given_selector_has_the_times_of_its_steps() -> None:
    value = evaluate(parse("timestamp(up)"), GRID, None, PROMETHEUS_3, {(parse("up"), GRID): gathered([7, 7, 7])})
    assert isinstance(value, Vector)
    assert value.values.tolist() == [[0, 60, 120]]


def test_a_given_scalar() -> None:
    known = Scalar(np.array([1.0, 2, 3]))
    value = evaluate(parse("scalar(up) + 1"), GRID, None, PROMETHEUS_3, {(parse("scalar(up)"), GRID): known})
    assert isinstance(value, Scalar)
    assert value.values.tolist() == [2, 3, 4]


def test_a_string_is_an_answer_to_an_instant_query() -> None:
    assert value_of('"text"', Grid.instant(0), []) == String("text")
    with pytest.raises(WrongType, match='"string" for range query'):
        value_of('"text"', GRID, [])


def test_what_is_given_stays_as_it_is() -> None:
    known = gathered([1, 2, 3])
    evaluate(parse("-up + up * 2"), GRID, None, PROMETHEUS_3, {(parse("up"), GRID): known})
    assert known.values.tolist() == [[1, 2, 3]]


def test_functions_that_are_not_evaluated_are_named() -> None:
    with pytest.raises(NotEvaluable, match=r"function info\(\) is not evaluated here"):
        value_of("info(up)", Grid.instant(0), [])


@pytest.mark.parametrize(
    "query",
    [
        "m",
        "sum(m) + sum(m)",
        "m + on() group_left n",
        "vector(1)",
        "max_over_time(vector(1)[1d:1s])",
        'count_values("v", m)',
    ],
)
def test_a_query_holds_no_more_samples_than_it_may(query: str) -> None:
    data = [series(f'm{{i="{place}"}}', "1x60") for place in range(10)] + [series("n", "1x60")]
    limits = Limits(samples=300)
    with pytest.raises(OverLimit, match=r"too many samples into memory.*more than 300"):
        value_of(query, Grid(0, 3_600_000, 10_000), data, limits=limits)


def test_what_is_no_longer_held_does_not_count() -> None:
    data = [series(f'm{{i="{place}"}}', "1x9") for place in range(10)]
    query = " + ".join(["sum(m)"] * 20)
    assert value_of(query, Grid(0, 540_000, 60_000), data, limits=Limits(samples=1000)) is not None


def test_a_query_looks_at_no_more_samples_than_it_may() -> None:
    data = [series("m", "1x600", every_s=1)]
    with pytest.raises(OverLimit, match="range windows would look at more than 10000 samples"):
        value_of("sum_over_time(m[10m])", Grid(0, 600_000, 1000), data, limits=Limits(visits=10_000))


def test_a_grid_without_a_step_is_an_instant_alone() -> None:
    with pytest.raises(ValueError, match="cannot have a step of 0 ms"):
        Grid(0, 60_000)
    assert Grid.instant(5).times().tolist() == [5]
    assert Grid(0, 100, 60).last_ms == 60
    assert Grid(60, 0, 60).steps == 0


def test_nothing_known_is_nothing() -> None:
    value = evaluate(parse("rate(m[5m])"), GRID, Memory(), PROMETHEUS_3)
    assert isinstance(value, Vector)
    assert (value.labels, value.values.shape) == ((), (0, 3))


@pytest.mark.parametrize(
    ("value", "plain", "canonical"),
    [
        (0.1, "0.1", "0.1"),
        (5.0, "5", "5.0"),
        (-0.0, "-0", "0.0"),
        (1e21, "1000000000000000000000", "1e+21"),
        (1e6, "1000000", "1e+06"),
        (999999.5, "999999.5", "999999.5"),
        (1767227622.937, "1767227622.937", "1.767227622937e+09"),
        (1.5e-7, "0.00000015", "1.5e-07"),
        (float("nan"), "NaN", "NaN"),
        (float("-inf"), "-Inf", "-Inf"),
    ],
)
def test_numbers_as_text(value: float, plain: str, canonical: str) -> None:
    assert (plain_text(value), open_metrics_text(value)) == (plain, canonical)


@pytest.mark.parametrize(
    ("text", "bound"), [("+Inf", float("inf")), (".5", 0.5), ("1e-3", 0.001), ("1_0", None), (" 1", None), ("", None)]
)
def test_text_as_a_bound(text: str, bound: float | None) -> None:
    assert bound_number(text) == bound
