"""Random queries through the collector: exact with all members, and never silently wrong while one is away."""

from pathlib import Path

import pytest

from tests.oracle.data import fleet, union
from tests.oracle.faults import FaultCampaign, hung
from tests.oracle.fleet import CLUSTERS, loaded, oracle_fleet
from tests.oracle.hub import Hub
from tests.oracle.queries import Queries
from tests.oracle.runs import hub_run
from tests.servers.generations import Generation

pytestmark = pytest.mark.real
AWAY = "west"


@pytest.mark.parametrize("generation", Generation)
def test_the_collector_answers_as_one_prometheus_does(tmp_path: Path, generation: Generation) -> None:
    tally = hub_run(tmp_path, generation, seed=303, cases=500).tally
    assert not tally.wrong, "\n".join(map(str, tally.wrong))
    assert set(tally.refusals) <= {"QUERY_NOT_FEDERABLE"}
    assert tally.refusals.total() < 25, f"more is refused than the plan has reasons for: {tally.refusals}"
    assert tally.same - tally.empty > 300, f"too few cases say anything: {tally}"


@pytest.mark.parametrize(("fault", "cases", "timeout_s"), [("killed", 120, 5.0), ("hung", 12, 0.6)])
def test_while_a_member_is_away_nothing_is_silently_wrong(
    tmp_path: Path, fault: str, cases: int, timeout_s: float
) -> None:
    parts = fleet(404, CLUSTERS)
    rest = union({name: part for name, part in parts.items() if name != AWAY})
    generation = Generation.THREE
    with (
        oracle_fleet(tmp_path / "fleet", generation, 404) as servers,
        loaded(tmp_path / "rest", generation, rest) as others,
        Hub(servers.urls, allow_partial=True, timeout_s=timeout_s) as hub,
    ):
        campaign = FaultCampaign(servers, others, AWAY, hub)
        queries = Queries(404, generation, CLUSTERS)
        if fault == "killed":
            servers.members[AWAY].kill()
            for _ in range(cases):
                campaign.run(queries.case())
        else:
            with hung(servers.members[AWAY]):
                for _ in range(cases):
                    campaign.run(queries.case())
    assert not campaign.tally.wrong, "\n".join(map(str, campaign.tally.wrong))
    assert campaign.partial > cases // 3


def test_a_member_that_is_forgotten_would_be_noticed(tmp_path: Path) -> None:
    """The hub knows of two members and is measured as if it knew of three: what it lacks, it cannot name."""
    with oracle_fleet(tmp_path, Generation.THREE, 404) as servers:
        known = {name: url for name, url in servers.urls.items() if name != AWAY}
        with Hub(known, allow_partial=True) as hub:
            campaign = FaultCampaign(servers, servers.members[AWAY], AWAY, hub)
            queries = Queries(404, Generation.THREE, CLUSTERS)
            for _ in range(40):
                campaign.run(queries.case())
    assert len(campaign.tally.wrong) > 10
