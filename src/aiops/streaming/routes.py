"""The socket and what an administrator may see of it."""

import random
from typing import Any, Final

from litestar import Router, WebSocket, get
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler
from msgspec import Struct

from aiops.core.identity import Identity
from aiops.core.web import requires
from aiops.streaming.hub import Hub
from aiops.streaming.protocol import Disconnect, encode
from aiops.streaming.session import PERMISSION, Session

CLOSE_TRY_LATER: Final = 1013


class StreamingStatus(Struct, frozen=True):
    """This replica's sockets and ring."""

    connections: int
    epoch: str | None
    ring_events: int


class _SocketTransport:
    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        try:
            await self._socket.send_text(data.decode())
        except WebSocketDisconnect as error:
            raise ConnectionError from error

    async def receive(self) -> str | bytes | None:
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            return None
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes") or b""


def router(hub: Hub, *, max_sockets: int) -> Router:
    """`/ws` and `/api/v1/streaming`."""

    @get("/api/v1/streaming/status", guards=[requires("streaming:read")], tags=["streaming"])
    async def streaming_status(identity: Identity) -> StreamingStatus:
        identity.require_everything("streaming:read")
        ring = hub.ring
        return StreamingStatus(len(hub.sessions), ring.epoch if ring else None, ring.next - ring.first if ring else 0)

    async def events(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()
        if len(hub.sessions) >= max_sockets:
            goodbye = Disconnect("too_many_connections", random.randint(1000, 10_000))  # noqa: S311 - spreads returns
            await socket.send_text(encode(goodbye).decode())
            await socket.close(CLOSE_TRY_LATER)
            return
        identity: Identity = socket.scope["state"]["identity"]
        code = await Session(hub, identity, _SocketTransport(socket)).run()
        if code is not None:
            await socket.close(code)

    handler = WebsocketRouteHandler("/ws", guards=[requires(PERMISSION)])(events)
    return Router("/", route_handlers=[streaming_status, handler])
