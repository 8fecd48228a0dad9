"""A hub over a real Valkey, and sockets that a test speaks through."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from aiops.core.bus import Bus
from aiops.core.clock import utc_now
from aiops.core.errors import ServiceUnavailable
from aiops.core.identity import ClusterSelector, Grant, Identity, Role, SubjectKind
from aiops.core.message import Message
from aiops.core.redis import RedisConnection
from aiops.ports.registry import (
    Credential,
    CredentialQuery,
    Registry,
    Target,
    TargetQuery,
    Targets,
    WebhookCall,
    WebhookSource,
)
from aiops.streaming.hub import Hub
from aiops.streaming.session import Session
from aiops.streaming.traffic import SocketMetrics
from aiops.streaming.visibility import Visibility

EAST, WEST = UUID(int=0xEA57), UUID(int=0x3E57)
PATIENCE_S = 10


class Labels(Registry):
    """The one answer of a registry that streaming needs: which clusters have a selector's labels."""

    def __init__(self) -> None:
        self.of: dict[UUID, dict[str, str]] = {EAST: {"site": "east"}, WEST: {"site": "west"}}
        self.away = False
        self.asked = 0

    async def targets(self, request: TargetQuery) -> Targets:
        self.asked += 1
        if self.away:
            raise ServiceUnavailable("the registry is away")
        return Targets(
            tuple(
                Target(cluster_id, str(cluster_id), labels, None, None)
                for cluster_id, labels in self.of.items()
                if any(selector.labels.items() <= labels.items() for selector in request.scope.selectors)
            )
        )

    async def credential(self, request: CredentialQuery) -> Credential:
        raise AssertionError(f"streaming asked for a credential: {request}")

    async def webhook(self, request: WebhookCall) -> WebhookSource:
        raise AssertionError(f"streaming asked for a webhook's token: {request}")


def event(
    number: int, *, event_type: str = "CLUSTER_STATUS_CHANGED", cluster: UUID | None = EAST, **payload: Any
) -> Message:
    """An event that can be told by its number."""
    return Message(
        event_id=UUID(int=number),
        event_type=event_type,
        source="test",
        cluster_id=cluster,
        timestamp=datetime.now(UTC),
        payload=msgspec.Raw(msgspec.json.encode(payload)),
    )


def caller(**selector: Any) -> Identity:
    """A viewer of these clusters, by default of all."""
    clusters = ClusterSelector(**selector) if selector else ClusterSelector(all=True)
    return Identity("test", SubjectKind.API_TOKEN, (Grant(Role.VIEWER, clusters),))


class Socket:
    """The client's end of one session."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.takes = asyncio.Event()  # cleared: the network is full, and sending waits
        self.takes.set()
        self.closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def send(self, text: str) -> None:
        """For the session."""
        await self.takes.wait()
        self._heard.put_nowait(msgspec.json.decode(text))

    async def receive(self) -> str | bytes | None:
        """For the session."""
        return await self._said.get()

    def say(self, message: dict[str, Any] | str | bytes | None) -> None:
        """Send one message; None hangs up."""
        self._said.put_nowait(msgspec.json.encode(message).decode() if isinstance(message, dict) else message)

    async def hear(self) -> dict[str, Any]:
        """The next message, of whatever type."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._heard.get()

    async def subscribe(self, since: dict[str, str] | None = None, **wanted: Any) -> dict[str, Any]:
        """Subscribe; the answer."""
        self.say({"type": "subscribe", "subscription": wanted} | ({"since": since} if since else {}))
        return await self.hear()

    async def numbers(self, until: int) -> list[int]:
        """The numbers of the events that come, up to and with `until`; anything else that comes is a failure."""
        found: list[int] = []
        while until not in found:
            message = await self.hear()
            assert message["type"] == "event", message
            found.append(UUID(message["event_id"]).int)
        return found


Connect = Callable[..., AbstractAsyncContextManager[Socket]]


@dataclass
class Stage:
    """One replica of streaming."""

    hub: Hub
    bus: Bus
    registry: Labels
    metrics: CollectorRegistry

    @asynccontextmanager
    async def connected(self, identity: Identity | None = None) -> AsyncIterator[Socket]:
        """Open a socket."""
        socket = Socket()
        session = Session(self.hub, identity or caller(), socket.send, socket.receive, connected_at=utc_now())
        running = asyncio.create_task(session.run())
        running.add_done_callback(lambda task: None if task.cancelled() else socket.closed.set_result(task.result()))
        try:
            yield socket
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def append(self, *messages: Message) -> list[str]:
        """Put events on the bus and wait until this replica has them; their offsets."""
        offsets = await self.bus.append(messages)
        async with asyncio.timeout(PATIENCE_S):
            while self.hub.ring.last_offset != offsets[-1]:
                await asyncio.sleep(0.005)
        return offsets


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[RedisConnection]:
    async with RedisConnection(valkey_url, client_name="streaming tests") as connection:
        yield connection


@pytest.fixture
def bus(redis: RedisConnection) -> Bus:
    """A stream of its own."""
    return Bus(redis, stream=f"test:{uuid4().hex}")


@asynccontextmanager
async def replica(bus: Bus, *, max_events: int = 1000, max_bytes: int = 1_000_000) -> AsyncIterator[Stage]:
    """Run a hub on this bus."""
    registry, metrics = Labels(), CollectorRegistry()
    hub = Hub(bus, Visibility(registry), SocketMetrics(metrics), max_events=max_events, max_bytes=max_bytes)
    running = asyncio.create_task(hub.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await hub.ready.wait()
        yield Stage(hub, bus, registry, metrics)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def stage(bus: Bus) -> AsyncIterator[Stage]:
    """A running replica."""
    async with replica(bus) as found:
        yield found
