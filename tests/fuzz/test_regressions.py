"""What was answered wrongly once is answered as one Prometheus does, or refused where the design refuses it."""

from pathlib import Path

import pytest

from tests.oracle.campaign import Campaign
from tests.oracle.fleet import oracle_fleet
from tests.oracle.hub import Hub
from tests.oracle.regressions import NEW_TABLE, TABLE, cases
from tests.servers.generations import Generation

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
