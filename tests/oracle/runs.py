"""One run of random cases: a generation of servers, a subject and a seed. Shared by tests and by the long benchmark."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.oracle.campaign import Campaign, Tally
from tests.oracle.data import fleet, union
from tests.oracle.fleet import CLUSTERS, loaded, oracle_fleet
from tests.oracle.http_hub import http_hub
from tests.oracle.hub import Hub
from tests.oracle.planned import Planned
from tests.oracle.queries import Queries
from tests.oracle.subjects import Engine
from tests.servers.generations import Generation

# How many cases a partition of the data is good for before there should be another one.
PER_FLEET: Final = 1_000


@dataclass(frozen=True)
class Report:
    """The tally of a run, and how often its queries used what."""

    tally: Tally
    used: Counter[str]


def engine_run(folder: Path, generation: Generation, seed: int, cases: int) -> Report:
    """The engine over samples in memory against one Prometheus with the same."""
    series = union(fleet(seed, CLUSTERS))
    with loaded(folder, generation, series) as oracle:
        return asked(Campaign(oracle, Engine(series, generation)), generation, seed, cases)


def plan_run(folder: Path, generation: Generation, seed: int, cases: int) -> Report:
    """A fleet's plan against one Prometheus with the union."""
    with oracle_fleet(folder, generation, seed) as found:
        return asked(Campaign(found.union, Planned(found.members, generation), CLUSTERS), generation, seed, cases)


def hub_run(folder: Path, generation: Generation, seed: int, cases: int) -> Report:
    """The collector over a fleet against one Prometheus with the union."""
    with oracle_fleet(folder, generation, seed) as found, Hub(found.urls) as hub:
        return asked(Campaign(found.union, hub, CLUSTERS), generation, seed, cases)


def http_run(folder: Path, generation: Generation, seed: int, cases: int) -> Report:
    """A whole hub's Prometheus API over a fleet against one Prometheus with the union."""
    with oracle_fleet(folder, generation, seed) as found, http_hub(found.urls) as hub:
        return asked(Campaign(found.union, hub, CLUSTERS), generation, seed, cases)


def asked(campaign: Campaign, generation: Generation, seed: int, cases: int) -> Report:
    """Ask as many random cases."""
    queries = Queries(seed, generation, CLUSTERS)
    for _ in range(cases):
        campaign.run(queries.case())
    return Report(campaign.tally, queries.chance.counts)


def slices(seed: int, cases: int) -> Iterator[tuple[int, int]]:
    """Seeds and numbers of cases that make up a long run: each has its own data and its own partition."""
    for number, done in enumerate(range(0, cases, PER_FLEET)):
        yield seed + number, min(PER_FLEET, cases - done)


def together(reports: list[Report]) -> dict[str, Any]:
    """One summary of several runs."""
    total, used = Tally(), Counter[str]()
    for report in reports:
        total.add(report.tally)
        used += report.used
    least = min(used.items(), key=lambda one: one[1], default=None)
    return {**total.summary(), "least_used": least, "used": dict(sorted(used.items()))}
