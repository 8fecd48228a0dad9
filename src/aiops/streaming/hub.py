"""Reads the bus once for the whole process, fills the ring, and wakes the sessions.

Names of clusters are taken from the events themselves. Whether a session may see a cluster is decided by the
selectors of its caller, and the labels that they need are asked of the registry, again whenever clusters change.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

from aiops.core.bus import Bus, Delivery
from aiops.core.identity import Scope
from aiops.core.message import Message, decode
from aiops.ports.registry import Registry, TargetQuery
from aiops.streaming.protocol import EventMessage, encode
from aiops.streaming.ring import Entry, Ring

_CHANGES: Final = frozenset({"CLUSTER_REGISTERED", "CLUSTER_UPDATED", "CLUSTER_DELETED"})


class _Peek(msgspec.Struct):
    """The little of a payload that decides who hears of it."""

    cluster_name: str | None = None
    alert: "_Alert | None" = None


class _Alert(msgspec.Struct):
    labels: dict[str, str] = {}


class Hub:
    """The ring and everybody who reads it."""

    def __init__(
        self, bus: Bus, registry: Registry, metrics: CollectorRegistry, *, max_events: int, max_bytes: int
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._max_events = max_events
        self._max_bytes = max_bytes
        self.ring: Ring | None = None
        self.draining = False
        self.generation = 0  # counts changes of clusters: a session's idea of its scope is older than that
        self._changed = asyncio.Condition()
        self.sessions: set[object] = set()
        self._routed = Counter("ws_events_routed_total", "Events put into the ring.", ["event_type"], registry=metrics)
        self.active = Gauge("ws_connections_active", "Open sockets.", registry=metrics)
        self.opened = Counter("ws_connections_total", "Sockets ever opened.", registry=metrics)
        self.sent = Counter("ws_messages_sent_total", "Messages sent.", registry=metrics)
        self.received = Counter("ws_messages_received_total", "Messages received.", registry=metrics)
        self.dropped = Counter("ws_events_dropped_total", "Events that left the ring unread.", registry=metrics)

    async def run(self) -> None:
        """Fill the ring until cancelled; a supervised task."""
        status = await self._bus.status()
        if self.ring is None or self.ring.epoch != status.epoch:
            self._new_ring(status.epoch)
        async for item in self._bus.tail(status.last):
            if isinstance(item, Delivery):
                self._add(item)
            else:  # entries may have been lost: no position of the old ring means anything any more
                self._new_ring(item.epoch)
            await self.wake()

    async def wake(self) -> None:
        """Let every session look."""
        async with self._changed:
            self._changed.notify_all()

    async def wait(self, position: int, epoch: str, timeout_s: float) -> None:
        """Return when there is something behind the position, the ring is a new one, or time has passed."""

        def news() -> bool:
            ring = self.ring
            return self.draining or ring is None or ring.epoch != epoch or ring.next > position

        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(news)
        except TimeoutError:
            return

    async def drain(self) -> None:
        """Ask every session to say goodbye, and wait until they have."""
        self.draining = True
        await self.wake()
        while self.sessions:
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def attached(self, session: object) -> AsyncIterator[None]:
        """Count a session while it lives."""
        self.sessions.add(session)
        self.opened.inc()
        self.active.inc()
        try:
            yield
        finally:
            self.sessions.discard(session)
            self.active.dec()

    async def visible(self, scope: Scope) -> frozenset[UUID] | None:
        """The clusters that a caller may hear of; None means all."""
        if scope.everything:
            return None
        found = await self._registry.targets(TargetQuery(scope))
        return frozenset(target.cluster_id for target in found.targets)

    async def missed(self, after: str) -> list[Entry] | None:
        """Everything in the stream behind an offset that the ring no longer holds; None when some of it is gone."""
        if await self._bus.trimmed(after):
            return None
        entries: list[Entry] = []
        while len(entries) < self._max_events:
            batch = await self._bus.range(after)
            entries += [self.entry(delivery) for delivery in batch]
            if not batch:
                return entries
            after = batch[-1].offset
        return None

    def entry(self, delivery: Delivery) -> Entry:
        """A delivery, encoded for the sockets."""
        message: Message = decode(delivery.data)
        peek = _peek(message)
        return Entry(
            offset=delivery.offset,
            event_type=message.event_type,
            cluster_id=message.cluster_id,
            namespace=peek.alert.labels.get("namespace") if peek.alert else None,
            data=encode(
                EventMessage(
                    event_id=message.event_id,
                    event_type=message.event_type,
                    cluster_id=message.cluster_id,
                    cluster_name=peek.cluster_name,
                    timestamp=message.timestamp,
                    epoch=delivery.epoch,
                    offset=delivery.offset,
                    payload=message.payload,
                )
            ),
        )

    def _add(self, delivery: Delivery) -> None:
        if self.ring is None:
            return
        entry = self.entry(delivery)
        self.ring.add(entry)
        self._routed.labels(entry.event_type).inc()
        if entry.event_type in _CHANGES:
            self.generation += 1

    def _new_ring(self, epoch: str) -> None:
        self.ring = Ring(epoch, max_events=self._max_events, max_bytes=self._max_bytes)
        self.generation += 1


def _peek(message: Message) -> _Peek:
    try:
        return msgspec.json.decode(message.payload, type=_Peek)
    except msgspec.DecodeError:
        return _Peek()
