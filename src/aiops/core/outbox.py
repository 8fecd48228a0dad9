"""The outbox: an event is a row written in the transaction of the state change that it tells of.

A relay, one in the whole fleet at a time, appends the rows to the bus at least once and keeps them for an hour more,
so that a bus that lost its memory is filled again. Nothing here knows what an event means, and nothing waits for the
bus: while it is away, rows wait.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, Protocol

import msgspec
import psycopg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from psycopg.rows import tuple_row
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from aiops.core.message import Message

__all__ = ["EventLog", "Message", "Relay", "metadata", "outbox", "outbox_state", "publish"]

CHANNEL: Final = "aiops_outbox"
# "outbox" as a number; any constant that no other advisory lock of ours uses.
RELAY_LOCK: Final = 0x6F7574626F78
BATCH: Final = 500
SWEEP_S: Final = 1.0
EXPIRE_EVERY_S: Final = 30.0
EXPIRE_BATCH: Final = 5000

_log = structlog.get_logger("aiops.outbox")

metadata: Final = MetaData()

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("event_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("cluster_id", Uuid),
    Column("timestamp", DateTime(timezone=True), nullable=False),
    # Text, not jsonb: what was published is what is delivered, byte for byte.
    Column("payload", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("appended_at", DateTime(timezone=True)),
    Index("outbox_waiting", "id", postgresql_where=text("appended_at IS NULL")),
    Index("outbox_appended_at", "appended_at"),
)

outbox_state: Final = Table(
    "outbox_state",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("epoch", Text),
)


class EventLog(Protocol):
    """Where the relay appends to: `core.bus.Bus`."""

    async def append(self, messages: Sequence[Message]) -> list[str]:
        """Append in order; the offsets."""
        ...

    async def epoch(self) -> str:
        """Changes whenever entries may have been lost."""
        ...


async def publish(tx: AsyncConnection, message: Message) -> None:
    """Write the event into the caller's transaction; it is delivered if, and only if, that commits."""
    await tx.execute(
        outbox.insert().values(
            event_id=message.event_id,
            event_type=message.event_type,
            source=message.source,
            cluster_id=message.cluster_id,
            timestamp=message.timestamp,
            payload=bytes(message.payload).decode(),
        )
    )
    await tx.execute(text(f"NOTIFY {CHANNEL}"))


class Relay:
    """Appends what was published to the bus. Run it in every replica: one works, the others stand by.

    `keep` is how long rows stay after their append.
    """

    def __init__(
        self, db: Database, bus: EventLog, *, metrics: CollectorRegistry, keep: timedelta = timedelta(hours=1)
    ) -> None:
        self._db = db
        self._bus = bus
        self._keep = keep
        self._appended = Counter("outbox_appended", "Events appended to the bus.", registry=metrics)
        self._waiting = Gauge(
            "outbox_waiting_events",
            "Events that wait for the bus, as the replica that relays them last saw it; 0 where another one does.",
            registry=metrics,
        )

    async def run(self) -> None:
        """Relay until cancelled; a store that is away is waited for."""
        away = False
        while True:
            try:
                async with self._db.dedicated("outbox relay") as connection:
                    connection.prepare_threshold = 1
                    await self._stand_by(connection)
                    if away:
                        _log.info("relaying again")
                    away = False
                    await self._lead(connection)
            except ServiceUnavailable as error:
                if not away:
                    _log.warning("events wait in the outbox", reason=error.message)
                away = True
                await asyncio.sleep(SWEEP_S)

    async def _stand_by(self, connection: psycopg.AsyncConnection) -> None:
        """Return as the one that holds the lock. Polled: a blocking wait would hold a snapshot open for ever."""
        while True:
            if await _value(connection, "SELECT pg_try_advisory_lock(%s)", RELAY_LOCK):
                return
            self._waiting.set(0)
            await asyncio.sleep(SWEEP_S)

    async def _lead(self, connection: psycopg.AsyncConnection) -> None:
        """Work on the very connection that holds the lock, so that losing the one is losing the other."""
        await connection.execute(f"LISTEN {CHANNEL}")
        expire_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                while await self._append_batch(connection):
                    pass
            finally:
                await self._measure(connection)
            if loop.time() >= expire_at:
                await self._expire(connection)
                expire_at = loop.time() + EXPIRE_EVERY_S
            async for _ in connection.notifies(timeout=SWEEP_S, stop_after=1):
                pass

    async def _append_batch(self, connection: psycopg.AsyncConnection) -> bool:
        """Append the oldest waiting rows; whether there may be more."""
        await self._follow_epoch(connection)
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "SELECT id, event_id, event_type, source, cluster_id, timestamp, payload FROM outbox"
                " WHERE appended_at IS NULL ORDER BY id LIMIT %s",
                (BATCH,),
            )
            rows = await cursor.fetchall()
            if not rows:
                return False
            await self._bus.append([_to_message(row) for row in rows])
            self._appended.inc(len(rows))
            await cursor.execute(
                "UPDATE outbox SET appended_at = clock_timestamp() WHERE id = ANY(%s)",
                ([row[0] for row in rows],),
            )
        return len(rows) == BATCH

    async def _measure(self, connection: psycopg.AsyncConnection) -> None:
        """Also while the bus is away, which is when the number matters; another replica may relay afterwards."""
        with suppress(psycopg.Error):
            self._waiting.set(await _value(connection, "SELECT count(*) FROM outbox WHERE appended_at IS NULL") or 0)

    async def _follow_epoch(self, connection: psycopg.AsyncConnection) -> None:
        """When the bus may have lost entries, put every row that is still here back among the waiting ones.

        Checked before each append and never after: a loss in between shows at the next check.
        """
        epoch = await self._bus.epoch()
        known = await _value(connection, "SELECT epoch FROM outbox_state WHERE id = 1")
        if known == epoch:
            return
        async with connection.transaction():
            cursor = await connection.execute(
                "UPDATE outbox SET appended_at = NULL WHERE appended_at > clock_timestamp() - %s",
                (self._keep,),
            )
            await connection.execute(
                "INSERT INTO outbox_state (id, epoch) VALUES (1, %s)"
                " ON CONFLICT (id) DO UPDATE SET epoch = EXCLUDED.epoch",
                (epoch,),
            )
        if known is not None:
            _log.warning("the bus began a new epoch; recent events are appended again", rows=cursor.rowcount)

    async def _expire(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
            " WHERE appended_at <= clock_timestamp() - %s ORDER BY appended_at LIMIT %s)",
            (self._keep, EXPIRE_BATCH),
        )


async def _value(connection: psycopg.AsyncConnection, statement: str, *arguments: object) -> Any:
    cursor = await connection.execute(statement.encode(), arguments or None)
    row = await cursor.fetchone()
    return row[0] if row else None


def _to_message(row: tuple[Any, ...]) -> Message:
    _, event_id, event_type, source, cluster_id, timestamp, payload = row
    return Message(event_id, event_type, source, cluster_id, timestamp, msgspec.Raw(payload.encode()))
