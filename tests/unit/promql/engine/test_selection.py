"""topk, bottomk, limitk and limit_ratio."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, InvalidParameter, Rules, SeriesData
from aiops.promql.engine.hashing import sampling_offset, xxh64
from tests.unit.promql.engine.asking import at, over, series


def members(*values: float) -> list[SeriesData]:
    return [series(f'm{{n="{place}"}}', str(value)) for place, value in enumerate(values)]


def chosen(query: str, *values: float, rules: Rules = Rules()) -> str:  # noqa: B008 -- frozen
    """The numbers of the series that are kept, in order."""
    return "".join(labels.split('"')[1] for labels in at(query, 0, *members(*values), rules=rules))


def test_the_largest_come_in_descending_and_the_smallest_in_ascending_order() -> None:
    assert chosen("topk(3, m)", 5, 1, 9, 7) == "230"
    assert chosen("bottomk(2, m)", 5, 1, 9, 7) == "10"


def test_nan_is_kept_only_where_there_is_room() -> None:
    assert chosen("topk(2, m)", math.nan, 1, 9) == "21"
    assert chosen("bottomk(3, m)", math.nan, 1, 9) == "120"


def test_groups_and_labels() -> None:
    data = [series('m{g="a",n="1"}', "1"), series('m{g="a",n="2"}', "2"), series('m{g="b",n="3"}', "0")]
    assert at("topk by (g) (1, m)", 0, *data) == {'m{g="a",n="2"}': 2, 'm{g="b",n="3"}': 0}


def test_of_equals_the_heap_decides_as_prometheus_heap_does() -> None:
    assert chosen("topk(1, m)", 4, 4, 4) == "0"
    # The greater one takes the place of the first, not of the last.
    assert chosen("topk(2, m)", 1, 1, 2) == "21"


def test_generations_differ_in_what_a_nan_gives_way_to() -> None:
    assert chosen("topk(1, m)", math.nan, math.nan) == "0"
    assert chosen("topk(1, m)", math.nan, math.nan, rules=PROMETHEUS_2) == "1"


def test_each_step_has_its_own_choice() -> None:
    data = (series('m{a="1"}', "1 5 5"), series('m{a="2"}', "2 2 2"), series('m{a="3"}', "0 3 _"), series("k", "1 2 3"))
    assert over("topk(1, m)", (0, 120, 60), *data) == {'m{a="1"}': [None, 5, 5], 'm{a="2"}': [2, None, None]}
    assert over("bottomk(scalar(k), m)", (0, 120, 60), *data) == {
        'm{a="1"}': [None, None, 5],
        'm{a="2"}': [None, 2, 2],
        'm{a="3"}': [0, 3, 3],
    }


def test_equals_are_chosen_the_same_way_over_a_range_as_at_an_instant() -> None:
    data = members(1, 1, 2)
    kept = over("topk(2, m)", (0, 60, 60), *data)
    assert set(kept) == set(at("topk(2, m)", 0, *data))


@pytest.mark.parametrize("count", ["0", "-1", "0.9"])
def test_less_than_one_is_none(count: str) -> None:
    assert at(f"topk({count}, m)", 0, *members(1, 2)) == {}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("topk(NaN, m)", "Parameter value is NaN"),
        ("bottomk(Inf, m)", r"Scalar value \+Inf overflows int64"),
        ("limit_ratio(NaN, m)", "Ratio value is NaN"),
    ],
)
def test_what_is_no_count_is_refused(query: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        at(query, 0, *members(1, 2))


def test_generation_2_calls_nan_an_overflow() -> None:
    with pytest.raises(InvalidParameter, match="Scalar value NaN overflows int64"):
        at("topk(NaN, m)", 0, *members(1, 2), rules=PROMETHEUS_2)


def test_limitk_keeps_the_first_that_are_there() -> None:
    data = (series('m{a="1"}', "_ 1"), series('m{a="2"}', "2 2"), series('m{a="3"}', "3 3"))
    assert over("limitk(2, m)", (0, 60, 60), *data) == {
        'm{a="1"}': [None, 1],
        'm{a="2"}': [2, 2],
        'm{a="3"}': [3, None],
    }


def test_a_ratio_and_its_complement_keep_everything_once() -> None:
    data = members(*range(20))
    kept, rest = at("limit_ratio(0.3, m)", 0, *data), at("limit_ratio(-0.7, m)", 0, *data)
    assert not set(kept) & set(rest)
    assert len(kept) + len(rest) == 20
    assert len(at("limit_ratio(1, m)", 0, *data)) == 20
    assert at("limit_ratio(0, m)", 0, *data) == {}


def test_a_ratio_draws_by_the_hash_of_the_labels() -> None:
    # Vectors that the algorithm's implementations publish.
    assert xxh64(b"") == 0xEF46DB3751D8E999
    assert xxh64(b"abc") == 0x44BC2CF5AD770999
    assert xxh64(b"Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1
    assert 0 <= sampling_offset((("a", "x" * 300),)) < 1
