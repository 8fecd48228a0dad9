"""The tree that `parse_query` shows equals that of a real Prometheus 3."""

from pathlib import Path

import msgspec
import pytest

from aiops.collector.selection import parsed
from aiops.collector.syntax_tree import syntax_tree
from tests.servers.generations import Generation, Past
from tests.unit.promql.spellings import SPELLINGS

# Fills that JSON has no number for: Prometheus answers with an error, we with null.
UNTOLD = ("a + fill(NaN) b", "a + fill_left(-Inf) b")


@pytest.mark.real
def test_a_tree_is_that_of_prometheus(tmp_path: Path) -> None:
    with Past(tmp_path / "parsing", Generation.THREE) as server:
        for query in (each for each in SPELLINGS if each not in UNTOLD):
            told = server.ask("parse_query", {"query": query})
            assert syntax_tree(parsed(query, as_written=True)) == told.get("data"), (query, told)


@pytest.mark.parametrize("query", UNTOLD)
def test_a_fill_that_json_cannot_carry_is_null(query: str) -> None:
    assert b'"lhs":null' in msgspec.json.encode(syntax_tree(parsed(query, as_written=True)))


def test_a_number_that_is_none_is_named() -> None:
    assert syntax_tree(parsed("NaN")) == {"type": "numberLiteral", "val": "NaN"}
