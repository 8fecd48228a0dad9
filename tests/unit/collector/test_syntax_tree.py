"""The tree that `parse_query` shows equals that of a real Prometheus."""

from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from aiops.collector.selection import parsed
from aiops.collector.syntax_tree import syntax_tree
from tests.servers.processes import missing
from tests.servers.prometheus import Prometheus

QUERIES = [
    'sum by (a) (rate(x{b="c"}[5m] offset 1m))',
    "a + on (b) group_left (c) d",
    "a or b",
    "a and ignoring (c) b",
    "-x",
    "x[5m:]",
    "max_over_time(x[5m:30s] @ end())",
    "x @ 12.5 offset -5m",
    "topk without (a) (3, x)",
    'label_join(x, "a", "b", "c")',
    "a > bool 1",
    "1 + 2 ^ 0.5",
    "1e30",
    "Inf",
    "-0.25",
    '{job=~"a.*", __name__!="b"}',
    "round(x) - day_of_week()",
    "histogram_quantile(0.9, sum by (le) (x))",
    "(time())",
]


@pytest.mark.real
def test_a_tree_is_that_of_prometheus(prometheus: Callable[..., Prometheus]) -> None:
    server = prometheus("parsing")

    def theirs(query: str) -> Any:
        return server.get(f"/api/v1/parse_query?{urlencode({'query': query})}")["data"]

    try:
        theirs("up")
    except HTTPError:
        missing("this Prometheus has no parse_query; `.ci/run` builds one that has")
    for query in QUERIES:
        shown = syntax_tree(parsed(query))
        assert shown == theirs(query), query


def test_a_number_that_is_none_is_named() -> None:
    assert syntax_tree(parsed("NaN")) == {"type": "numberLiteral", "val": "NaN"}
