"""The audit trail: one transaction with the deed, append-only, readable by page."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from aiops.core import audit
from aiops.core.audit import Filter, Outcome
from aiops.core.db import Database
from aiops.core.identity import service_identity
from tests.queries import count_queries

pytestmark = pytest.mark.anyio

ACTOR = service_identity("registry")


async def record(db: Database, *actions: str) -> None:
    for action in actions:
        async with db.begin() as tx:
            await audit.record(tx, ACTOR, action, "east")


async def actions(db: Database, wanted: Filter = Filter(), *, limit: int = 10, offset: int = 0) -> list[str]:  # noqa: B008 - frozen
    async with db.read() as connection:
        found, _ = await audit.entries(connection, wanted, limit=limit, offset=offset)
    return [entry.action for entry in found]


async def test_an_entry_tells_who_did_what_to_which_cluster(db: Database) -> None:
    cluster_id = uuid4()
    async with db.begin() as tx:
        await audit.record(
            tx,
            ACTOR,
            "cluster.update",
            "east",
            cluster_id=cluster_id,
            outcome=Outcome.DENIED,
            details={"name": "x"},
        )
    async with db.read() as connection:
        (entry,), total = await audit.entries(connection, Filter(), limit=10)
    assert total == 1
    assert (entry.actor, entry.actor_kind) == (ACTOR.subject, ACTOR.kind)
    assert (entry.action, entry.resource, entry.cluster_id) == ("cluster.update", "east", cluster_id)
    assert (entry.outcome, entry.details) == (Outcome.DENIED, {"name": "x"})
    assert abs(entry.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_secrets_in_details_are_masked(db: Database) -> None:
    async with db.begin() as tx:
        await audit.record(tx, ACTOR, "token.create", "ci", details={"token": "canary", "note": "Bearer canary-canary"})
    async with db.read() as connection:
        stored = (await connection.execute(text("SELECT details::text FROM audit_log"))).scalar_one()
    assert "canary" not in stored


async def test_a_deed_that_is_undone_leaves_no_entry(db: Database) -> None:
    async def undone() -> None:
        async with db.begin() as tx:
            await audit.record(tx, ACTOR, "cluster.delete", "east")
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    assert await actions(db) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_trail_is_append_only(db: Database, statement: str) -> None:
    await record(db, "cluster.create")
    with pytest.raises(DBAPIError, match="append-only"):
        async with db.begin() as tx:
            await tx.execute(text(statement))
    assert await actions(db) == ["cluster.create"]


async def test_only_what_is_older_than_the_retention_goes(db: Database) -> None:
    await record(db, "recent")
    async with db.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO audit_log SELECT gen_random_uuid(), now() - interval '91 days', actor, actor_kind, 'old',"
                " resource, cluster_id, outcome, details, trace_id FROM audit_log"
            )
        )
    async with db.begin() as tx:
        assert await audit.expire(tx, datetime.now(UTC) - timedelta(days=90)) == 1
        with pytest.raises(DBAPIError, match="append-only"):
            async with tx.begin_nested():
                await tx.execute(text("DELETE FROM audit_log"))
    assert await actions(db) == ["recent"]
    with pytest.raises(DBAPIError, match="at least one day"):
        async with db.begin() as tx:
            await audit.expire(tx, datetime.now(UTC))


async def test_pages_are_newest_first_and_cost_two_statements(db: Database) -> None:
    await record(db, *(f"action.{number}" for number in range(25)))
    with count_queries(db) as statements:
        assert await actions(db, limit=3, offset=1) == ["action.23", "action.22", "action.21"]
    assert len(statements) == 2


async def test_filters_narrow_the_trail(db: Database) -> None:
    await record(db, "cluster.create", "cluster.delete")
    assert await actions(db, Filter(action="cluster.delete")) == ["cluster.delete"]
    assert await actions(db, Filter(actor="somebody else")) == []
    assert await actions(db, Filter(cluster_ids=(uuid4(),))) == []
    assert await actions(db, Filter(since=datetime.now(UTC) + timedelta(hours=1))) == []
    assert len(await actions(db, Filter(until=datetime.now(UTC) + timedelta(hours=1), resource="east"))) == 2
