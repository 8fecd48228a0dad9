"""The engine says what a real Prometheus says of the same samples; asked of each generation that is installed."""

from collections.abc import Iterator

import pytest

from tests.oracle.answers import Answer, Case, Order, Refused, difference, from_api
from tests.oracle.subjects import Engine
from tests.servers.generations import Generation, Past
from tests.unit.promql.engine.real_data import START_MS, series
from tests.unit.promql.engine.real_queries import both, new

pytestmark = pytest.mark.real
MINUTE_MS = 60_000
ORDERED = ("sort", "topk", "bottomk", "limit")


@pytest.fixture(scope="module", params=list(Generation), ids=lambda generation: f"generation-{generation}")
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with Past(tmp_path_factory.mktemp("past"), request.param) as server:
        server.load([(one.labels, one.samples) for one in series()])
        yield server


def cases(query: str) -> Iterator[Case]:
    """Steps on the samples, and a moment between them."""
    yield Case(query, START_MS + 10 * MINUTE_MS, START_MS + 75 * MINUTE_MS + 5000, 90_000)
    yield Case(query, START_MS + 30 * MINUTE_MS + 7301, START_MS + 30 * MINUTE_MS + 7301)


def unlike(expected: Answer | Refused, got: Answer | Refused, case: Case) -> str | None:
    """What is wrong with an answer, if anything is."""
    if isinstance(expected, Refused):
        return None if isinstance(got, Refused) and got.wrong else f"Prometheus refuses it: {expected.reason}"
    if isinstance(got, Refused):
        return f"refused: {got.reason}"
    ordered = case.query.startswith(ORDERED) and not case.step_ms
    return difference(expected, got, order=Order.LABELS if ordered else Order.ANY)


def test_every_part_of_the_language_means_the_same(past: Past) -> None:
    engine = Engine(series(), past.generation)
    queries = both() if past.generation is Generation.TWO else [*both(), *new()]
    wrong, answered = [], 0
    for case in (case for query in queries for case in cases(query)):
        got = engine.ask(case)
        error = unlike(from_api(past.ask(case.path, case.parameters)), got, case)
        wrong += [f"{case}\n  {error}"] if error is not None else []
        answered += isinstance(got, Answer) and bool(got.series or got.text)
    assert not wrong, f"{len(wrong)} of {2 * len(queries)} cases:\n" + "\n".join(wrong[:20])
    # Else all this would say little.
    assert answered > 2 * len(queries) * 0.75
