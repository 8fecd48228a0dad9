"""Reads the bus once for the whole process, fills the ring, and wakes the sessions with something to read.

At its start it reads what the stream still holds, so that clients which come back after a restart find their
past in the ring and not one by one in Redis. When entries may have been lost (a new epoch, a reader that was too
late) the old ring is thrown away, and every session tells its client. It sends nothing itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

import msgspec

from aiops.core.bus import BEGINNING, Bus, Delivery, Gap, order
from aiops.core.errors import ServiceUnavailable
from aiops.core.message import Message
from aiops.streaming.protocol import EventMessage, encode
from aiops.streaming.ring import Entry, Order, Ring
from aiops.streaming.traffic import SocketMetrics
from aiops.streaming.visibility import Visibility

# So many sessions read their past from Redis at once.
MAX_REPLAYS: Final = 8
_CHANGES: Final = frozenset({"CLUSTER_REGISTERED", "CLUSTER_UPDATED"})
DELETED: Final = "CLUSTER_DELETED"


class Reader(Protocol):
    """A session as the hub sees it."""

    def wake(self) -> None:
        """Look for what changed."""
        ...

    def news(self, ring: Ring, start: int, types: frozenset[str]) -> None:
        """Take note that entries of these types, and of no others, came from `start` on."""
        ...


class _Alert(msgspec.Struct):
    labels: dict[str, str] = {}


class _Peek(msgspec.Struct):
    """The little of a payload that decides who hears of it."""

    cluster_name: str | None = None
    namespace: str | None = None
    alert: _Alert | None = None


_peeks: Final = msgspec.json.Decoder(_Peek)


class Hub:
    """The ring and everybody who reads it."""

    def __init__(
        self, bus: Bus, visibility: Visibility, metrics: SocketMetrics, *, max_events: int, max_bytes: int
    ) -> None:
        self.bus = bus
        self.visibility = visibility
        self.metrics = metrics
        self.replays = asyncio.Semaphore(MAX_REPLAYS)
        self.sessions: set[Reader] = set()
        self.draining = False
        self.ready = asyncio.Event()
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._ring: Ring | None = None
        self._fresh: set[str] = set()
        self._fresh_from = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def ring(self) -> Ring:
        """The ring of now.

        Raises:
            ServiceUnavailable: the stream has not been read yet.

        """
        if self._ring is None or not self.ready.is_set():
            raise ServiceUnavailable("the event stream is still being read; try again in a moment")
        return self._ring

    async def run(self) -> None:
        """Fill the ring until cancelled; a supervised task."""
        status = await self.bus.status()
        ring = self._ring
        if ring is None or ring.epoch != status.epoch:
            # An empty stream may have had entries; a trimmed one makes the reader say so.
            start = status.last if status.first is None else BEGINNING
            ring = self._renew(status.epoch, start, floor=order(start))
        goal = order(status.last) if status.first is not None else None
        self._become_ready(goal)
        async for item in self.bus.tail(ring.last_offset):
            if isinstance(item, Gap):
                ring = self._renew(item.epoch, item.after, floor=None)
            elif item.epoch != ring.epoch:
                ring = self._renew(item.epoch, ring.last_offset, floor=None)
            if isinstance(item, Delivery):
                self._add(ring, item)
            self._become_ready(goal)

    async def drain(self) -> None:
        """Have every session say goodbye, and wait until they have."""
        self.draining = True
        for session in tuple(self.sessions):
            session.wake()
        await self._empty.wait()

    @asynccontextmanager
    async def attached(self, session: Reader) -> AsyncIterator[None]:
        """Count a session while it lives, and wake it when there is news."""
        self.sessions.add(session)
        self._empty.clear()
        self.metrics.opened.inc()
        self.metrics.active.inc()
        try:
            yield
        finally:
            self.sessions.discard(session)
            self.metrics.active.dec()
            if not self.sessions:
                self._empty.set()

    def entry(self, delivery: Delivery) -> Entry:
        """Encode a delivery for the sockets."""
        message = delivery.message
        peek = _peek(message)
        labels = peek.alert.labels if peek.alert else {}
        data = encode(
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
        )
        return Entry(
            order=order(delivery.offset),
            offset=delivery.offset,
            event_type=message.event_type,
            cluster_id=message.cluster_id,
            namespace=peek.namespace or labels.get("namespace"),
            at=message.timestamp.timestamp(),
            text=data.decode(),
            size=len(data),
        )

    def _add(self, ring: Ring, delivery: Delivery) -> None:
        entry = self.entry(delivery)
        if entry.event_type in _CHANGES:
            self.visibility.changed()
        elif entry.event_type == DELETED and entry.cluster_id is not None:
            self.visibility.deleted(entry.cluster_id)
        if not self._fresh:
            # Runs when this batch of the stream has been taken in: sessions are woken once for all of it.
            asyncio.get_running_loop().call_soon(self._tell)
            self._fresh_from = ring.next
        self._fresh.add(entry.event_type)
        ring.add(entry)
        self.metrics.routed.labels(entry.event_type).inc()

    def _renew(self, epoch: str, start: str, *, floor: Order | None) -> Ring:
        self._ring = ring = Ring(epoch, start, floor=floor, max_events=self._max_events, max_bytes=self._max_bytes)
        self._fresh_from = 0
        self.visibility.changed()
        for session in tuple(self.sessions):
            session.wake()
        return ring

    def _tell(self) -> None:
        types, self._fresh = frozenset(self._fresh), set()
        ring = self._ring
        if ring is not None:
            for session in tuple(self.sessions):
                session.news(ring, self._fresh_from, types)

    def _become_ready(self, goal: Order | None) -> None:
        ring = self._ring
        if self.ready.is_set() or ring is None:
            return
        if goal is None or ring.covers(goal) or (ring.last is not None and ring.last >= goal):
            self.ready.set()


def _peek(message: Message) -> _Peek:
    try:
        return _peeks.decode(message.payload)
    except msgspec.DecodeError:
        return _Peek()
