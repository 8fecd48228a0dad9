"""A query is written as a real Prometheus 3 formats it."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiops.promql.parse import parse
from aiops.promql.pretty import pretty
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Aggregation, Call, Expr, Paren
from tests.servers.generations import Generation, Past
from tests.unit.promql.spellings import SPELLINGS
from tests.unit.promql.test_real_grammar import meaning
from tests.unit.promql.trees import vectors


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with Past(tmp_path_factory.mktemp("real"), Generation.THREE) as server:
        yield server


@pytest.mark.real
def test_a_query_is_formatted_as_prometheus_formats_it(real: Past) -> None:
    for query in SPELLINGS:
        told = real.ask("format_query", {"query": query})
        assert told["status"] == "success", (query, told)
        assert pretty(parse(query, as_written=True)) == told["data"], query


@pytest.mark.real
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vectors(), st.integers(0, 4))
def test_any_query_is(real: Past, tree: Expr, around: int) -> None:
    for _ in range(around):
        tree = Paren(Aggregation("sum", Call("abs", (tree,)), None, ("cluster", "namespace")))
    query = serialize(tree)

    told = real.ask("format_query", {"query": query})

    assert pretty(parse(query, as_written=True)) == told["data"]


@given(vectors())
@settings(max_examples=200, deadline=None)
def test_what_is_formatted_means_the_same_and_is_not_changed_again(tree: Expr) -> None:
    text = pretty(parse(serialize(tree), as_written=True))

    assert meaning(parse(text)) == meaning(tree)
    assert pretty(parse(text, as_written=True)) == text
