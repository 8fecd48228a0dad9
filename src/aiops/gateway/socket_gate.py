"""The door in front of `/ws`: who may open a socket, and when it is cut.

The same in one process and in many: it signs the caller in by cookie, header or first message, hands the accepted
socket to whatever serves it (the hub here, or the proxy to its role), and looks again every minute and whenever a
token is revoked. What is behind it never sees a token.
"""

import asyncio
from typing import Any, Final

import msgspec
from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct

from aiops.core.bus import CONTROL_CHANNEL, Bus
from aiops.core.errors import AiopsError, AuthFailed, AuthRequired, ServiceUnavailable
from aiops.core.identity import Identity
from aiops.gateway.authenticate import Authenticate
from aiops.gateway.tokens import Tokens

PATHS: Final = frozenset({"/ws"})
FIRST_MESSAGE_S: Final = 10.0
CLOSE_AUTH: Final = 4401


class _AuthMessage(Struct, tag="auth", frozen=True):
    token: str


class Revocations:
    """Hears which tokens were revoked and cuts their sockets."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._cuts: dict[str, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """Listen until cancelled; a supervised task."""
        async for token_id in self._bus.listen(CONTROL_CHANNEL):
            for look_again in self._cuts.get(token_id.decode(errors="replace"), ()):
                look_again.set()

    def register(self, identity: Identity, look_again: asyncio.Event) -> None:
        """Have `look_again` set when the identity's token is revoked."""
        self._cuts.setdefault(str(identity.credential_id), set()).add(look_again)

    def forget(self, identity: Identity, look_again: asyncio.Event) -> None:
        """Stop that."""
        key = str(identity.credential_id)
        self._cuts[key].discard(look_again)
        if not self._cuts[key]:
            del self._cuts[key]


class SocketGate:
    """ASGI around the application; other connections pass untouched."""

    def __init__(
        self,
        app: ASGIApp,
        authenticate: Authenticate,
        tokens: Tokens,
        revocations: Revocations,
        *,
        recheck_s: float,
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._tokens = tokens
        self._revocations = revocations
        self._recheck_s = recheck_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if str(scope["type"]) != "websocket" or scope["path"] not in PATHS:
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        try:
            identity = await self._sign_in(scope, receive)
        except _Gone:
            return
        except AiopsError as error:
            await _refuse(send, error)
            return
        await _say(send, {"type": "auth_response", "success": True, "subject": identity.subject})
        scope["state"]["identity"] = identity
        await self._serve(identity, scope, receive, send)

    async def _sign_in(self, scope: Scope, receive: Receive) -> Identity:
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        identity = await self._authenticate.identify(connection)
        if identity is not None:
            return identity
        try:
            async with asyncio.timeout(FIRST_MESSAGE_S):
                message = await receive()
        except TimeoutError as error:
            raise AuthRequired(f"no auth message within {FIRST_MESSAGE_S:g} s") from error
        if message["type"] == "websocket.disconnect":
            raise _Gone
        data: Any = message.get("text") or message.get("bytes") or b""
        try:
            token = msgspec.json.decode(data, type=_AuthMessage).token
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise AuthFailed('the first message must be {"type": "auth", "token": "..."}') from error
        return await self._tokens.bearer(token)

    async def _serve(self, identity: Identity, scope: Scope, receive: Receive, send: Send) -> None:
        look_again = asyncio.Event()
        connected = False
        lock = asyncio.Lock()
        closed = False

        async def inner_receive() -> Any:
            nonlocal connected
            if not connected:
                connected = True
                return {"type": "websocket.connect"}
            return await receive()

        async def inner_send(message: Any) -> None:
            nonlocal closed
            if message["type"] == "websocket.accept":
                return
            async with lock:
                if not closed:
                    closed = message["type"] == "websocket.close"
                    await send(message)

        async def watch() -> AiopsError:
            while True:
                try:
                    async with asyncio.timeout(self._recheck_s):
                        await look_again.wait()
                except TimeoutError:
                    pass
                look_again.clear()
                try:
                    await self._authenticate.again(identity)
                except ServiceUnavailable:
                    continue  # nobody can tell right now; an outage of ours cuts nobody
                except AiopsError as error:
                    return error

        self._revocations.register(identity, look_again)
        serving = asyncio.ensure_future(self._app(scope, inner_receive, inner_send))
        watching = asyncio.ensure_future(watch())
        try:
            await asyncio.wait([serving, watching], return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and not serving.done():
                async with lock:
                    closed = True
                    await _refuse(send, watching.result())
        finally:
            self._revocations.forget(identity, look_again)
            watching.cancel()
            serving.cancel()
            await asyncio.gather(serving, watching, return_exceptions=True)


class _Gone(Exception):  # noqa: N818 - nothing went wrong: the client left
    pass


async def _say(send: Send, message: dict[str, Any]) -> None:
    await send({"type": "websocket.send", "bytes": None, "text": msgspec.json.encode(message).decode()})


async def _refuse(send: Send, error: AiopsError) -> None:
    await _say(
        send, {"type": "auth_response", "success": False, "code": error.code, "message": error.message}
    )
    await _say(send, {"type": "error", "code": error.code, "message": error.message})
    await send({"type": "websocket.close", "code": CLOSE_AUTH, "reason": error.code})
