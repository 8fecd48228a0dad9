"""The public compliance suite, whole: the engine against one Prometheus, and two members against one with the union."""

from pathlib import Path

import pytest

from tests.oracle.campaign import Campaign, Tally
from tests.oracle.compliance import REFUSED, demo, lines, suite
from tests.oracle.data import union
from tests.oracle.fleet import loaded, serving
from tests.oracle.hub import Hub
from tests.oracle.subjects import Engine
from tests.servers.generations import Generation

pytestmark = pytest.mark.real


def all_pass(tally: Tally, generation: Generation) -> None:
    # Any text is a label's name in Prometheus 3.
    refused = sum("~invalid" not in query or generation is Generation.TWO for query in lines(REFUSED))
    assert not tally.wrong, "\n".join(map(str, tally.wrong))
    assert not tally.refusals
    assert tally.ties == tally.undefined == 0
    assert tally.refused_by_both == refused
    assert tally.same == 539 - refused


@pytest.mark.parametrize("generation", Generation)
def test_the_engine_passes_all_539_queries(tmp_path: Path, generation: Generation) -> None:
    series = union(demo())
    with loaded(tmp_path, generation, series) as oracle:
        campaign = Campaign(oracle, Engine(series, generation))
        for case in suite():
            campaign.run(case)
    all_pass(campaign.tally, generation)


@pytest.mark.parametrize("generation", Generation)
def test_a_fleet_of_two_passes_all_539_queries(tmp_path: Path, generation: Generation) -> None:
    with serving(tmp_path, generation, demo()) as fleet, Hub(fleet.urls) as hub:
        campaign = Campaign(fleet.union, hub)
        for case in suite():
            campaign.run(case)
    all_pass(campaign.tally, generation)
