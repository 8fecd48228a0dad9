"""Random queries: the engine over the same samples answers what a real Prometheus of that generation answers."""

from pathlib import Path

import pytest

from tests.oracle.runs import engine_run
from tests.servers.generations import Generation

pytestmark = pytest.mark.real


@pytest.mark.parametrize("generation", Generation)
def test_the_engine_answers_as_prometheus_does(tmp_path: Path, generation: Generation) -> None:
    tally = engine_run(tmp_path, generation, seed=101, cases=500).tally
    assert not tally.wrong, "\n".join(map(str, tally.wrong))
    assert not tally.refusals
    assert tally.same - tally.empty > 300, f"too few cases say anything: {tally}"
