"""A fleet under test: member servers with a part of the data each, and one server with the union, the oracle."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.oracle.data import Series, fleet, union
from tests.servers.generations import Generation, Past

CLUSTERS: Final = ("east", "west", "north")


@dataclass(frozen=True)
class OracleFleet:
    """Running servers of one generation. `series` is the union."""

    generation: Generation
    union: Past
    members: dict[str, Past]
    series: list[Series]

    @property
    def urls(self) -> dict[str, str]:
        """Where each member answers."""
        return {name: member.url for name, member in self.members.items()}


@contextmanager
def oracle_fleet(
    folder: Path, generation: Generation, seed: int, clusters: Sequence[str] = CLUSTERS
) -> Iterator[OracleFleet]:
    """Start servers with data made from the seed."""
    with serving(folder, generation, fleet(seed, clusters)) as found:
        yield found


@contextmanager
def serving(folder: Path, generation: Generation, parts: dict[str, list[Series]]) -> Iterator[OracleFleet]:
    """Start the union, and a member for each cluster."""
    whole = union(parts)
    with ExitStack() as stack:
        members = {name: stack.enter_context(loaded(folder / name, generation, part)) for name, part in parts.items()}
        server = stack.enter_context(loaded(folder / "union", generation, whole))
        yield OracleFleet(generation, server, members, whole)


@contextmanager
def loaded(folder: Path, generation: Generation, series: Sequence[Series]) -> Iterator[Past]:
    """A server that holds the series."""
    with Past(folder, generation) as server:
        server.load((one.labels, one.samples) for one in series)
        yield server
