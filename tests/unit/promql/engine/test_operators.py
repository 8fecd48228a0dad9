"""Binary operators: between scalars, with scalars, and between vectors that match."""

import math

import pytest

from aiops.promql.engine import PROMETHEUS_2, ManyToMany, MultipleMatches
from tests.unit.promql.engine.asking import at, only, over, row, series


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("-5 % 3", -2),
        ("5 % -3", 2),
        ("5 % 0", math.nan),
        ("1 / 0", math.inf),
        ("-1 / 0", -math.inf),
        ("1 atan2 -1", 3 * math.pi / 4),
        ("1 < bool 2", 1),
        ("NaN == bool NaN", 0),
        ("NaN != bool NaN", 1),
    ],
)
def test_scalars(query: str, expected: float) -> None:
    assert only(query, 0) == pytest.approx(expected, nan_ok=True)


def test_arithmetic_drops_the_name_and_comparison_keeps_it() -> None:
    data = series('m{a="b"}', "5")
    assert at("m * 2", 0, data) == {'{a="b"}': 10}
    assert at("2 - m", 0, data) == {'{a="b"}': -3}
    assert at("m > 2", 0, data) == {'m{a="b"}': 5}
    assert at("2 < m", 0, data) == {'m{a="b"}': 5}
    assert at("m < 2", 0, data) == {}
    assert at("m > bool 2", 0, data) == {'{a="b"}': 1}
    assert at("m < bool 2", 0, data) == {'{a="b"}': 0}


def test_atan2_keeps_the_name_in_generation_2() -> None:
    assert list(at("m atan2 2", 0, series("m", "1"))) == ["{}"]
    assert list(at("m atan2 2", 0, series("m", "1"), rules=PROMETHEUS_2)) == ["m"]


def test_a_comparison_filters_step_by_step() -> None:
    assert row("m > 2", (0, 180, 60), series("m", "1 3 NaN 5")) == [None, 3, None, 5]


ERRORS = (
    series('errors{method="get",code="500"}', "24"),
    series('errors{method="get",code="404"}', "30"),
    series('errors{method="put",code="501"}', "3"),
    series('errors{method="post",code="500"}', "6"),
)
REQUESTS = (
    series('requests{method="get"}', "600"),
    series('requests{method="del"}', "34"),
    series('requests{method="post"}', "120"),
)


def test_one_to_one() -> None:
    assert at('errors{code="500"} / ignoring(code) requests', 0, *ERRORS, *REQUESTS) == pytest.approx(
        {'{method="get"}': 0.04, '{method="post"}': 0.05}
    )
    assert at('errors{code="500"} / on(method) requests', 0, *ERRORS, *REQUESTS) == pytest.approx(
        {'{method="get"}': 0.04, '{method="post"}': 0.05}
    )


def test_many_to_one() -> None:
    expected = {
        '{code="500",method="get"}': 0.04,
        '{code="404",method="get"}': 0.05,
        '{code="500",method="post"}': 0.05,
    }
    assert at("errors / ignoring(code) group_left requests", 0, *ERRORS, *REQUESTS) == pytest.approx(expected)
    swapped = {labels: 1 / value for labels, value in expected.items()}
    assert at("requests / ignoring(code) group_right errors", 0, *ERRORS, *REQUESTS) == pytest.approx(swapped)


def test_group_takes_labels_along_and_drops_those_that_the_one_side_has_not() -> None:
    data = (series('m{i="1",v="old"}', "2"), series('info{i="1",v="new"}', "1"))
    assert at("m * on(i) group_left(v, w) info", 0, *data) == {'{i="1",v="new"}': 2}
    assert at("m * on(i) group_left(w) info", 0, *data) == {'{i="1",v="old"}': 2}
    assert at("info * on(i) group_right(v) m", 0, *data) == {'{i="1",v="new"}': 2}
    bare = (series('m{i="1",v="old"}', "2"), series('info{i="1"}', "1"))
    assert at("m * on(i) group_left(v) info", 0, *bare) == {'{i="1"}': 2}


def test_a_comparison_between_vectors_keeps_the_left_value_whichever_side_is_many() -> None:
    data = (series('m{i="1",p="a"}', "2"), series('n{i="1"}', "1"))
    assert at("m > on(i) group_left n", 0, *data) == {'m{i="1",p="a"}': 2}
    assert at("n < on(i) group_right m", 0, *data) == {'m{i="1",p="a"}': 1}


def test_partners_may_change_over_time() -> None:
    data = (
        series('m{i="1"}', "1x4"),
        series('info{i="1",v="old"}', "1 1 stale"),
        series('info{i="1",v="new"}', "_ _ 1 1 1"),
    )
    assert over("m * on(i) group_left(v) info", (0, 240, 60), *data) == {
        '{i="1",v="new"}': [None, None, 1, 1, 1],
        '{i="1",v="old"}': [1, 1, None, None, None],
    }
    assert over("m * on(i) info", (0, 240, 60), *data) == {'{i="1"}': [1, 1, 1, 1, 1]}


def test_several_on_both_sides_are_refused() -> None:
    message = (
        r'found duplicate series for the match group \{method="get"\} on the right hand-side of the operation: '
        r'\[\{__name__="errors", code="404", method="get"\}, \{__name__="errors", code="500", method="get"\}\]'
        r";many-to-many matching not allowed: matching labels must be unique on one side"
    )
    with pytest.raises(ManyToMany, match=message):
        at("requests / on(method) errors", 0, *ERRORS, *REQUESTS)
    with pytest.raises(ManyToMany, match="on the left hand-side"):
        at("errors / on(method) group_right requests", 0, *ERRORS, *REQUESTS)


def test_nothing_on_the_other_side_is_no_reason_to_refuse() -> None:
    assert at("requests / on(method) errors", 0, *ERRORS) == {}


def test_many_to_one_has_to_be_asked_for() -> None:
    with pytest.raises(MultipleMatches, match="many-to-one matching must be explicit"):
        at("errors / on(method) requests", 0, *ERRORS, *REQUESTS)


def test_results_of_one_group_must_be_told_apart() -> None:
    data = (series('m{i="1",v="a"}', "1"), series('m{i="1",v="b"}', "1"), series('info{i="1",v="c"}', "1"))
    with pytest.raises(MultipleMatches, match="grouping labels must ensure unique matches"):
        at("m * on(i) group_left(v) info", 0, *data)


def test_generation_2_filters_before_it_counts_matches() -> None:
    data = (series('m{i="1",v="a"}', "1"), series('m{i="1",v="b"}', "9"), series('n{i="1"}', "5"))
    assert at("m > on(i) n", 0, *data, rules=PROMETHEUS_2) == {'{i="1"}': 9}
    with pytest.raises(MultipleMatches):
        at("m > on(i) n", 0, *data)


A = (series('a{i="1"}', "1 1"), series('a{i="2"}', "2 stale"))
B = (series('b{i="2"}', "20 20"), series('b{i="3"}', "30 30"))


def test_and_or_unless() -> None:
    assert over("a and b", (0, 60, 60), *A, *B) == {'a{i="2"}': [2, None]}
    assert over("a unless b", (0, 60, 60), *A, *B) == {'a{i="1"}': [1, 1]}
    assert over("a or b", (0, 60, 60), *A, *B) == {
        'a{i="1"}': [1, 1],
        'a{i="2"}': [2, None],
        'b{i="2"}': [None, 20],
        'b{i="3"}': [30, 30],
    }
    assert at("a and on() b", 0, *A, *B) == {'a{i="1"}': 1, 'a{i="2"}': 2}
    assert at("a unless on() nothing", 0, *A, *B) == {'a{i="1"}': 1, 'a{i="2"}': 2}
    assert at("b or vector(1)", 0, *A, *B) == {'b{i="2"}': 20, 'b{i="3"}': 30, "{}": 1}


def test_or_makes_one_series_of_two_that_share_their_labels() -> None:
    assert over("(a * 10) or (b * 1)", (0, 60, 60), *A, *B) == {
        '{i="1"}': [10, 10],
        '{i="2"}': [20, 20],
        '{i="3"}': [30, 30],
    }


def test_a_missing_partner_can_be_filled_in() -> None:
    assert at("a + fill(100) b", 0, *A, *B) == {'{i="2"}': 22, '{i="1"}': 101, '{i="3"}': 130}
    assert at("a + fill_left(100) b", 0, *A, *B) == {'{i="2"}': 22, '{i="3"}': 130}
    assert at("a + fill_right(100) b", 0, *A, *B) == {'{i="2"}': 22, '{i="1"}': 101}
    assert at("nothing + fill(100) b", 0, *A, *B) == {'{i="2"}': 120, '{i="3"}': 130}
    assert at("b - on(i) group_right fill(100) a", 0, *A, *B) == {'{i="2"}': 18, '{i="1"}': 99, '{i="3"}': -70}
