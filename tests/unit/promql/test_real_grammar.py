"""What we write means to a real Prometheus what it means to us; asked of each generation that is installed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from aiops.promql.parse import parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Cardinality, Expr, Matcher, Matching
from tests.servers.processes import require
from tests.servers.prometheus import Prometheus
from tests.unit.promql.test_serialize import without_parens
from tests.unit.promql.trees import vectors

pytestmark = pytest.mark.real
Format = Callable[[str], str]


class SystemPrometheus(Prometheus):
    """The distribution's, which may be of an older generation than the one that tests take first."""

    binary = "/usr/bin/prometheus"


def meaning(tree: Expr) -> object:
    """The tree without what Prometheus' formatting changes: parentheses, order of matchers, an empty `ignoring`."""

    def ordered(value: object) -> object:
        if isinstance(value, tuple):
            parts = [ordered(part) for part in value]
            return tuple(sorted(parts, key=repr)) if all(isinstance(part, Matcher) for part in value) else tuple(parts)
        if value in (Matching(), Matching(cardinality=Cardinality.MANY_TO_MANY)):
            return None  # `ignoring ()` is what is meant without it
        if isinstance(value, msgspec.Struct):
            return type(value)(*(ordered(getattr(value, name)) for name in value.__struct_fields__))
        return value

    return ordered(without_parens(tree))


@pytest.fixture(scope="module", params=[Prometheus, SystemPrometheus])
def formatted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Format]:
    kind: type[Prometheus] = request.param
    require(kind.binary)
    folder: Path = tmp_path_factory.mktemp("grammar")
    with kind(folder) as server:
        yield formatter(server)


def formatter(server: Prometheus) -> Format:
    """A way to let a server format a query."""

    def ask(query: str) -> str:
        body = urlencode({"query": query}).encode()
        with urlopen(Request(f"{server.url}/api/v1/format_query", body)) as answer:  # noqa: S310 - loopback
            return str(json.load(answer)["data"])

    return ask


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vectors(classic=True))
def test_prometheus_reads_what_we_write(formatted: Format, tree: Expr) -> None:
    assert meaning(parse(formatted(serialize(tree)))) == meaning(tree)


@pytest.mark.parametrize(
    "query",
    [
        "-1 ^ 2",
        "2 ^ -1 * 3",
        "-x ^ y offset 5m",
        "a or b and c unless d",
        "sum without () (x)",
        "x @ -5.0005",
        "x[5m:] @ end() offset -1m",
        '{__name__=~"a.*", b!~"c|d"}',
        "a == bool on (b) group_left (c) d",
        r"x{a=~`\d+`}",
        "topk by (a) (2, x)",
        "0x1F + 0755",
    ],
)
def test_prometheus_and_we_read_the_same(formatted: Format, query: str) -> None:
    assert meaning(parse(formatted(query))) == meaning(parse(query))
