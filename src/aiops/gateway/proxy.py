"""Passes requests on to the role that owns the path, when that role is another process.

Bodies stream both ways. The caller's credentials stay here: what travels is the signed hop. The alert webhook is the
one path whose own token goes through, because its owner checks it.
"""

import asyncio
import posixpath
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from litestar.connection import Request
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from aiops.core.errors import InvalidRequest, PayloadTooLarge, QueryTimeout, ServiceUnavailable
from aiops.core.http import ClientSocket, Closed, Deadline, HttpClient, HttpRequest, TimedOut, UpstreamFailure
from aiops.core.identity import HopSigner
from aiops.core.peer import HOP_HEADER
from aiops.core.web import identity_of

ROUTES: Final[Mapping[str, str]] = {
    "/api/v1/clusters": "registry",
    "/api/v1/fleet": "registry",
    "/api/v1/metrics": "collector",
    "/api/v1/alerts": "collector",
    "/api/v1/analysis": "intelligence",
    "/api/v1/streaming": "streaming",
    "/ws": "streaming",
}
TIMEOUTS_S: Final = {"registry": 30.0, "collector": 305.0, "intelligence": 120.0, "streaming": 30.0}
MAX_MESSAGE: Final = 4 * 1024 * 1024
WEBHOOKS: Final = "/api/v1/alerts/webhook/"
_HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "upgrade", "host", "content-length", "traceparent", "tracestate",
    }
)  # fmt: skip
_OURS: Final = frozenset({"authorization", "cookie", "x-csrf-token", HOP_HEADER.lower()})


class Proxy:
    """Serves the paths of one role."""

    def __init__(self, http: HttpClient, hop: HopSigner, *, role: str, url: str, max_body_bytes: int) -> None:
        self._http = http
        self._hop = hop
        self._role = role
        self._url = url.rstrip("/")
        self._max_body_bytes = max_body_bytes

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and its answer back."""
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        path = _safe_path(scope)
        method = str(scope["method"])  # type: ignore[typeddict-item]
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in _HOP_BY_HOP and name not in _OURS and not name.startswith("x-forwarded-")
        }
        if path.startswith(WEBHOOKS):
            headers["authorization"] = request.headers.get("authorization", "")
        else:
            headers[HOP_HEADER] = self._hop.sign(identity_of(request), self._role)
        headers["x-forwarded-host"] = request.headers.get("host", "")
        headers["x-forwarded-proto"] = str(scope["scheme"])
        query = scope.get("query_string", b"").decode("latin-1")
        outgoing = HttpRequest(
            method=method,
            url=f"{self._url}{quote(path, safe='/:@-._~')}{'?' + query if query else ''}",
            headers=headers,
            peer=self._role,
            body=self._body(request) if method not in ("GET", "HEAD") else b"",
        )
        started = False
        try:
            async with self._http.stream(outgoing, Deadline.after(TIMEOUTS_S[self._role])) as answer:
                await send(
                    {
                        "type": "http.response.start",
                        "status": answer.status,
                        "headers": [
                            (name.lower().encode(), value.encode("latin-1"))
                            for name, value in answer.headers.items()
                            if name.lower() not in _HOP_BY_HOP or name.lower() == "content-length"
                        ],
                    }
                )
                started = True
                async for chunk in answer.chunks():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except UpstreamFailure as error:
            if started:  # the answer has begun: breaking it off is all that is left to say
                raise
            if isinstance(error, TimedOut):
                raise QueryTimeout(f"the role {self._role} did not answer in time") from error
            raise ServiceUnavailable(
                f"the role {self._role} cannot be reached; trying again may help"
            ) from error

    async def _body(self, request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._max_body_bytes:
                raise PayloadTooLarge(f"the body is over {self._max_body_bytes} bytes")
            yield chunk

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a signed-in socket on, both ways, until either side closes."""
        identity = identity_of(Request(scope))
        outgoing = HttpRequest(
            method="GET",
            url=self._url + scope["path"],
            headers={HOP_HEADER: self._hop.sign(identity, self._role)},
            peer=self._role,
        )
        await receive()  # websocket.connect
        try:
            async with self._http.websocket(
                outgoing, Deadline.after(TIMEOUTS_S[self._role]), max_message_bytes=MAX_MESSAGE
            ) as upstream:
                await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
                code = await _pump(upstream, receive, send)
        except UpstreamFailure:
            code = 1013  # try again later
        if code is not None:
            await send({"type": "websocket.close", "code": code, "reason": ""})


async def _pump(upstream: ClientSocket, receive: Receive, send: Send) -> int | None:
    """Copy both ways; the code to close our side with, or None when the client left."""

    async def up() -> None:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await upstream.send_text(
                text if text is not None else bytes(message["bytes"] or b"").decode("utf-8", "replace")
            )

    async def down() -> int:
        while not isinstance(message := await upstream.receive(), Closed):
            text = message if isinstance(message, str) else message.decode("utf-8", "replace")
            await send({"type": "websocket.send", "bytes": None, "text": text})
        return message.code if message.code not in (1005, 1006) else 1011

    sending, receiving = asyncio.ensure_future(up()), asyncio.ensure_future(down())
    try:
        await asyncio.wait([sending, receiving], return_when=asyncio.FIRST_COMPLETED)
        return receiving.result() if receiving.done() else None
    finally:
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


def _safe_path(scope: Scope) -> str:
    """The whole path, refused when it means something else once a server has tidied it up."""
    path = str(scope["path"])
    if posixpath.normpath(path) != path.rstrip("/") or "\\" in path or "\0" in path or "//" in path:
        raise InvalidRequest("the path carries '..', '.' or repeated slashes")
    return path


def mounts(proxies: Mapping[str, Proxy]) -> list[ASGIRouteHandler]:
    """The route table's entries for the roles that are elsewhere."""
    handlers = []
    for prefix, role in ROUTES.items():
        if role in proxies:
            app = _mounted(prefix, proxies[role])
            handlers.append(ASGIRouteHandler(prefix, is_mount=True, copy_scope=True)(app))
    return handlers


def _mounted(prefix: str, proxy: Proxy) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Litestar takes the prefix off a mount's path; the owner of the path needs it whole.
        rest = scope["path"]
        scope["path"] = rest if rest.startswith(prefix) else prefix + (rest if rest != "/" else "")
        await (proxy.socket if str(scope["type"]) == "websocket" else proxy.http)(scope, receive, send)

    return app
