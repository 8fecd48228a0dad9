"""Stores that others run: several PostgreSQL hosts of which one leads, and TLS to PostgreSQL and to Redis."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from aiops.core import migrations
from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from aiops.core.jobs import Jobs
from aiops.core.redis import RedisConnection
from tests.servers.loopback import free_port
from tests.servers.tls_front import fronting
from tests.servers.waiting import eventually
from tests.unit.core.http.servers import Authority
from tests.unit.core.killable import Postgres, Valkey

pytestmark = pytest.mark.anyio


@pytest.fixture
def pair() -> Iterator[tuple[Postgres, Postgres]]:
    """A primary and its streaming standby, migrated."""
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pair-", dir="/tmp"))) for _ in "ab"]
        primary = Postgres(folders[0], port=free_port())
        primary.start()
        stack.callback(primary.stop)
        migrations.upgrade(primary.url())
        standby = Postgres(folders[1], port=free_port(), copy_of=primary)
        standby.start()
        stack.callback(standby.stop)
        yield primary, standby


def several(*servers: Postgres) -> str:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgresql://aiops@{hosts}/postgres?target_session_attrs=read-write"


def promote(server: Postgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("SELECT pg_promote()")


async def port_of(database: Database) -> int | None:
    try:
        async with database.begin() as tx:
            await tx.execute(text("CREATE TABLE IF NOT EXISTS written (n int)"))
            return int((await tx.execute(text("SELECT inet_server_port()"))).scalar_one())
    except ServiceUnavailable:
        return None


async def test_the_primary_is_found_whatever_its_place_and_again_after_a_promotion(
    pair: tuple[Postgres, Postgres],
) -> None:
    primary, standby = pair
    migrations.upgrade(several(standby, primary))
    async with Database(several(standby, primary), application_name="test") as db:
        assert await port_of(db) == primary.port
        await asyncio.to_thread(primary.kill)
        assert await port_of(db) is None
        await asyncio.to_thread(promote, standby)

        async def moved() -> bool:
            return await port_of(db) == standby.port

        await eventually(moved, what="the pool writes to the new primary")


async def test_listeners_and_jobs_find_the_primary_too(pair: tuple[Postgres, Postgres]) -> None:
    primary, standby = pair
    url = several(standby, primary)
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    jobs = Jobs(url, application_name="test")
    jobs.register("work", work, queue="test")
    async with Database(url, application_name="test") as db:
        async with db.dedicated("listener") as connection:
            await connection.execute("LISTEN told")
            assert connection.info.port == primary.port
        async with db.begin() as tx:
            await jobs.defer(tx, "work", {})
    worker = asyncio.create_task(jobs.run_worker(["test"]))
    try:
        async with asyncio.timeout(20):
            await done.wait()
    finally:
        worker.cancel()
        await asyncio.wait({worker})


async def test_postgresql_is_verified_by_the_authority_that_the_url_names(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path)
    for name, one in (("ca", authority), ("other", other)):
        (tmp_path / f"{name}.pem").write_text(one.pem)
    tls, _ = authority.server("localhost")
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server = Postgres(Path(folder), port=free_port())
        server.start()
        try:
            async with fronting(server.port, tls, postgres=True) as port:
                url = f"postgresql://aiops@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={tmp_path}"
                async with Database(f"{url}/ca.pem", application_name="test") as db:
                    await db.check()
                async with Database(f"{url}/other.pem", application_name="test") as db:
                    with pytest.raises(ServiceUnavailable, match="SSL error"):
                        await db.check()
        finally:
            server.stop()


async def test_redis_is_verified_by_the_authority_of_the_settings(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path)
    for name, one in (("ca", authority), ("other", other)):
        (tmp_path / f"{name}.pem").write_text(one.pem)
    tls, _ = authority.server("localhost")
    server = Valkey(tmp_path, port=free_port())
    server.start()
    try:
        async with fronting(server.port, tls) as port:
            url = f"rediss://localhost:{port}"
            async with RedisConnection(url, client_name="test", ca_file=str(tmp_path / "ca.pem")) as redis:
                await redis.check()
            async with RedisConnection(url, client_name="test", ca_file=str(tmp_path / "other.pem")) as redis:
                with pytest.raises(ServiceUnavailable, match="certificate verify failed"):
                    await redis.check()
    finally:
        server.stop()


def test_an_authority_for_a_url_without_tls_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="AIOPS_REDIS_CA_FILE is set, but the Redis URL has no TLS"):
        RedisConnection("redis://localhost", client_name="test", ca_file="/ca.pem")
