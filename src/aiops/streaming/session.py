"""One socket: a position in the ring, read at the socket's own pace.

There is no queue. A session that is slower than the stream falls behind in the ring, and is told how much it
lost only when its position has left it. Everything that it is sent lies within its caller's clusters; what cannot
be judged because the registry is away waits.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from aiops.core.bus import order
from aiops.core.errors import AiopsError, ClusterNotFound, InvalidRequest, ServiceUnavailable
from aiops.core.identity import Identity
from aiops.streaming.hub import DELETED, Hub
from aiops.streaming.protocol import (
    ClientMessage,
    Disconnect,
    Dropped,
    ErrorMessage,
    Ping,
    Pong,
    ServerMessage,
    Since,
    Subscribe,
    Subscribed,
    Subscription,
    Unsubscribe,
    encode,
    parse,
)
from aiops.streaming.ring import Entry, Order, Ring

BATCH: Final = 100
REPLAY_BATCH: Final = 500
SEND_TIMEOUT_S: Final = 30.0
RETRY_S: Final = 1.0
MAX_MISTAKES: Final = 10
RECONNECT_MS: Final = 5000
PERMISSION: Final = "events:read"
CLOSE_POLICY: Final = 1008
CLOSE_GOING_AWAY: Final = 1001

Send = Callable[[str], Awaitable[None]]
Receive = Callable[[], Awaitable[str | bytes | None]]
_PONG: Final = encode(Pong()).decode()


class Session:
    """Serves one socket. `send` sends one text message; `receive` gives the next, None when the client left."""

    def __init__(self, hub: Hub, identity: Identity, send: Send, receive: Receive, *, connected_at: datetime) -> None:
        self.id = uuid4()
        self.subject = identity.subject
        self.connected_at = connected_at
        self.subscription: Subscription | None = None
        self.excluded: frozenset[str] = frozenset()
        self._hub = hub
        self._scope = identity.scope(PERMISSION)
        self._send_text = send
        self._receive = receive
        self._ring: Ring | None = None
        self._position = 0
        self._skip_to: Order = (0, 0)
        self._woken = asyncio.Event()
        # Whoever sends more than one message that belong together, or moves the position, holds it.
        self._lock = asyncio.Lock()

    async def run(self) -> int | None:
        """Serve until it ends; the code to close with, or None when the client has left."""
        async with self._hub.attached(self):
            self._woken.set()
            tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._talk())]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                return next(task.result() for task in tasks if task in done)
            except TimeoutError:
                return CLOSE_POLICY  # it does not take what it is sent
            except OSError:
                return None
            finally:
                if self.subscription is not None:
                    self._hub.metrics.subscriptions.dec()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look for what changed."""
        self._woken.set()

    def news(self, ring: Ring, start: int, types: frozenset[str]) -> None:
        """Take note that entries of these types, and of no others, came from `start` on."""
        wanted = self.subscription
        if wanted is None:
            return
        if wanted.event_types.isdisjoint(types) if wanted.event_types else types <= self.excluded:
            # Nothing of it is for us: one that has read everything before has read this too.
            if self._ring is ring and self._position == start:
                self._position = ring.next
            return
        self._woken.set()

    async def _listen(self) -> int | None:
        mistakes = 0
        while (data := await self._receive()) is not None:
            self._hub.metrics.received.inc()
            try:
                await self._obey(parse(data))
            except InvalidRequest as error:
                mistakes += 1
                await self._say(ErrorMessage(error.code, error.message))
                if mistakes >= MAX_MISTAKES:
                    return CLOSE_POLICY
            except AiopsError as error:
                await self._say(ErrorMessage(error.code, error.message))
        return None

    async def _obey(self, message: ClientMessage) -> None:
        if isinstance(message, Subscribe):
            await self._subscribe(message)
        elif isinstance(message, Unsubscribe):
            async with self._lock:
                self._unsubscribe(message)
        elif isinstance(message, Ping):
            async with self._lock:
                await self._send(_PONG)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        wanted = self.subscription
        if wanted is None:
            return
        self.excluded |= message.event_types
        if not message.event_types or (wanted.event_types and wanted.event_types <= self.excluded):
            self._set_subscription(None)

    def _set_subscription(self, wanted: Subscription | None) -> None:
        self._hub.metrics.subscriptions.inc((wanted is not None) - (self.subscription is not None))
        self.subscription, self.excluded = wanted, frozenset()

    async def _subscribe(self, message: Subscribe) -> None:
        wanted, since = message.subscription, message.since
        after = _order(since) if since is not None else None
        visible = await self._hub.visibility.clusters(self._scope)
        if visible is not None and (outside := wanted.cluster_filter - visible):
            raise ClusterNotFound(f"there is no cluster {min(outside)}")
        async with self._lock:
            ring = self._hub.ring
            recovered = await self._is_whole(ring, since, after, visible) if since and after else None
            if ring is not self._hub.ring:
                ring, recovered = self._hub.ring, False if since else None
            self._set_subscription(wanted)
            if since is None or after is None or not recovered:
                # In a new epoch the stream fills itself again with the last hour: what this client missed is among it,
                # and what it knows already it drops by event id.
                refilled = since is not None and since.epoch != ring.epoch
                self._start(ring, ring.first if refilled else ring.next)
                offset = ring.offset_before(ring.first) if refilled else ring.last_offset
                await self._say_subscribed(offset, recovered=recovered)
                self._woken.set()
                return
            self._start(ring, ring.position_after(after) if ring.covers(after) else ring.first, after)
            await self._say_subscribed(since.offset, recovered=True)
            if not ring.covers(after):
                await self._replay(ring, since.offset, visible)
            self._woken.set()

    def _start(self, ring: Ring, position: int, skip_to: Order = (0, 0)) -> None:
        self._ring, self._position, self._skip_to = ring, position, skip_to

    async def _is_whole(self, ring: Ring, since: Since, after: Order, visible: frozenset[UUID] | None) -> bool:
        """Whether everything since then can be told."""
        if since.epoch != ring.epoch:
            return False
        if ring.last is None or after > ring.last:
            # Another replica may have read on; nobody has read what the stream does not have.
            status = await self._hub.bus.status()
            if status.epoch != ring.epoch or after > order(status.last):
                return False
        if ring.covers(after):
            if visible is None:
                return True
            # A cluster that is gone can no longer be matched by its labels: better to say so.
            gone, _ = ring.read(ring.position_after(after), len(ring), frozenset({DELETED}))
            return all(entry.cluster_id in visible for entry in gone)
        return visible is None and not await self._hub.bus.trimmed(since.offset)

    async def _replay(self, ring: Ring, after: str, visible: frozenset[UUID] | None) -> None:
        """Send from the stream what the ring no longer has, until it takes over."""
        async with self._hub.replays:
            while not ring.covers(order(after)):
                batch = await self._hub.bus.range(after, limit=REPLAY_BATCH)
                if self._hub.ring is not ring or await self._hub.bus.trimmed(after):
                    self._start(self._hub.ring, self._hub.ring.next)
                    await self._say_subscribed(self._hub.ring.last_offset, recovered=False)
                    return
                if not batch:
                    break
                await self._send_all((self._hub.entry(delivery) for delivery in batch), visible)
                after = batch[-1].offset
        last = order(after)
        self._start(ring, ring.position_after(last) if ring.covers(last) else ring.first, last)

    async def _talk(self) -> int:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._hub.draining:
                reconnect_after_ms = random.randint(0, RECONNECT_MS)  # noqa: S311 - spreads reconnects
                await self._say(Disconnect("shutting_down", reconnect_after_ms))
                return CLOSE_GOING_AWAY
            if await self._read_on():
                self._woken.set()
                await asyncio.sleep(0)  # others have their turn between two batches

    async def _read_on(self) -> bool:
        """Send one batch; whether there may be more."""
        async with self._lock:
            wanted = self.subscription
            if wanted is None or self._ring is None or self._hub.draining:
                return False
            try:
                ring = self._hub.ring
                visible = await self._hub.visibility.clusters(self._scope)
            except ServiceUnavailable:
                asyncio.get_running_loop().call_later(RETRY_S, self._woken.set)
                return False
            if ring is not self._ring:
                self._start(ring, ring.first)
                await self._say_subscribed(ring.offset_before(ring.first), recovered=False)
            await self._confess(ring)
            clusters = _both(visible, wanted.cluster_filter)
            entries, position = ring.read(self._position, BATCH, wanted.event_types or None, clusters)
            await self._send_all(entries, visible)
            self._position = position
            return self._hub.ring is not ring or position < ring.next

    async def _confess(self, ring: Ring) -> None:
        """Tell how many events left the ring before they were read."""
        if (lost := ring.first - self._position) > 0:
            self._hub.metrics.dropped.inc(lost)
            self._position = ring.first
            await self._send(encode(Dropped(lost)).decode())

    async def _send_all(self, entries: Iterable[Entry], visible: frozenset[UUID] | None) -> None:
        for entry in entries:
            if entry.order > self._skip_to and self._wants(entry, visible):
                await self._send(entry.text)
                self._hub.metrics.latency.observe(max(0.0, time.time() - entry.at))

    def _wants(self, entry: Entry, visible: frozenset[UUID] | None) -> bool:
        wanted = self.subscription
        if wanted is None or entry.event_type in self.excluded:
            return False
        if visible is not None and (entry.cluster_id is None or entry.cluster_id not in visible):
            return False
        return (
            (not wanted.event_types or entry.event_type in wanted.event_types)
            and (not wanted.cluster_filter or entry.cluster_id in wanted.cluster_filter)
            and (not wanted.namespace_filter or entry.namespace in wanted.namespace_filter)
        )

    async def _say_subscribed(self, offset: str, *, recovered: bool | None) -> None:
        wanted, ring = self.subscription, self._ring
        if wanted is not None and ring is not None:
            types, clusters = sorted(wanted.event_types), sorted(wanted.cluster_filter)
            await self._send(encode(Subscribed(types, clusters, ring.epoch, offset, recovered)).decode())

    async def _say(self, message: ServerMessage) -> None:
        async with self._lock:
            await self._send(encode(message).decode())

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._send_text(text)
        self._hub.metrics.sent.inc()


def _order(since: Since) -> Order:
    try:
        return order(since.offset)
    except ValueError as error:
        raise InvalidRequest(f"since.offset: {since.offset[:40]!r} is no offset of this stream") from error


def _both(visible: frozenset[UUID] | None, chosen: frozenset[UUID]) -> frozenset[UUID] | None:
    if not chosen:
        return visible
    return chosen if visible is None else chosen & visible
