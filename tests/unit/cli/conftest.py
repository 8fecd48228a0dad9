"""A real hub for a whole module, and the command line asked in this process."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from click.testing import CliRunner, Result

from aiops.cli import cli
from tests.contract import hub as hubs

Aiops = Callable[..., Result]


@pytest.fixture(scope="module")
def hub() -> Iterator[hubs.Hub]:
    """A running hub with nothing in it."""
    with hubs.running() as running:
        yield running


@pytest.fixture
def environment(hub: hubs.Hub) -> dict[str, str]:
    """What a shell exports to reach the hub."""
    return {"AIOPS_SERVER": hub.url, "AIOPS_TOKEN": hub.token}


def invoke(*words: str, env: Mapping[str, str | None] | None = None, typed: str | None = None) -> Result:
    """Run one command line. Whatever happens, nobody is shown a stack."""
    nothing = {"AIOPS_SERVER": None, "AIOPS_TOKEN": None, "DATABASE_URL": None}
    result = CliRunner().invoke(cli, words, env={**nothing, **(env or {})}, input=typed, prog_name="aiops")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@pytest.fixture
def aiops(environment: dict[str, str]) -> Aiops:
    """Run a command line against the hub: `aiops("cluster", "list")`."""

    def run(*words: str, typed: str | None = None) -> Result:
        return invoke(*words, env=environment, typed=typed)

    return run
