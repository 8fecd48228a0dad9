"""One socket: a position in the ring, read at the socket's own pace.

There is no queue. A session that is slower than the stream falls behind in the ring, and is told how much it lost
only when its position has left it. Everything that it is sent lies within its caller's clusters.
"""

import asyncio
import random
from typing import Final, Protocol
from uuid import UUID

from aiops.core.errors import AiopsError, ClusterNotFound, InvalidRequest, ServiceUnavailable
from aiops.core.identity import Identity, Scope
from aiops.streaming.hub import Hub
from aiops.streaming.protocol import (
    ClientMessage,
    Disconnect,
    Dropped,
    ErrorMessage,
    Ping,
    Pong,
    ServerMessage,
    Subscribe,
    Subscribed,
    Subscription,
    Unsubscribe,
    encode,
    parse,
)
from aiops.streaming.ring import Entry, Ring

BATCH: Final = 100
SEND_TIMEOUT_S: Final = 30.0
WAIT_S: Final = 30.0
MAX_MISTAKES: Final = 10
PERMISSION: Final = "events:read"
CLOSE_POLICY: Final = 1008
CLOSE_GOING_AWAY: Final = 1001


class Transport(Protocol):
    """The socket, as a session needs it."""

    async def send(self, data: bytes) -> None:
        """Send one text message."""
        ...

    async def receive(self) -> str | bytes | None:
        """The next message, or None when the client has left."""
        ...


class Session:
    """Serves one socket until it ends; `run` returns the close code, or None when the client left."""

    def __init__(self, hub: Hub, identity: Identity, transport: Transport) -> None:
        self._hub = hub
        self._scope: Scope = identity.scope(PERMISSION)
        self.subject = identity.subject
        self._transport = transport
        self.subscription: Subscription | None = None
        self._excluded: frozenset[str] = frozenset()
        self._position = 0
        self._epoch = ""
        self._visible: frozenset[UUID] | None = frozenset()
        self._generation = -1
        self._lock = asyncio.Lock()

    async def run(self) -> int | None:
        """Serve."""
        async with self._hub.attached(self):
            listening = asyncio.ensure_future(self._listen())
            talking = asyncio.ensure_future(self._talk())
            try:
                await asyncio.wait([listening, talking], return_when=asyncio.FIRST_COMPLETED)
                return listening.result() if listening.done() else talking.result()
            except (TimeoutError, OSError):
                return CLOSE_POLICY  # it does not take what it is sent
            finally:
                for task in (listening, talking):
                    task.cancel()
                await asyncio.gather(listening, talking, return_exceptions=True)

    async def _listen(self) -> int | None:
        mistakes = 0
        while (data := await self._transport.receive()) is not None:
            self._hub.received.inc()
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
            if message.event_types and self.subscription is not None:
                self._excluded |= message.event_types
            else:
                self.subscription = None
        elif isinstance(message, Ping):
            await self._say(Pong())

    async def _subscribe(self, message: Subscribe) -> None:
        ring = self._hub.ring
        if ring is None:
            raise ServiceUnavailable("the event stream is starting; subscribe again in a moment")
        await self._refresh_scope()
        wanted = message.subscription
        if self._visible is not None and (outside := wanted.cluster_filter - self._visible):
            raise ClusterNotFound(f"there is no cluster {min(outside)}")
        replay: list[Entry] = []
        recovered: bool | None = None
        position = ring.next
        if message.since is not None:
            recovered, position, replay = await self._recover(ring, message)
        # From here on nothing waits until the position is set, so that nothing slips in between.
        self._excluded = frozenset()
        self.subscription = wanted
        self._epoch = ring.epoch
        async with self._lock:
            self._position = position
            offset = message.since.offset if message.since is not None and recovered else self._offset(ring, position)
            await self._send(
                encode(
                    Subscribed(
                        sorted(wanted.event_types),
                        sorted(wanted.cluster_filter),
                        ring.epoch,
                        offset,
                        recovered,
                    )
                )
            )
            for entry in replay:
                if self._wants(entry):
                    await self._send(entry.data)
        await self._hub.wake()

    async def _recover(self, ring: Ring, message: Subscribe) -> tuple[bool, int, list[Entry]]:
        """Whether everything since then can be told; from where the ring takes over; what to tell before that."""
        since = message.since
        if since is None or since.epoch != ring.epoch:
            return False, ring.next, []
        position = ring.position_after(since.offset)
        if position is not None:
            return True, position, []
        try:
            missed = await self._hub.missed(since.offset)
        except (ValueError, InvalidRequest):
            return False, ring.next, []
        if missed is None:
            return False, ring.next, []
        # The stream may be ahead of the ring: the ring goes on behind the last entry that both hold.
        for index in range(len(missed) - 1, -1, -1):
            if (position := ring.position_after(missed[index].offset)) is not None:
                return True, position, missed[: index + 1]
        return True, ring.next, missed

    @staticmethod
    def _offset(ring: Ring, position: int) -> str:
        entries = ring.read(position - 1, 1) if position - 1 >= ring.first else []
        return entries[0].offset if entries else "0-0"

    async def _talk(self) -> int:
        while True:
            if self._hub.draining:
                await self._say(Disconnect("shutting_down", random.randint(0, 5000)))  # noqa: S311 - spreads returns
                return CLOSE_GOING_AWAY
            await self._hub.wait(self._position, self._epoch, WAIT_S)
            ring = self._hub.ring
            if ring is None or self.subscription is None:
                if ring is not None:
                    self._position, self._epoch = ring.next, ring.epoch
                continue
            async with self._lock:
                await self._catch_up(ring)

    async def _catch_up(self, ring: Ring) -> None:
        if ring.epoch != self._epoch:
            # What follows repeats or fills what an interruption of the stream may have lost.
            self._epoch, self._position = ring.epoch, 0
        if self._generation != self._hub.generation:
            await self._refresh_scope()
        if self._position < ring.first:
            lost = ring.first - self._position
            self._hub.dropped.inc(lost)
            await self._send(encode(Dropped(lost)))
            self._position = ring.first
        for entry in ring.read(self._position, BATCH):
            self._position += 1
            if self._wants(entry):
                await self._send(entry.data)

    async def _refresh_scope(self) -> None:
        generation = self._hub.generation
        try:
            self._visible = await self._hub.visible(self._scope)
        except ServiceUnavailable:
            return  # asked again with the next event; until then it sees what it saw
        self._generation = generation

    def _wants(self, entry: Entry) -> bool:
        wanted = self.subscription
        if wanted is None or entry.event_type in self._excluded:
            return False
        if self._visible is not None and (entry.cluster_id is None or entry.cluster_id not in self._visible):
            return False
        return (
            (not wanted.event_types or entry.event_type in wanted.event_types)
            and (not wanted.cluster_filter or entry.cluster_id in wanted.cluster_filter)
            and (not wanted.namespace_filter or entry.namespace in wanted.namespace_filter)
        )

    async def _say(self, message: ServerMessage) -> None:
        async with self._lock:
            await self._send(encode(message))

    async def _send(self, data: bytes) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._transport.send(data)
        self._hub.sent.inc()
