"""Our formatting is that of a real Prometheus, letter by letter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from aiops.promql.parse import parse
from aiops.promql.pretty import pretty
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Expr, Selector
from aiops.promql.walk import nodes
from tests.servers.prometheus import Prometheus
from tests.unit.promql.test_real_grammar import formatter
from tests.unit.promql.trees import vectors

pytestmark = pytest.mark.real
LONG = "a_metric_with_a_name_that_is_as_long_as_those_that_people_give"
QUERIES = (
    "-1 ^ 2", "2 ^ -1 * 3", "sum without () (x)", "sum(x) by (a)", "topk(2, x)", "x @ -5.0005",
    "x[5m:] @ end() offset -1m", '{__name__=~"a.*", b!~"c|d"}', "a == bool on (b) group_left (c) d", "0x1F + 0755",
    "1e6", "1e21", "0.000001", "-0", "Inf", "-Inf", "NaN", "a + ignoring () b", "x offset 1d", "x[1y]", "x[2w]",
    "x[1y2w]", "rate(x[90m])", 'x{b="1", a="2"}', "x{}", 'count_values("v", x)', r'x{a="\n\t\"\\\x07\u2028"}',
    "x{a='it'}", "a and on() b", "a atan2 b", "(x)", '"str"', "x[5m:1m]", '{"my.metric", "a.b"="c"}',
    f"{LONG} + {LONG}",
    f"sum by (job, instance) (rate({LONG}[5m])) / on (job) group_left () sum by (job) (rate({LONG}[5m]))",
    f"histogram_quantile(0.9, sum by (le, job, instance) (rate({LONG}_bucket[5m])))",
    f"topk by (job) (3, label_replace({LONG}, 'destination', '$1-and-something', 'source', '(.*)'))",
    f"-(({LONG} - {LONG} offset 1w) > bool ignoring (a, b) group_right (c) {LONG})",
    f"max_over_time((sum by (job) ({LONG}) / sum by (job) ({LONG}))[1h:5m] offset 1d)",
    f"quantile_over_time(0.5, (({LONG}{{job='a', instance=~'b.*'}} + {LONG}) * 2)[1h:])",
)  # fmt: skip


@pytest.fixture(scope="module")
def formatted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    folder: Path = tmp_path_factory.mktemp("formatter")
    with Prometheus(folder) as server:
        yield formatter(server)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_formatted_as_prometheus_does(formatted: Callable[[str], str], query: str) -> None:
    assert pretty(parse(query)) == formatted(query)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vectors(classic=True))
def test_any_query_is_formatted_as_prometheus_does(formatted: Callable[[str], str], tree: Expr) -> None:
    text = serialize(tree)
    assert pretty(parse(text)) == formatted(text)


@settings(max_examples=300, deadline=None)
@given(vectors(classic=True))
def test_what_is_formatted_means_the_same(tree: Expr) -> None:
    once = parse(serialize(tree))
    again = parse(pretty(once))
    assert pretty(again) == pretty(once)
    assert [_matched(node) for node in nodes(again)] == [_matched(node) for node in nodes(once)]


def _matched(node: Expr) -> object:
    return sorted(map(repr, node.matchers)) if isinstance(node, Selector) else type(node)
