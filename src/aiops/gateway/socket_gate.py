"""Stands in front of `/ws`: finds out who opens a socket, and cuts it when he may be there no longer.

It wraps the whole application, so that it is the same whether the socket is served here or by another role.
The application behind sees an identity in its state and an accepted connection, and knows nothing of tokens.
No token is ever read from a URL, and none is kept.
"""

import asyncio
import random
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, cast

import msgspec
import structlog
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send, WebSocketScope

from aiops.core.clock import Clock
from aiops.core.errors import (
    AiopsError,
    AuthExpired,
    AuthFailed,
    AuthRequired,
    InvalidRequest,
    PermissionDenied,
    ServiceUnavailable,
)
from aiops.gateway.authenticate import Caller, TokenAuthenticator
from aiops.gateway.control import Ended
from aiops.gateway.route_table import SOCKET_PATH
from aiops.gateway.socket_messages import (
    BROKEN,
    NOT_UNDERSTOOD,
    TRY_AGAIN_LATER,
    UNAUTHENTICATED,
    Auth,
    AuthResponse,
    Disconnect,
    Error,
    text,
)
from aiops.gateway.socket_proxy import close, send_text

FIRST_MESSAGE_S: Final = 10.0
# Sockets that have said nothing yet cost us memory on nobody's account.
MAX_WAITING: Final = 1000
SWEEP_S: Final = 1.0
CUT_S: Final = 5.0
RECONNECT_MS: Final = 5000
_log = structlog.get_logger("aiops.gateway.sockets")
_decoder = msgspec.json.Decoder(Auth)


class _Gated:
    """One socket that was let in."""

    def __init__(self, caller: Caller, send: Send, check_at: float) -> None:
        self.caller = caller
        self.check_at = check_at
        self.cut_off = False
        self._send = send
        self._closed = False
        self._task = asyncio.current_task()

    async def send(self, message: Message) -> None:
        """What the application behind sends; its accept is swallowed, ours went out before."""
        if message["type"] == "websocket.accept":
            return
        if self._closed:
            raise OSError("the socket was cut")
        if message["type"] == "websocket.close":
            self._closed = True
        elif message["type"] != "websocket.send":
            return
        await self._send(message)

    async def cut(self, error: AiopsError) -> None:
        """Say why and close; a reader too slow to hear it is cut all the same."""
        if self._closed:
            return
        self._closed = self.cut_off = True
        try:
            async with asyncio.timeout(CUT_S):
                await send_text(self._send, text(Error(error.code, error.message)))
                await close(self._send, UNAUTHENTICATED, error.code)
        except TimeoutError:
            if self._task is not None:
                self._task.cancel()
        except OSError:
            pass  # it had gone already


class SocketGate:
    """Wraps applications. `run` is a supervised task that verifies open sockets again."""

    def __init__(
        self,
        authenticator: TokenAuthenticator,
        *,
        recheck_s: float,
        clock: Clock,
        first_message_s: float = FIRST_MESSAGE_S,
    ) -> None:
        self._authenticator = authenticator
        self._recheck_s = recheck_s
        self._clock = clock
        self._first_message_s = first_message_s
        self._sockets: set[_Gated] = set()
        self._waiting = 0
        self._wake = asyncio.Event()

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with the gate in front of its socket."""

        async def gated(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.WEBSOCKET and scope["path"].rstrip("/") == SOCKET_PATH:
                with suppress(OSError):  # the client hung up
                    await self._serve(app, scope, receive, send)
                return
            await app(scope, receive, send)

        return gated

    def heard(self, ended: Ended) -> None:
        """A credential ended somewhere: look at its sockets now."""
        for socket in self._sockets:
            if socket.caller.hit_by(ended):
                socket.check_at = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Verify every open socket again when it is due, and cut those whose time is over."""
        while True:
            try:
                async with asyncio.timeout(SWEEP_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._sweep()

    async def _serve(self, app: ASGIApp, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            caller = await self._authenticator.caller(ASGIConnection(cast("Scope", scope)))
        except PermissionDenied as error:
            _log.warning("a socket from a foreign page was refused", reason=error.message)
            await close(send, UNAUTHENTICATED, "")
            return
        except AiopsError as error:
            await _accept(send)
            await _refuse(send, error)
            return
        await _accept(send)
        if caller is None:
            caller = await self._by_first_message(receive, send)
        if caller is not None:
            await self._let_in(app, caller, scope, receive, send)

    async def _by_first_message(self, receive: Receive, send: Send) -> Caller | None:
        if self._waiting >= MAX_WAITING:
            delay_ms = random.randint(0, RECONNECT_MS)  # noqa: S311 - spreads reconnects
            await send_text(send, text(Disconnect("too many sockets wait to sign in", delay_ms)))
            await close(send, TRY_AGAIN_LATER, "")
            return None
        self._waiting += 1
        try:
            async with asyncio.timeout(self._first_message_s):
                message = await receive()
            if message["type"] != "websocket.receive":
                return None
            return Caller(await self._authenticator.bearer(_token(message)))
        except TimeoutError:
            await _refuse(send, AuthRequired('nobody signed in in time; send {"type":"auth","token":...} first'))
        except AiopsError as error:
            await _refuse(send, error)
        finally:
            self._waiting -= 1
        return None

    async def _let_in(self, app: ASGIApp, caller: Caller, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        identity = caller.identity
        response = AuthResponse(True, identity.subject, _expiry(caller))
        await send_text(send, text(response))
        state = {**(scope.get("state") or {}), "identity": identity}
        socket = _Gated(caller, send, self._now() + self._recheck_s)
        connected = False

        async def receive_behind() -> Any:
            nonlocal connected
            if not connected:
                connected = True
                return {"type": "websocket.connect"}
            return await receive()

        self._sockets.add(socket)
        try:
            await app(cast("Scope", {**scope, "state": state}), receive_behind, socket.send)
        except asyncio.CancelledError:
            if not socket.cut_off:
                raise
        finally:
            self._sockets.discard(socket)

    async def _sweep(self) -> None:
        now, time = self._now(), self._clock()
        expired = [s for s in self._sockets if (at := _expiry(s.caller)) is not None and at <= time]
        await _cut(expired, AuthExpired("the token or session behind this socket has expired; sign in again"))
        due: dict[object, list[_Gated]] = {}
        for socket in self._sockets:
            if socket.check_at <= now:
                due.setdefault(_credential(socket.caller), []).append(socket)
        for sockets in due.values():
            for socket in sockets:
                socket.check_at = now + self._recheck_s
            try:
                await self._authenticator.recheck(sockets[0].caller)
            except (AuthFailed, AuthExpired) as error:
                await _cut(sockets, error)
            except ServiceUnavailable as error:
                _log.warning("open sockets could not be verified, trying again", reason=error.message)
                for socket in sockets:
                    socket.check_at = now + min(self._recheck_s, CUT_S)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _expiry(caller: Caller) -> Any:
    return caller.session.expires_at if caller.session else caller.identity.expires_at


def _credential(caller: Caller) -> object:
    """Sockets of one credential are verified by one question."""
    return caller.session.key if caller.session else caller.identity.credential_id


async def _cut(sockets: Iterable[_Gated], error: AiopsError) -> None:
    await asyncio.gather(*(socket.cut(error) for socket in sockets))


def _token(message: Any) -> str:
    data = message.get("text") or message.get("bytes") or b""
    try:
        return _decoder.decode(data).token
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidRequest('the first message must be {"type":"auth","token":"..."}') from error


async def _accept(send: Send) -> None:
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})


async def _refuse(send: Send, error: AiopsError) -> None:
    """Say why nobody is let in, and close."""
    if isinstance(error, InvalidRequest):
        await send_text(send, text(Error(error.code, error.message)))
        await close(send, NOT_UNDERSTOOD, error.code)
    elif isinstance(error, AuthRequired):
        await send_text(send, text(AuthResponse(False, code=error.code, message=error.message)))
        await close(send, UNAUTHENTICATED, error.code)
    else:
        await send_text(send, text(Error(error.code, error.message)))
        away = isinstance(error, ServiceUnavailable)
        await close(send, TRY_AGAIN_LATER if away else BROKEN, error.code)
