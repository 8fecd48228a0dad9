"""PostgreSQL and Valkey as our own children: they keep data, demand passwords and come back when killed."""

import asyncio
import os
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis.asyncio import Redis
from redis.exceptions import RedisError

from aiops.core.embedded.children import running_in
from aiops.core.embedded.data_dir import DataDir, EmbeddedServerError
from aiops.core.embedded.postgres import EmbeddedPostgres, running_url
from aiops.core.embedded.programs import postgres_installations
from aiops.core.embedded.valkey import EmbeddedValkey
from tests.servers.waiting import eventually, until

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Servers:
    data_dir: DataDir
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey


@asynccontextmanager
async def started(path: Path) -> AsyncIterator[Servers]:
    """Both servers, entered and watched as the composition does."""
    data_dir = DataDir(path)
    async with AsyncExitStack() as stack:
        stack.enter_context(data_dir.locked())
        postgres, valkey = EmbeddedPostgres(data_dir), EmbeddedValkey(data_dir)
        async with asyncio.TaskGroup() as group:
            group.create_task(stack.enter_async_context(postgres))
            group.create_task(stack.enter_async_context(valkey))
        watching = [asyncio.create_task(server.watch()) for server in (postgres, valkey)]
        try:
            yield Servers(data_dir, postgres, valkey)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aiops-test-", dir="/tmp") as folder:
        yield Path(folder) / "data"
        # Nothing survives a test.
        for server, program in (("postgres/cluster", "postgres"), ("valkey", "valkey-server")):
            if (Path(folder) / "data" / server).exists():
                assert not running_in(Path(folder) / "data" / server, program)


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[Servers]:
    """One pair for all tests that leave it as they found it: running."""
    with tempfile.TemporaryDirectory(prefix="aiops-test-", dir="/tmp") as folder:
        async with started(Path(folder) / "data") as running:
            yield running


async def ask(url: str, statement: str) -> object:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = await connection.execute(statement.encode())
        row = await cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@asynccontextmanager
async def redis(url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(url, decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def proc(pid: int | None, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def postgres_answers(url: str) -> bool:
    with suppress(psycopg.OperationalError):
        return await ask(url, "SELECT 1") == 1
    return False


async def valkey_answers(url: str) -> bool:
    async with redis(url) as client:
        with suppress(RedisError, OSError):
            return bool(await client.ping())
    return False


async def test_postgres_has_our_database_role_and_settings(servers: Servers) -> None:
    url = servers.postgres.url
    newest = max(postgres_installations())
    assert str(await ask(url, "SHOW server_version")).startswith(f"{newest}.")
    assert await ask(url, "SELECT current_database()::text") == "aiops"
    assert await ask(url, "SELECT current_user::text") == "aiops"
    assert await ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    locale = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'aiops'"
    assert await ask(url, locale) == "bC.UTF-8"
    expected = {
        "listen_addresses": "", "fsync": "on", "shared_buffers": "32MB", "max_connections": "60",
        "password_encryption": "scram-sha-256", "server_encoding": "UTF8", "data_checksums": "on",
        "TimeZone": "UTC",
    }  # fmt: skip
    assert {name: await ask(url, f"SHOW {name}") for name in expected} == expected


async def test_postgres_lets_nobody_in_without_the_password(servers: Servers) -> None:
    parts = conninfo_to_dict(servers.postgres.url)
    for password in (None, "wrong"):
        for user in ("aiops", "postgres"):
            url = make_conninfo(host=str(parts["host"]), user=user, dbname="aiops", password=password)
            with pytest.raises(psycopg.OperationalError, match="password"):
                await ask(url, "SELECT 1")


async def test_valkey_is_on_its_socket_alone_and_demands_the_password(servers: Servers) -> None:
    without = "unix://" + servers.valkey.url.rpartition("@")[2]
    async with redis(without) as client:
        with pytest.raises(RedisError, match=r"(?i)authenticat"):
            await client.ping()
    expected = {
        "port": "0", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction",
        "maxmemory": str(128 * 1024 * 1024), "save": "",
    }  # fmt: skip
    async with redis(servers.valkey.url) as client:
        assert {name: (await client.config_get(name))[name] for name in expected} == expected


async def test_no_password_is_in_an_argument_list_or_environment(servers: Servers) -> None:
    secrets = {servers.data_dir.secret(name).hex() for name in ("postgres-aiops", "postgres-postgres", "valkey")}
    for pid in (servers.postgres.pid, servers.valkey.pid):
        for what in ("cmdline", "environ"):
            text = proc(pid, what)
            assert not any(secret in text for secret in secrets)


async def test_every_folder_is_closed_and_every_file_is_private(servers: Servers) -> None:
    for found in servers.data_dir.path.rglob("*"):
        with suppress(FileNotFoundError):
            status = found.lstat()
            if not stat.S_ISLNK(status.st_mode):
                assert status.st_mode & 0o077 == 0, found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
async def test_servers_of_root_run_as_nobody_without_groups(servers: Servers) -> None:
    for pid in (servers.postgres.pid, servers.valkey.pid):
        status = proc(pid, "status")
        ids = {
            line.split(":")[0]: line.split()[1:] for line in status.splitlines() if line[:3] in ("Uid", "Gid", "Gro")
        }
        assert "0" not in (*ids["Uid"], *ids["Gid"])
        assert ids["Groups"] == []


async def test_data_and_passwords_outlive_a_restart(path: Path) -> None:
    async with started(path) as first:
        await ask(first.postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        async with redis(first.valkey.url) as client:
            await client.xadd("events", {"answer": "42"})
        urls = (first.postgres.url, first.valkey.url)
    async with started(path) as second:
        assert (second.postgres.url, second.valkey.url) == urls
        assert await ask(second.postgres.url, "SELECT answer FROM kept") == 42
        async with redis(second.valkey.url) as client:
            assert await client.xlen("events") == 1


async def test_a_killed_postgres_comes_back_by_itself(servers: Servers) -> None:
    await ask(servers.postgres.url, "CREATE TABLE survivor AS SELECT 42 AS answer")
    pid = servers.postgres.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: postgres_answers(servers.postgres.url), what="PostgreSQL after a kill")
    assert servers.postgres.pid != pid
    assert await ask(servers.postgres.url, "SELECT answer FROM survivor") == 42


async def test_a_killed_valkey_comes_back_by_itself(servers: Servers) -> None:
    async with redis(servers.valkey.url) as client:
        await client.set("kept", "42")
    pid = servers.valkey.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: valkey_answers(servers.valkey.url), what="Valkey after a kill")
    assert servers.valkey.pid != pid
    async with redis(servers.valkey.url) as client:
        assert await client.get("kept") == "42"


async def test_a_busy_orphan_of_a_killed_postgres_does_not_block_the_next(servers: Servers) -> None:
    connection = await psycopg.AsyncConnection.connect(servers.postgres.url)
    backend = connection.info.backend_pid
    busy = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 100000000000)"))
    await eventually(lambda: active(servers.postgres.url, backend), what="the query to run")
    # A stopped process cannot notice by itself that its postmaster has gone.
    os.kill(backend, signal.SIGSTOP)
    pid = servers.postgres.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: postgres_answers(servers.postgres.url), what="PostgreSQL after a kill")
    with pytest.raises(psycopg.OperationalError):
        await busy
    await connection.close()
    until(lambda: not Path(f"/proc/{backend}/cwd").exists(), what="the orphan's end")


async def active(url: str, backend: int) -> bool:
    pids = await ask(url, "SELECT array_agg(pid) FROM pg_stat_activity WHERE state = 'active'")
    return isinstance(pids, list) and backend in pids


async def test_a_pid_file_whose_number_is_another_program_s_is_no_obstacle(path: Path) -> None:
    async with started(path):
        pass
    account_owned = path / "postgres" / "cluster" / "PG_VERSION"
    stale = path / "postgres" / "cluster" / "postmaster.pid"
    sleeper = await asyncio.create_subprocess_exec("sleep", "600", user=account_owned.stat().st_uid)
    try:
        stale.write_text(f"{sleeper.pid}\n/gone\n0\n5432\n/gone\n\n        0         0\nready\n")
        async with started(path) as servers:
            assert await postgres_answers(servers.postgres.url)
        assert sleeper.returncode is None
    finally:
        sleeper.kill()
        await sleeper.wait()


async def test_an_existing_cluster_keeps_its_major_version(path: Path) -> None:
    oldest = min(postgres_installations())
    data_dir = DataDir(path)
    with data_dir.locked():
        async with EmbeddedPostgres(data_dir, major=oldest) as first:
            await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        async with EmbeddedPostgres(data_dir) as second:
            assert str(await ask(second.url, "SHOW server_version")).startswith(f"{oldest}.")
            assert await ask(second.url, "SELECT answer FROM kept") == 42


async def test_a_major_version_that_the_wheel_lacks_is_named(path: Path) -> None:
    data_dir = DataDir(path)
    with data_dir.locked():
        cluster = data_dir.server_folder("postgres") / "cluster"
        cluster.mkdir()
        (cluster / "PG_VERSION").write_text("9\n")
        with pytest.raises(EmbeddedServerError, match="needs PostgreSQL 9, the wheel has"):
            await EmbeddedPostgres(data_dir).__aenter__()


async def test_a_start_that_fails_shows_the_end_of_the_log_and_leaves_nothing(path: Path) -> None:
    async with started(path):
        pass
    (path / "postgres" / "cluster" / "postgresql.conf").write_text("no_such_setting = 1\n")
    data_dir = DataDir(path)
    with data_dir.locked(), pytest.raises(EmbeddedServerError) as failure:
        await EmbeddedPostgres(data_dir).__aenter__()
    assert str(path / "logs" / "postgres.log") in str(failure.value)
    assert "no_such_setting" in str(failure.value)


async def test_an_interrupted_first_start_is_started_over(path: Path) -> None:
    data_dir = DataDir(path)
    with data_dir.locked():
        unfinished = data_dir.server_folder("postgres") / "unfinished"
        unfinished.mkdir()
        (unfinished / "PG_VERSION").write_text("18\n")
        async with EmbeddedPostgres(data_dir) as postgres:
            assert await postgres_answers(postgres.url)
        assert not unfinished.exists()


async def test_a_long_path_gets_a_short_folder_for_sockets(path: Path) -> None:
    long = path / ("deep" * 20) / ("er" * 30)
    async with started(long) as servers:
        folder = Path(str(conninfo_to_dict(servers.postgres.url)["host"]))
        assert not folder.is_relative_to(path)
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 107
        assert [mode(folder), mode(folder.parent)] == [0o700, 0o700]
        assert await postgres_answers(servers.postgres.url)
        assert await valkey_answers(servers.valkey.url)
        assert running_url(servers.data_dir) == servers.postgres.url
    assert not folder.parent.exists()


async def test_a_command_finds_the_postgres_of_the_running_hub(path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="holds no data of a hub"):
        running_url(DataDir(path))
    async with started(path) as servers:
        assert running_url(DataDir(path)) == servers.postgres.url
    assert running_url(DataDir(path)) is None
