"""The hub that the tests of the contract talk to: one for a whole module, since starting it takes seconds."""

from collections.abc import Iterator

import pytest

from tests.contract import hub as hubs


@pytest.fixture(scope="module")
def hub() -> Iterator[hubs.Hub]:
    """A running hub. Whatever it was sent, at the end it is still whole and has told no stack."""
    with hubs.running() as running:
        yield running
        assert running.process.running, running.process.output()
        assert running.ask("GET", "/ready").status == 200
        told = running.process.log.read_text(errors="replace")
        assert "Traceback" not in told, told[told.index("Traceback") - 500 :][:6000]
