"""What was answered wrongly once is answered as one Prometheus does, or refused where the design refuses it."""

from pathlib import Path

import pytest

from tests.oracle.campaign import Campaign
from tests.oracle.fleet import CLUSTERS, oracle_fleet
from tests.oracle.hub import Hub
from tests.oracle.regressions import APART, NEW_TABLE, TABLE, cases
from tests.servers.generations import Generation

# Its duplicates are where the other side is.
MEETING = '{cluster="west"} / on (cluster) {cluster="west"}'

pytestmark = pytest.mark.real


@pytest.mark.parametrize("generation", Generation)
def test_no_slip_comes_back(tmp_path: Path, generation: Generation) -> None:
    rows = TABLE if generation is Generation.TWO else (*TABLE, *NEW_TABLE)
    with oracle_fleet(tmp_path, generation, 303) as servers, Hub(servers.urls) as hub:
        campaign = Campaign(servers.union, hub)
        for query, _ in rows:
            for case in cases(query):
                campaign.run(case)
    tally = campaign.tally
    assert not tally.wrong, "\n".join(map(str, tally.wrong))
    refused = {"QUERY_NOT_FEDERABLE": 3} if generation is Generation.THREE else {}
    assert tally.refusals == refused


@pytest.mark.parametrize("generation", Generation)
def test_a_cluster_without_the_other_side_of_a_join_has_nothing_to_join(tmp_path: Path, generation: Generation) -> None:
    """Though the union would refuse duplicates that another cluster's series never meet."""
    with oracle_fleet(tmp_path, generation, 303) as servers, Hub(servers.urls) as hub:
        campaign = Campaign(servers.union, hub, CLUSTERS)
        asked = [case for query in APART for case in cases(query)]
        for case in asked:
            campaign.run(case)
        together = Campaign(servers.union, hub, CLUSTERS)
        together.run(cases(MEETING)[2])
    assert not campaign.tally.wrong, "\n".join(map(str, campaign.tally.wrong))
    assert campaign.tally.apart == len(asked)
    assert together.tally.refused_by_both == 1
