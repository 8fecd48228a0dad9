"""Passes an authenticated socket on to the streaming role; the gate in front has judged the caller."""

import asyncio
from contextlib import suppress
from typing import Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from aiops.core.errors import AiopsError, NotFound
from aiops.core.http import ClientSocket, Closed, Deadline, HttpRequest, TimedOut, UpstreamFailure
from aiops.core.peer import HOP_HEADER
from aiops.core.web import identity_of
from aiops.gateway import socket_messages
from aiops.gateway.proxy import Upstream, forward_headers
from aiops.gateway.route_table import SOCKET_PATH

# Events of our own role; the contract's 64 KiB with room for what a newer release may add.
MAX_EVENT_BYTES: Final = 1024 * 1024
_HANDSHAKE: Final = ("sec-websocket-", "origin", "upgrade")
# RFC 6455 section 7.4: these are never sent in a close frame.
_NEVER_SENT: Final = frozenset({1005, 1006, 1015})


class SocketProxy:
    """An ASGI application for the streaming role's socket."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one socket on until either side closes it."""
        if scope["type"] != ScopeType.WEBSOCKET:
            raise NotFound(f"{SOCKET_PATH} speaks WebSocket; open it with a WebSocket client")
        identity = identity_of(ASGIConnection(scope))
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        headers = {
            name: value
            for name, value in forward_headers(scope, keep_authorization=False).items()
            if not name.startswith(_HANDSHAKE)
        }
        headers[HOP_HEADER] = self._upstream.hop.sign(identity, self._upstream.role)
        try:
            await self._pass(headers, receive, send)
        except AiopsError as error:
            with suppress(OSError):
                await send_text(send, socket_messages.text(socket_messages.Error(error.code, error.message)))
                await close(send, socket_messages.TRY_AGAIN_LATER, error.code)

    async def _pass(self, headers: dict[str, str], receive: Receive, send: Send) -> None:
        upstream = self._upstream
        upstream.admit()
        request = HttpRequest(
            method="GET",
            url=upstream.url.rstrip("/") + SOCKET_PATH,
            headers=headers,
            peer=upstream.role,
            use_breaker=False,
        )
        opened = False
        try:
            async with (
                asyncio.timeout(upstream.backend.timeout_s) as clock,
                upstream.http.websocket(
                    request, Deadline.after(upstream.backend.timeout_s), max_message_bytes=MAX_EVENT_BYTES
                ) as socket,
            ):
                clock.reschedule(None)
                upstream.breaker.succeeded()
                opened = True
                await _exchange(socket, receive, send)
        except (UpstreamFailure, TimeoutError) as error:
            if not opened:
                raise upstream.failed(
                    error if isinstance(error, UpstreamFailure) else TimedOut(upstream.role, "no answer in time")
                ) from error
            with suppress(OSError):
                await close(send, socket_messages.BROKEN, "the connection behind this one broke")
        finally:
            if not opened:
                upstream.breaker.abandoned()


async def _exchange(socket: ClientSocket, receive: Receive, send: Send) -> None:
    """Both ways at once; ends when one side has ended."""

    async def outwards() -> None:
        while not isinstance(message := await socket.receive(), Closed):
            await send_text(send, message if isinstance(message, str) else message.decode("utf-8", "replace"))
        code = message.code
        await close(send, socket_messages.BROKEN if code in _NEVER_SENT else code, "")

    async def inwards() -> None:
        while (message := await receive())["type"] == "websocket.receive":
            if (text := message.get("text")) is not None:
                await socket.send_text(text)
            else:
                await socket.send_bytes(message.get("bytes") or b"")
        await socket.close()

    tasks = {asyncio.create_task(outwards()), asyncio.create_task(inwards())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with suppress(OSError):  # either side may vanish at any time, and that is how a socket ends
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def send_text(send: Send, text: str) -> None:
    """One text frame."""
    await send({"type": "websocket.send", "text": text, "bytes": None})


async def close(send: Send, code: int, reason: str) -> None:
    """A close frame; its reason is at most 123 bytes long (RFC 6455 section 5.5)."""
    cut = reason.encode()[:120].decode("utf-8", "ignore")
    await send({"type": "websocket.close", "code": code, "reason": cut})
