"""What is forgotten, and what is not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from aiops.collector.alerts.apply import AlertIntake
from aiops.collector.alerts.keeper import AlertKeeper
from aiops.collector.alerts.tables import alert_transitions, alerts
from aiops.collector.alerts.webhook import decode
from aiops.collector.meters import Meters
from aiops.core.bus import Bus
from aiops.core.clock import utc_now
from aiops.core.db import Database
from aiops.core.redis import RedisConnection
from aiops.ports.events import ClusterDeleted, to_message
from aiops.ports.registry import WebhookSource
from tests.servers.waiting import eventually
from tests.unit.collector.members import cluster_id
from tests.unit.collector.notifications import alert, notification

pytestmark = pytest.mark.anyio

EAST = WebhookSource(cluster_id("east"), "east")
WEST = WebhookSource(cluster_id("west"), "west")


@pytest.fixture
async def bus(valkey_url: str) -> AsyncIterator[Bus]:
    async with RedisConnection(valkey_url, client_name="keeper tests") as redis:
        yield Bus(redis, stream=f"test:{uuid4().hex}")


async def counts(db: Database) -> tuple[int, int]:
    async with db.read() as connection:
        found = [
            await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (alerts, alert_transitions)
        ]
    return found[0], found[1]


async def fill(db: Database, source: WebhookSource, at: datetime) -> None:
    intake = AlertIntake(db, lambda: at, Meters(CollectorRegistry()))
    await intake.apply(source, decode(notification(alert("Old"), alert("Older"))))


async def test_a_deleted_clusters_alerts_and_history_go_with_it(db: Database, bus: Bus) -> None:
    await fill(db, EAST, utc_now())
    await fill(db, WEST, utc_now())
    keeper = AlertKeeper(db, bus, utc_now, history_days=90, consumer="a")
    gone = ClusterDeleted(cluster_id=EAST.cluster_id, cluster_name="east")
    await bus.append([to_message(gone, source="registry", at=utc_now())])

    async def forgotten() -> bool:
        return await counts(db) == (2, 2)

    following = asyncio.create_task(keeper.follow_deletions())
    try:
        await eventually(forgotten, what="the deleted cluster's rows are gone")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_what_nobody_told_of_for_the_retention_is_forgotten(db: Database, bus: Bus) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    await fill(db, EAST, now - timedelta(days=91))
    await fill(db, WEST, now - timedelta(days=89))

    await AlertKeeper(db, bus, lambda: now, history_days=90, consumer="a").expire()

    assert await counts(db) == (2, 2)


async def test_an_alert_that_is_still_told_of_stays(db: Database, bus: Bus) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    await fill(db, EAST, now - timedelta(days=91))
    await fill(db, EAST, now - timedelta(days=1))

    await AlertKeeper(db, bus, lambda: now, history_days=90, consumer="a").expire()

    assert await counts(db) == (2, 0)
