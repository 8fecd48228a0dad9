"""Fixtures that any test may ask for. Each is lazy: a test that asks for no server starts none.

Servers live as long as the test process (one set per xdist worker) where tests only read from them; what a test
changes, it gets as a factory or as a copy of its own. Nothing here is a substitute for a real server.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers import stores
from tests.servers.alertmanager import Alertmanager
from tests.servers.node_exporter import NodeExporter
from tests.servers.otlp import OtlpReceiver
from tests.servers.prometheus import Prometheus
from tests.servers.recorder import Recorder
from tests.servers.site import Site


@dataclass(frozen=True)
class PrometheusPair:
    """Two sites that share no data: external labels `cluster="east"` and `cluster="west"`."""

    east: Site
    west: Site


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def otlp() -> Iterator[OtlpReceiver]:
    """Receives traces; a test looks for its own trace id."""
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def prometheus_pair(tmp_path_factory: pytest.TempPathFactory, otlp: OtlpReceiver) -> Iterator[PrometheusPair]:
    """Two running Prometheus servers with a node-exporter each; a test switches the alert with `site.fault()`."""
    folder = tmp_path_factory.mktemp("sites")
    with (
        Site.running(folder / "east", "east", traces_to=otlp.address) as east,
        Site.running(folder / "west", "west", traces_to=otlp.address) as west,
    ):
        for site in (east, west):
            site.wait_for_data()
        yield PrometheusPair(east, west)


@pytest.fixture
def webhook() -> Iterator[Recorder]:
    """Receives what a server under test sends."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Callable[[str, str], Alertmanager]]:
    """Make a running Alertmanager: `alertmanager(webhook_url, token)`."""
    with ExitStack() as stack:

        def running(webhook_url: str, token: str) -> Alertmanager:
            folder = tmp_path / f"alertmanager-{token}"
            return stack.enter_context(Alertmanager(folder, webhook_url=webhook_url, token=token))

        yield running


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Callable[..., Prometheus]]:
    """Make a running Prometheus of the test's own: `prometheus(name, **options)`; it may be killed and restarted."""
    with ExitStack() as stack:

        def running(name: str = "prometheus", **options: Any) -> Prometheus:
            return stack.enter_context(Prometheus(tmp_path / name, **options))

        yield running


@pytest.fixture
def node_exporter(tmp_path: Path) -> Iterator[NodeExporter]:
    """A running node-exporter of the test's own."""
    with NodeExporter(tmp_path / "node-exporter") as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running PostgreSQL, one per test process. Its database is empty; most tests want `fresh_database`."""
    with stores.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_server(postgres_url: str) -> str:
    stores.make_template(postgres_url)
    return postgres_url


@pytest.fixture
def fresh_database(_migrated_server: str) -> Iterator[str]:
    """The URL of a migrated database that this test alone uses."""
    with stores.database(_migrated_server) as url:
        yield url


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A running Valkey, one per test process. Tests share it: they choose keys of their own."""
    with stores.valkey() as url:
        yield url
