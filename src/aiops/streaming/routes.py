"""The socket, and what an administrator may see of this replica's sockets."""

import random
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Router, WebSocket, get
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler
from msgspec import Struct

from aiops.core.clock import Clock
from aiops.core.errors import ServiceUnavailable
from aiops.core.identity import Identity
from aiops.core.web import Page, Paging, identity_of, page_of, requires
from aiops.streaming.hub import Hub
from aiops.streaming.protocol import Disconnect, encode
from aiops.streaming.session import PERMISSION, RECONNECT_MS, Session

CLOSE_TRY_LATER: Final = 1013
ADMINISTRATION: Final = "streaming:read"


class StreamingStatus(Struct, frozen=True):
    """This replica's sockets and ring. Epoch and offset are null until the stream has been read."""

    connections: int
    max_connections: int
    subscriptions: int
    epoch: str | None
    offset: str | None
    ring_events: int
    ring_bytes: int


class StreamingClient(Struct, frozen=True):
    """One open socket of this replica."""

    client_id: UUID
    subject: str
    connected_at: datetime
    subscribed: bool


class StreamingSubscription(Struct, frozen=True):
    """What one socket of this replica wants to hear; empty lists mean everything."""

    client_id: UUID
    subject: str
    event_types: list[str]
    excluded_event_types: list[str]
    cluster_filter: list[UUID]
    namespace_filter: list[str]


def router(hub: Hub, clock: Clock, *, max_sockets: int) -> Router:
    """`/ws` and `/api/v1/streaming`."""
    handlers = [_Administration(hub, max_sockets).handlers(), [_socket(hub, clock, max_sockets)]]
    return Router("/", route_handlers=[handler for group in handlers for handler in group], tags=["streaming"])


class _Administration:
    def __init__(self, hub: Hub, max_sockets: int) -> None:
        self._hub = hub
        self._max_sockets = max_sockets

    def handlers(self) -> list[Any]:
        @get("/api/v1/streaming/status", guards=[requires(ADMINISTRATION)])
        async def streaming_status(identity: NamedDependency[Identity]) -> StreamingStatus:
            """Tell how this replica's sockets and its ring are."""
            identity.require_everything(ADMINISTRATION)
            return self._status()

        @get("/api/v1/streaming/clients", guards=[requires(ADMINISTRATION)])
        async def streaming_clients(
            identity: NamedDependency[Identity], paging: NamedDependency[Paging]
        ) -> Page[StreamingClient]:
            """List this replica's sockets, oldest first."""
            identity.require_everything(ADMINISTRATION)
            sessions = self._sessions()
            shown = sessions[paging.offset : paging.offset + paging.page_size]
            items = [StreamingClient(s.id, s.subject, s.connected_at, s.subscription is not None) for s in shown]
            return page_of(items, len(sessions), paging)

        @get("/api/v1/streaming/subscriptions", guards=[requires(ADMINISTRATION)])
        async def streaming_subscriptions(
            identity: NamedDependency[Identity], paging: NamedDependency[Paging]
        ) -> Page[StreamingSubscription]:
            """List what this replica's sockets want to hear, oldest socket first."""
            identity.require_everything(ADMINISTRATION)
            found = [item for session in self._sessions() if (item := _subscription(session)) is not None]
            return page_of(found[paging.offset : paging.offset + paging.page_size], len(found), paging)

        return [streaming_status, streaming_clients, streaming_subscriptions]

    def _sessions(self) -> list[Session]:
        sessions = [session for session in self._hub.sessions if isinstance(session, Session)]
        return sorted(sessions, key=lambda session: (session.connected_at, session.id))

    def _status(self) -> StreamingStatus:
        try:
            ring = self._hub.ring
        except ServiceUnavailable:
            ring = None
        sessions = self._sessions()
        return StreamingStatus(
            connections=len(sessions),
            max_connections=self._max_sockets,
            subscriptions=sum(session.subscription is not None for session in sessions),
            epoch=ring.epoch if ring else None,
            offset=ring.last_offset if ring else None,
            ring_events=len(ring) if ring else 0,
            ring_bytes=ring.bytes if ring else 0,
        )


def _subscription(session: Session) -> StreamingSubscription | None:
    wanted = session.subscription
    if wanted is None:
        return None
    return StreamingSubscription(
        session.id,
        session.subject,
        sorted(wanted.event_types),
        sorted(session.excluded),
        sorted(wanted.cluster_filter),
        sorted(wanted.namespace_filter),
    )


def _socket(hub: Hub, clock: Clock, max_sockets: int) -> WebsocketRouteHandler:
    async def events(socket: WebSocket[Any, Any, Any]) -> None:
        async def send(text: str) -> None:
            try:
                await socket.send({"type": "websocket.send", "text": text, "bytes": None})
            except WebSocketDisconnect as error:
                raise ConnectionError("the socket is closed") from error

        async def receive() -> str | bytes | None:
            message: Any = await socket.receive()
            if message["type"] != "websocket.receive":
                return None
            text: str | None = message.get("text")
            return text if text is not None else message.get("bytes") or b""

        try:
            await socket.accept()
            if hub.draining or len(hub.sessions) >= max_sockets:
                delay_ms = random.randint(0, RECONNECT_MS)  # noqa: S311 - spreads reconnects
                goodbye = Disconnect("shutting_down" if hub.draining else "too_many_connections", delay_ms)
                await send(encode(goodbye).decode())
                await socket.close(CLOSE_TRY_LATER)
                return
            session = Session(hub, identity_of(socket), send, receive, connected_at=clock())
            if (code := await session.run()) is not None:
                await socket.close(code)
        except (OSError, WebSocketDisconnect):
            return  # the client hung up while we spoke

    return WebsocketRouteHandler("/ws", guards=[requires(PERMISSION)])(events)
