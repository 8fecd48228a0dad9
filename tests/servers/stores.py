"""PostgreSQL and Valkey for tests, from the wheels, as the hub itself embeds them.

One of each per test process. A test that writes gets a database of its own, copied from a template that was migrated
once: a copy takes a fraction of a migration.
"""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

import anyio.from_thread
import psycopg
from psycopg import sql

from aiops.core import migrations
from aiops.core.embedded.data_dir import DataDir
from aiops.core.embedded.postgres import EmbeddedPostgres
from aiops.core.embedded.valkey import EmbeddedValkey
from tests.servers.waiting import until

TEMPLATE: Final = "aiops_template"


class _Embedded(Protocol):
    @property
    def url(self) -> str: ...


Server = TypeVar("Server", bound=_Embedded)


@contextmanager
def data_dir() -> Iterator[DataDir]:
    """A locked data folder that goes with the block.

    It lies outside of pytest's own folder, which nobody but the test's user may enter: as root, PostgreSQL runs as
    another user.
    """
    path = Path(tempfile.mkdtemp(prefix="aiops-test-"))
    path.chmod(0o711)
    try:
        folder = DataDir(path)
        with folder.locked():
            yield folder
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(server: AbstractAsyncContextManager[Server]) -> Iterator[Server]:
    """Keep a server running in an event loop of its own, for tests that each have theirs."""
    with ExitStack() as stack:
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
        yield stack.enter_context(portal.wrap_async_context_manager(server))


@contextmanager
def postgres() -> Iterator[str]:
    """The libpq URL of a running PostgreSQL; its database holds nothing."""
    with data_dir() as folder, running(EmbeddedPostgres(folder)) as server:
        yield server.url


@contextmanager
def valkey() -> Iterator[str]:
    """The URL of a running Valkey."""
    with data_dir() as folder, running(EmbeddedValkey(folder)) as server:
        yield server.url


def migrate(url: str) -> None:
    """Bring a database to the schema of this code; the one place where tests do so."""
    migrations.upgrade(url)


def make_template(server_url: str) -> None:
    """Make the migrated database from which `database` copies."""
    _execute(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(named(server_url, TEMPLATE))


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """The URL of a migrated database of the block's own; dropped at its end, whoever is still connected."""
    name = f"aiops_{secrets.token_hex(6)}"
    _execute(
        server_url,
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)),
    )
    try:
        yield named(server_url, name)
    finally:
        until(lambda: _dropped(server_url, name), what=f"{name} to be dropped")


def _dropped(server_url: str, name: str) -> bool:
    """An autovacuum worker in it belongs to a superuser, whom only a superuser may end: it leaves by itself."""
    try:
        _execute(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def named(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
