"""An installation over real stores, well unless a test breaks it, and its examination."""

import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from aiops.doctor.examine import examine
from aiops.doctor.finding import Finding
from aiops.doctor.subject import of_environment
from tests.servers.loopback import free_port
from tests.unit.core.killable import Valkey
from tests.unit.doctor import advice
from tests.unit.doctor.reads import READS

Findings = dict[str, Finding]
Examined = Callable[..., Awaitable[Findings]]


@pytest.fixture
def well(fresh_database: str, valkey_url: str) -> dict[str, str]:
    """The environment of a role with nothing wrong."""
    return {
        "DATABASE_URL": fresh_database,
        "REDIS_URL": valkey_url,
        "AIOPS_INTERNAL_SECRET": secrets.token_hex(32),
        "AIOPS_SECRET_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }


@pytest.fixture
def examined(well: dict[str, str]) -> Examined:
    """Examine it with what a test changes: the findings by `area: check`."""

    async def run(
        changed: dict[str, str] | None = None,
        *,
        roles: tuple[str, ...] = (),
        data_dir: Path | None = None,
        server: str = "",
        token: str | None = None,
        deadline_s: float = 15,
    ) -> Findings:
        subject = of_environment(
            {**well, **(changed or {})}, config=None, roles=roles, data_dir=data_dir, server=server, token=token
        )
        report = await examine(subject, deadline_s=deadline_s)
        return {f"{finding.area}: {finding.check}": finding for finding in report.findings}

    return run


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey without persistence and without a limit, of the test's own."""
    server = Valkey(tmp_path, port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def advised(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever is named for an advice in the table has to read it."""
    mine = advice.followed(monkeypatch)
    yield
    named = set(READS.get(request.node.name, ()))
    assert named <= mine.read, f"{request.node.name} has not read {sorted(named - mine.read)}"
