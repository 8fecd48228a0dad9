"""Random queries: a fleet's plan over real members answers what one Prometheus with all their series answers."""

from pathlib import Path

import pytest

from tests.oracle.runs import plan_run
from tests.servers.generations import Generation

pytestmark = pytest.mark.real


@pytest.mark.parametrize("generation", Generation)
def test_the_plan_of_a_fleet_answers_as_one_prometheus_does(tmp_path: Path, generation: Generation) -> None:
    tally = plan_run(tmp_path, generation, seed=202, cases=200).tally
    assert not tally.wrong, "\n".join(map(str, tally.wrong))
    assert tally.refusals.total() < 25, f"more is refused than the plan has reasons for: {tally.refusals}"
    assert tally.same - tally.empty > 120, f"too few cases say anything: {tally}"
