"""How what was finished here is written: as Prometheus writes it, letter by letter."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.collector.answer_json import encode, number, numbers
from aiops.ports.collector import ResultType
from aiops.promql.engine import Grid, Scalar, Vector

GRID = Grid(1_000_000, 1_120_500, 60_250)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-12.5, "-12.5"),
        (10.05, "10.05"),
        (0.0001, "0.0001"),
        (0.00001, "0.00001"),
        (0.0000001, "1e-7"),
        (123456789012345680.0, "123456789012345680"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_written_as_prometheus_writes_them(value: float, text: str) -> None:
    assert number(value) == text
    assert numbers(np.array([value, 1.5])) == [text, "1.5"]


@given(st.lists(st.floats() | st.floats(-1e6, 1e6) | st.integers(-(10**16), 10**16).map(float)))
def test_many_numbers_are_written_as_each_is(values: list[float]) -> None:
    assert numbers(np.array(values)) == [number(value) for value in values]


def test_a_series_has_its_samples_where_it_has_them_and_no_others() -> None:
    values = np.array([[1.0, 2.0, 3.0], [4.5, 0.0, 6.0], [0.0, 0.0, 0.0]])
    present = np.array([[True, True, True], [True, False, True], [False, False, False]])
    kind, data = encode(Vector(((("a", 'quoted "é"'),), (("a", "2"),), ()), values, present), GRID)
    assert kind is ResultType.MATRIX
    assert json.loads(bytes(data)) == [
        {"metric": {"a": 'quoted "é"'}, "values": [[1000, "1"], [1060.25, "2"], [1120.5, "3"]]},
        {"metric": {"a": "2"}, "values": [[1000, "4.5"], [1120.5, "6"]]},
        {"metric": {}, "values": []},
    ]
    assert b'[1060.250,"2"]' in bytes(data)


def test_a_scalar_at_one_time_is_one_row_without_labels() -> None:
    kind, data = encode(Scalar(np.array([math.nan])), Grid(1500, 1500, 0))
    assert (kind, bytes(data)) == (ResultType.SCALAR, b'[{"metric":{},"values":[[1.500,"NaN"]]}]')
