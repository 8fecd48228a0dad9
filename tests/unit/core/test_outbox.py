"""The outbox and its relay: nothing published is lost, whatever is killed, and repeats carry the same id."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select, text

from aiops.core.bus import BEGINNING, Bus
from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from aiops.core.message import Message
from aiops.core.outbox import Relay, outbox, publish
from aiops.core.redis import RedisConnection
from tests.unit.core.events import a_message
from tests.unit.core.killable import Postgres, Valkey

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def bus(redis: RedisConnection) -> Bus:
    return Bus(redis)


def relay(db: Database, bus: Bus, *, metrics: CollectorRegistry | None = None, **options: timedelta) -> Relay:
    return Relay(db, bus, metrics=metrics or CollectorRegistry(), **options)


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def publish_one(db: Database) -> UUID:
    message = a_message()
    async with db.begin() as tx:
        await publish(tx, message)
    return message.event_id


async def on_bus(bus: Bus) -> list[UUID]:
    return [delivery.message.event_id for delivery in await bus.range(BEGINNING, limit=100_000)]


def all_of(bus: Bus, published: Sequence[UUID]) -> Callable[[], Awaitable[bool]]:
    async def arrived() -> bool:
        try:
            return set(published) <= set(await on_bus(bus))
        except ServiceUnavailable:
            return False

    return arrived


def noted(db: Database) -> Callable[[], Awaitable[bool]]:
    """Whether every append has been written down; a relay that ends before repeats its last ones."""

    async def none_wait() -> bool:
        return await waiting(db) == 0

    return none_wait


async def test_what_was_published_arrives_byte_for_byte(db: Database, bus: Bus, eventually: Eventually) -> None:
    message = Message(
        event_id=uuid4(),
        event_type="ALERT_FIRED",
        source="collector",
        cluster_id=uuid4(),
        timestamp=a_message().timestamp,
        payload=a_message().payload.__class__(b'{"z":1,  "a":"\\u0000 \\u00e9 \xc3\xa9"}'),
    )
    async with db.begin() as tx:
        await publish(tx, message)
    async with running(relay(db, bus)):
        await eventually(all_of(bus, [message.event_id]))
    (found,) = await bus.range(BEGINNING)
    assert found.message == message
    assert bytes(found.message.payload) == bytes(message.payload)


async def test_a_transaction_that_is_undone_publishes_nothing(db: Database, bus: Bus, eventually: Eventually) -> None:
    async def undone() -> None:
        async with db.begin() as tx:
            await publish(tx, a_message())
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    async with running(relay(db, bus)):
        published = [await publish_one(db)]
        await eventually(all_of(bus, published))
    assert await on_bus(bus) == published


async def test_events_arrive_in_the_order_of_their_commits(db: Database, bus: Bus, eventually: Eventually) -> None:
    async with running(relay(db, bus)):
        published = [await publish_one(db) for _ in range(50)]
        await eventually(all_of(bus, published))
    assert await on_bus(bus) == published


async def test_a_waiting_relay_is_woken_well_before_its_sweep(
    db: Database, bus: Bus, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops.core.outbox.SWEEP_S", 30)
    async with running(relay(db, bus)):
        await eventually(all_of(bus, [await publish_one(db)]))
        await eventually(all_of(bus, [await publish_one(db)]))


async def test_many_rows_are_appended_in_batches(
    db: Database, bus: Bus, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops.core.outbox.BATCH", 7)
    published = [await publish_one(db) for _ in range(30)]
    async with running(relay(db, bus)):
        await eventually(all_of(bus, published))
    assert await on_bus(bus) == published


async def test_of_two_relays_one_works_and_the_other_takes_over(db: Database, bus: Bus, eventually: Eventually) -> None:
    async with running(relay(db, bus)) as (first,):
        published = [await publish_one(db)]
        await eventually(all_of(bus, published))
        async with running(relay(db, bus)):
            published += [await publish_one(db) for _ in range(20)]
            await eventually(all_of(bus, published))
            await eventually(noted(db))
            first.cancel()
            await asyncio.wait({first})
            published += [await publish_one(db) for _ in range(20)]
            await eventually(all_of(bus, published))
    assert sorted(await on_bus(bus)) == sorted(published)


async def test_a_relay_whose_lock_connection_is_cut_goes_on(db: Database, bus: Bus, eventually: Eventually) -> None:
    async with running(relay(db, bus)):
        await eventually(all_of(bus, [await publish_one(db)]))
        async with db.read() as connection:
            cut = await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            )
            assert len(cut.all()) == 1
        await eventually(all_of(bus, [await publish_one(db)]))


async def test_rows_wait_while_redis_is_away_and_the_metrics_tell_how_many(
    db: Database, bus: Bus, valkey: Valkey, eventually: Eventually
) -> None:
    metrics = CollectorRegistry()

    def waits(events: int) -> Callable[[], Awaitable[bool]]:
        async def told() -> bool:
            return metrics.get_sample_value("outbox_waiting_events") == events

        return told

    async with running(relay(db, bus, metrics=metrics)):
        await eventually(all_of(bus, [await publish_one(db)]))
        valkey.kill()
        published = [await publish_one(db) for _ in range(5)]
        await eventually(waits(5))
        valkey.start()
        await eventually(all_of(bus, published))
        await eventually(waits(0))
    # Five and the first, which the new epoch gets again.
    assert metrics.get_sample_value("outbox_appended_total") == 7


async def test_a_new_epoch_gets_recent_events_again_with_the_same_ids(
    db: Database, bus: Bus, redis: RedisConnection, eventually: Eventually
) -> None:
    async with running(relay(db, bus)):
        published = [await publish_one(db) for _ in range(10)]
        await eventually(all_of(bus, published))
        with redis.use() as client:
            await client.flushall()
        await eventually(all_of(bus, published))
    assert await on_bus(bus) == published


async def test_events_whose_hour_is_over_are_not_sent_again(
    db: Database, bus: Bus, redis: RedisConnection, eventually: Eventually
) -> None:
    async with running(relay(db, bus)):
        old = await publish_one(db)
        await eventually(all_of(bus, [old]))
        await eventually(noted(db))
    async with db.begin() as tx:
        await tx.execute(text("UPDATE outbox SET appended_at = appended_at - interval '61 minutes'"))
    with redis.use() as client:
        await client.flushall()
    async with running(relay(db, bus)):
        new = await publish_one(db)
        await eventually(all_of(bus, [new]))

        async def expired() -> bool:
            return await rows(db) == 1

        await eventually(expired)
    assert await on_bus(bus) == [new]


async def waiting(db: Database) -> int:
    async with db.read() as connection:
        statement = select(func.count()).select_from(outbox).where(outbox.c.appended_at.is_(None))
        return int((await connection.execute(statement)).scalar_one())


async def rows(db: Database) -> int:
    async with db.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(outbox))).scalar_one())


async def test_rows_are_deleted_when_their_time_is_over(
    db: Database, bus: Bus, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops.core.outbox.EXPIRE_EVERY_S", 0)
    async with running(relay(db, bus, keep=timedelta(milliseconds=50))):
        await eventually(all_of(bus, [await publish_one(db)]))

        async def gone() -> bool:
            return await rows(db) == 0

        await eventually(gone)


async def test_nothing_acknowledged_is_lost_when_both_stores_are_killed_in_the_middle(
    db: Database, bus: Bus, postgres: Postgres, valkey: Valkey, eventually: Eventually
) -> None:
    acknowledged: list[UUID] = []
    stop = asyncio.Event()

    async def keep_publishing() -> None:
        while not stop.is_set():
            try:
                acknowledged.append(await publish_one(db))
            except ServiceUnavailable:
                await asyncio.sleep(0.01)

    async def more(count: int) -> None:
        target = len(acknowledged) + count

        async def reached() -> bool:
            return len(acknowledged) >= target

        await eventually(reached)

    async with running(relay(db, bus), relay(db, bus)):
        publishers = [asyncio.create_task(keep_publishing()) for _ in range(3)]
        for server in (valkey, postgres, valkey):
            await more(100)
            server.kill()
            server.start()
        await more(100)
        stop.set()
        await asyncio.wait(publishers)
        await eventually(all_of(bus, acknowledged))
    arrived = await on_bus(bus)
    assert set(acknowledged) <= set(arrived)
