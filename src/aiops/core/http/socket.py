"""The client's end of a WebSocket, for the gateway's proxy and for command-line clients."""

from typing import Final

import aiohttp
from aiohttp import WSMsgType
from msgspec import Struct

from aiops.core.http.addresses import Target
from aiops.core.http.failures import TooLarge, Unreachable, UnreachableKind

_NO_STATUS: Final = 1005
_ABNORMAL: Final = 1006
_TOO_BIG: Final = 1009


class Closed(Struct, frozen=True):
    """The other side is done. `code` is its close code; 1005 it gave none, 1006 the connection broke."""

    code: int
    reason: str = ""


class ClientSocket:
    """An open WebSocket. One task may receive while another sends. Pings are answered by themselves."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, target: Target) -> None:
        self._socket = socket
        self._target = target
        self._ended: Closed | None = None
        self.subprotocol = socket.protocol

    async def send_text(self, text: str) -> None:
        """Send one text message; waits while the other side reads too slowly.

        Raises:
            Unreachable: the socket is closed or broke.

        """
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, ConnectionError):
            raise self._gone() from None

    async def send_bytes(self, data: bytes) -> None:
        """Send one binary message; as `send_text`."""
        try:
            await self._socket.send_bytes(data)
        except (aiohttp.ClientError, ConnectionError):
            raise self._gone() from None

    async def receive(self) -> str | bytes | Closed:
        """Wait for the next message, or how the socket ended; the same end again when asked again.

        Raises:
            TooLarge: the message is over the limit; the socket is closed with 1009.

        """
        if self._ended is not None:
            return self._ended
        message = await self._socket.receive()
        match message.type:
            case WSMsgType.TEXT:
                return str(message.data)
            case WSMsgType.BINARY:
                return bytes(message.data)
            case WSMsgType.CLOSE:
                self._ended = Closed(message.data or _NO_STATUS, message.extra or "")
            case WSMsgType.ERROR if self._socket.close_code == _TOO_BIG:
                raise TooLarge(self._target.name, "a WebSocket message is over the limit")
            case _:
                self._ended = Closed(self._socket.close_code or _ABNORMAL)
        return self._ended

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and wait for the answer to it; harmless when the socket is closed already."""
        await self._socket.close(code=code, message=reason.encode()[:123])

    def _gone(self) -> Unreachable:
        return Unreachable(self._target.name, "the WebSocket is closed", UnreachableKind.RESET)
