"""The random queries themselves: they leave nothing out, repeat by their seed, and the comparison sees what differs."""

import math
from collections import Counter

import pytest

from aiops.promql.parse import parse
from tests.oracle.answers import Answer, Order, difference, same, tied
from tests.oracle.fleet import CLUSTERS
from tests.oracle.queries import Queries
from tests.oracle.runs import slices
from tests.servers.generations import Generation

# What even the rarest kind comes to in ten thousand cases.
SELDOM = 50
ONE = (("__name__", "up"), ("job", "api"))
OTHER = (("__name__", "up"), ("job", "db"))


@pytest.mark.parametrize("generation", Generation)
def test_a_full_run_leaves_nothing_out(generation: Generation) -> None:
    """A long run is made of shorter ones, and each of them favours anew what came seldom."""
    counts = Counter[str]()
    for seed, cases in slices(1, 10_000):
        queries = Queries(seed, generation, CLUSTERS)
        for _ in range(cases):
            queries.case()
        counts += queries.chance.counts
    assert not {option: count for option, count in counts.items() if count < SELDOM}
    assert len(counts) > 200


def test_a_seed_makes_the_same_queries_again() -> None:
    first, again, other = (Queries(seed, Generation.THREE, CLUSTERS) for seed in (1, 1, 2))
    cases = [first.case() for _ in range(50)]
    assert cases == [again.case() for _ in range(50)]
    assert cases != [other.case() for _ in range(50)]


@pytest.mark.parametrize("generation", Generation)
def test_every_query_is_promql(generation: Generation) -> None:
    queries = Queries(2, generation, CLUSTERS)
    for _ in range(300):
        parse(queries.case().query)


@pytest.mark.parametrize(
    "got",
    [
        Answer("vector", ((ONE, {1000: 2.0}),)),
        Answer("matrix", ((OTHER, {1000: 2.0}),)),
        Answer("matrix", ((ONE, {1000: 2.0}), (OTHER, {1000: 2.0}))),
        Answer("matrix", ((ONE, {1001: 2.0}),)),
        Answer("matrix", ((ONE, {1000: 2.0, 2000: 2.0}),)),
        Answer("matrix", ((ONE, {1000: 2.0001}),)),
        Answer("matrix", ((ONE, {1000: math.nan}),)),
        Answer("matrix", ((ONE, {1000: -2.0}),)),
        Answer("matrix", ((ONE, {1000: 2.0}), (ONE, {1000: 2.0}))),
        Answer("matrix"),
    ],
)
def test_what_differs_is_seen(got: Answer) -> None:
    assert difference(Answer("matrix", ((ONE, {1000: 2.0}),)), got) is not None


def test_the_order_counts_where_the_query_asks_for_one() -> None:
    one, other = (ONE, {1000: 1.0}), (OTHER, {1000: 2.0})
    straight, turned = Answer("vector", (one, other)), Answer("vector", (other, one))
    assert difference(straight, turned) is None
    assert difference(straight, turned, order=Order.VALUES) is not None
    assert difference(straight, turned, order=Order.LABELS) is not None
    assert difference(straight, straight, order=Order.VALUES) is None


def test_what_counts_as_equal() -> None:
    assert same(math.nan, math.nan)
    assert same(1.0, 1.000001)
    assert same(math.inf, 1e308)
    assert not same(1.0, 1.0001)
    assert not same(math.inf, -math.inf)
    assert not same(math.inf, 1e307)
    assert not same(-math.inf, 1e308)


def test_equal_values_of_other_series_are_a_tie_and_other_values_are_none() -> None:
    assert tied(Answer("vector", ((ONE, {1000: 2.0}),)), Answer("vector", ((OTHER, {1000: 2.0}),)))
    assert not tied(Answer("vector", ((ONE, {1000: 2.0}),)), Answer("vector", ((OTHER, {1000: 3.0}),)))
    assert not tied(Answer("vector", ((ONE, {1000: 2.0}),)), Answer("vector"))
