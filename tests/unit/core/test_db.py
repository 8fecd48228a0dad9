"""PostgreSQL as callers see it: transactions, its absence, and its return."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from aiops.core import db as db_module
from aiops.core.db import Database, conninfo
from aiops.core.errors import ServiceUnavailable
from tests.queries import count_queries
from tests.unit.core.killable import Postgres

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


async def count(db: Database) -> int:
    async with db.read() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM outbox_state"))).scalar_one())


async def test_a_transaction_is_kept_when_its_block_ends(db: Database) -> None:
    async with db.begin() as tx:
        await tx.execute(text("INSERT INTO outbox_state VALUES (1, 'a')"))
    assert await count(db) == 1


async def test_a_transaction_is_undone_when_its_block_raises(db: Database) -> None:
    async def undone() -> None:
        async with db.begin() as tx:
            await tx.execute(text("INSERT INTO outbox_state VALUES (1, 'a')"))
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    assert await count(db) == 0


async def test_times_come_back_aware_and_in_utc(db: Database) -> None:
    async with db.read() as connection:
        now = (await connection.execute(text("SELECT now()"))).scalar_one()
    assert now.utcoffset() == timedelta(0)


async def test_a_violated_constraint_is_the_callers_business(db: Database) -> None:
    with pytest.raises(IntegrityError):
        async with db.begin() as tx:
            await tx.execute(text("INSERT INTO outbox_state VALUES (1, 'a'), (1, 'b')"))


async def test_a_server_that_is_away_is_service_unavailable(tmp_path: str) -> None:
    async with Database(f"postgresql://me:hidden@/db?host={tmp_path}", application_name="test") as db:
        for use in (db.begin, db.read):
            with pytest.raises(ServiceUnavailable, match="the database is away") as caught:
                async with use():
                    pass
            assert "hidden" not in caught.value.message
        with pytest.raises(ServiceUnavailable):
            await db.check()


async def test_no_request_fails_because_of_connections_from_before_a_kill(db: Database, postgres: Postgres) -> None:
    async def slow_read() -> None:
        async with db.read() as connection:
            await connection.execute(text("SELECT pg_sleep(0.05)"))

    await asyncio.gather(*(slow_read() for _ in range(8)))
    postgres.kill()
    with pytest.raises(ServiceUnavailable):
        await db.check()
    postgres.start()
    await asyncio.gather(*(slow_read() for _ in range(12)))


async def test_a_connection_lost_inside_a_transaction_is_service_unavailable(db: Database) -> None:
    async def cut_off() -> None:
        async with db.begin() as tx:
            pid = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with db.read() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await tx.execute(text("SELECT 1"))

    with pytest.raises(ServiceUnavailable):
        await cut_off()
    await db.check()


async def test_a_statement_that_takes_too_long_is_cut_off(database_url: str) -> None:
    async with Database(database_url, application_name="test", statement_timeout_s=0.05) as db:
        with pytest.raises(ServiceUnavailable, match="took too long"):
            async with db.read() as connection:
                await connection.execute(text("SELECT pg_sleep(10)"))
        await db.check()


async def test_waiting_for_a_connection_ends(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_module, "POOL_TIMEOUT_S", 0.05)
    async with Database(database_url, application_name="test", pool_size=1, max_overflow=0) as db, db.read():
        with pytest.raises(ServiceUnavailable, match="every database connection was in use"):
            await db.check()


async def test_a_cancelled_caller_gives_its_connection_back(
    db: Database, database_url: str, eventually: Eventually
) -> None:
    async def sleeping() -> bool:
        async with db.read() as connection:
            found = await connection.execute(
                text("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'")
            )
        return found.first() is not None

    async with Database(database_url, application_name="test", pool_size=1, max_overflow=0) as small:

        async def caller() -> None:
            async with small.begin() as tx:
                await tx.execute(text("SELECT pg_sleep(30)"))

        for _ in range(3):
            task = asyncio.create_task(caller())
            await eventually(sleeping)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
        await small.check()


async def test_statements_are_counted(db: Database) -> None:
    with count_queries(db) as statements:
        await db.check()
        await count(db)
    assert statements == ["SELECT 1", "SELECT count(*) FROM outbox_state"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:5433/d?sslmode=require", "host=h port=5433 sslmode=require"),
        ("postgres://u@h/d", "dbname=d host=h"),
        ("postgresql+psycopg://u@h/d", "dbname=d host=h"),
        ("postgresql:///d?host=/run/pg&user=u", "host=/run/pg"),
        ("postgresql://u@h/d?application_name=mine", "application_name=mine"),
    ],
)
def test_urls_of_libpq_are_understood(url: str, expected: str) -> None:
    assert set(expected.split()) <= set(conninfo(url, application_name="test").split())


@pytest.mark.parametrize("url", ["mysql://h/d", "", "postgresql://u@h/d?nonsense=1"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="database URL"):
        conninfo(url, application_name="test")
