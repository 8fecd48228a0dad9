"""Passes a request on to the role that owns its path, and the answer back, both as they come.

It signs who calls and passes nothing else that a caller could pretend with. What it forwards can only ever be a
path below one of the table's prefixes: dot segments, in whatever spelling, are refused, because a URL library on
the way would resolve them. It buffers nothing but a small query whose timeout it must know, and repeats nothing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import msgspec
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send
from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter

from aiops.core.errors import (
    AiopsError,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    QueryTimeout,
    ServiceUnavailable,
)
from aiops.core.http import Deadline, HttpClient, HttpRequest, StreamingResponse, TimedOut, UpstreamFailure
from aiops.core.http.breaker import Breaker
from aiops.core.identity import HopSigner
from aiops.core.peer import HOP_HEADER
from aiops.core.web import identity_of
from aiops.gateway.authenticate import WEBHOOK_PREFIX
from aiops.gateway.route_table import Backend, under

MAX_PEEK_BYTES: Final = 64 * 1024
TIMEOUT_MARGIN_S: Final = 5.0
MAX_OWN_TIMEOUT_S: Final = 300.0
_EVENT_STREAM: Final = "text/event-stream"
# RFC 9110 section 7.6.1: these speak to the next hop only.
_HOP_BY_HOP: Final = frozenset(
    [
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    ]
)
# What the gateway says itself, or keeps to itself.
_OURS: Final = frozenset(
    [
        *("host", "authorization", "cookie", "x-csrf-token", "traceparent", "tracestate", "expect"),
        *("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"),
        HOP_HEADER.lower(),
    ]
)
# Said again by our own layers.
_ANSWER_OURS: Final = frozenset({"server", "date", "traceparent", "x-request-id"})
_DURATION: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s|m|h)?", re.ASCII)
_DURATION_S: Final = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class BackendErrors:
    """Counts what went wrong between the gateway and the roles."""

    def __init__(self, metrics: CollectorRegistry) -> None:
        self._counter = Counter(
            "gateway_backend_errors",
            "Requests that a role did not answer.",
            ["service", "kind"],
            registry=metrics,
        )

    def count(self, role: str, kind: str) -> None:
        """One more."""
        self._counter.labels(role, kind).inc()


class Upstream(Struct, frozen=True):
    """One role as the proxies reach it. The breaker counts what got no answer; an error is an answer."""

    backend: Backend
    url: str
    http: HttpClient
    hop: HopSigner
    breaker: Breaker
    errors: BackendErrors

    @property
    def role(self) -> str:
        """The role's name."""
        return self.backend.role

    def admit(self) -> None:
        """Take one request on; it must end in one of the breaker's outcomes.

        Raises:
            ServiceUnavailable: the role's URL is not set, or it keeps failing.

        """
        if not self.url:
            raise ServiceUnavailable(f"the role {self.role} is not part of this installation: its URL is not set")
        if not self.breaker.admit():
            self.errors.count(self.role, "breaker")
            raise ServiceUnavailable(f"the role {self.role} keeps failing; it is asked again shortly")

    def failed(self, error: UpstreamFailure) -> AiopsError:
        """Count a failure; the error to answer with."""
        self.breaker.failed()
        if isinstance(error, TimedOut):
            self.errors.count(self.role, "timeout")
            return QueryTimeout(f"the role {self.role} did not answer in time")
        self.errors.count(self.role, "unreachable")
        return ServiceUnavailable(f"the role {self.role} cannot be reached; try again")


def forward_target(scope: Scope, prefixes: Iterable[str]) -> str:
    """Path and query to ask a role for, as the caller spelled them.

    Raises:
        InvalidRequest: the path has dot segments in some spelling.
        NotFound: it lies below none of the prefixes.

    """
    raw = (scope.get("raw_path") or b"").decode("latin-1").partition("?")[0]
    decoded = raw
    while (further := unquote(decoded)) != decoded:
        decoded = further
    segments = re.split(r"[/\\]", decoded)
    if any(segment.partition(";")[0].strip() in (".", "..") for segment in segments) or "\0" in decoded:
        raise InvalidRequest("the path has dot segments; ask for the path that you mean")
    if not any(under("/" + "/".join(filter(None, segments)), prefix) for prefix in prefixes):
        raise NotFound("there is no such path")
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{raw}?{query}" if query else raw


def forward_headers(scope: Scope, *, keep_authorization: bool) -> dict[str, str]:
    """The caller's headers without those that speak to us, and with ours."""
    given = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    named = {token.strip().lower() for name, value in given if name == "connection" for token in value.split(",")}
    dropped = _HOP_BY_HOP | (_OURS - {"authorization"} if keep_authorization else _OURS) | named
    headers: dict[str, str] = {}
    for name, value in given:
        if name not in dropped:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    # Without this our client would ask for encodings that the caller may not read.
    headers.setdefault("accept-encoding", "identity")
    client = scope.get("client")
    headers["X-Forwarded-For"] = client[0] if client else "unknown"
    headers["X-Forwarded-Proto"] = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    if host := next((value for name, value in given if name == "host"), None):
        headers["X-Forwarded-Host"] = host
    return headers


class _CallerGone(Exception):
    """The caller hung up while sending; nobody waits for an answer."""


class _Body:
    """A request's body, counted while it passes."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._peeked: list[bytes] = []
        self._finished = asyncio.Event()
        self.too_large = False

    async def peek(self) -> bytes:
        """All of a body that is known to be small; `chunks` gives it again."""
        self._peeked = [chunk async for chunk in self.chunks()]
        return b"".join(self._peeked)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The parts as they come."""
        peeked, self._peeked = self._peeked, []
        for chunk in peeked:
            yield chunk
        while not self._finished.is_set():
            message = await self._receive()
            if message["type"] != "http.request":
                raise _CallerGone
            chunk = message.get("body", b"")
            self._size += len(chunk)
            if self._size > self._limit:
                self.too_large = True
                raise self.over_limit()
            if not message.get("more_body", False):
                self._finished.set()
            if chunk:
                yield chunk

    def over_limit(self) -> PayloadTooLarge:
        """The error to answer with."""
        return PayloadTooLarge(f"the body is over {self._limit} bytes")

    async def caller_gone(self) -> None:
        """Returns when the caller hangs up after having sent everything."""
        await self._finished.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class HttpProxy:
    """An ASGI application for all paths of one role."""

    def __init__(self, upstream: Upstream, *, max_body_bytes: int) -> None:
        self._upstream = upstream
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on.

        Raises:
            AiopsError: before the answer has begun; afterwards the connection is simply cut.

        """
        target = forward_target(scope, self._upstream.backend.prefixes)
        if scope["type"] == ScopeType.WEBSOCKET:
            raise NotFound("there is no socket at this path")
        webhook = _is_webhook(scope)
        headers = forward_headers(scope, keep_authorization=webhook)
        if not webhook:
            identity = identity_of(ASGIConnection(scope))
            headers[HOP_HEADER] = self._upstream.hop.sign(identity, self._upstream.role)
        body = _Body(receive, self._max_body_bytes)
        length = _content_length(headers)
        if length is not None and length > self._max_body_bytes:
            raise body.over_limit()
        has_body = bool(length) or "transfer-encoding" in _names(scope)
        with suppress(_CallerGone):
            limit_s = await self._limit_s(scope, headers, body, length)
            if not has_body:
                await body.peek()
            request = HttpRequest(
                method=scope["method"],
                url=self._upstream.url.rstrip("/") + target,
                headers=headers,
                peer=self._upstream.role,
                use_breaker=False,
                body=body.chunks() if has_body else b"",
            )
            await _until_gone(self._pass(request, limit_s, body, send), body)

    async def _limit_s(self, scope: HTTPScope, headers: dict[str, str], body: _Body, length: int | None) -> float:
        """The role's time, or the query's own and a little more where that is longer."""
        own: float | None = None
        if self._upstream.role == "collector":
            query = parse_qs(scope["query_string"].decode("latin-1"))
            own = _seconds(query.get("timeout", [""])[-1])
            if own is None and scope["method"] == "POST" and length and length <= MAX_PEEK_BYTES:
                own = _body_timeout(headers.get("content-type", ""), await body.peek())
        asked = 0.0 if own is None else min(own, MAX_OWN_TIMEOUT_S) + TIMEOUT_MARGIN_S
        return max(self._upstream.backend.timeout_s, asked)

    async def _pass(self, request: HttpRequest, limit_s: float, body: _Body, send: Send) -> None:
        upstream = self._upstream
        upstream.admit()
        started = settled = False
        try:
            async with upstream.http.stream(request, Deadline.after(limit_s)) as response:
                upstream.breaker.succeeded()
                settled = True
                if response.headers.get("Content-Type", "").startswith(_EVENT_STREAM):
                    response.lift_deadline()  # it ends when its reader goes away
                await send(_start(response))
                started = True
                async for chunk in response.chunks():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (UpstreamFailure, AiopsError, _CallerGone) as error:
            if body.too_large and not started:
                raise body.over_limit() from error
            if isinstance(error, _CallerGone) or isinstance(error.__cause__, _CallerGone):
                return
            answer = upstream.failed(error) if isinstance(error, UpstreamFailure) else error
            settled = settled or isinstance(error, UpstreamFailure)
            if not started:
                raise answer from error
            # Returning without the last part makes the server cut the connection: the reader sees that.
        finally:
            if not settled:
                upstream.breaker.abandoned()


async def _until_gone(work: Coroutine[Any, Any, None], body: _Body) -> None:
    """Do the work, but not longer than the caller waits for it."""
    working = asyncio.create_task(work)
    gone = asyncio.create_task(body.caller_gone())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


def _start(response: StreamingResponse) -> Any:
    named = {token.strip().lower() for value in response.headers.getall("Connection", []) for token in value.split(",")}
    dropped = _HOP_BY_HOP | _ANSWER_OURS | named
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in response.headers.items()
        if name.lower() not in dropped
    ]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


def _is_webhook(scope: Scope) -> bool:
    """Whether this is an Alertmanager's call, whose token only the registry knows."""
    path = (scope.get("raw_path") or b"").decode("latin-1")
    return scope.get("method") == "POST" and path.startswith(WEBHOOK_PREFIX)


def _names(scope: Scope) -> set[str]:
    return {name.decode("latin-1").lower() for name, _ in scope["headers"]}


def _content_length(headers: dict[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else None


def _seconds(text: Any) -> float | None:
    match = _DURATION.fullmatch(str(text).strip()) if isinstance(text, str | int | float) else None
    return float(match[1]) * _DURATION_S[match[2]] if match else None


def _body_timeout(content_type: str, body: bytes) -> float | None:
    """The `timeout` of a query in the body; None where there is none or it is the role's to complain."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _seconds(parse_qs(body.decode("latin-1")).get("timeout", [""])[-1])
    try:
        query = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return _seconds(query.get("timeout")) if isinstance(query, dict) else None


class ProxyGuard:
    """Lets signed-in callers through, and everybody to the alert webhook, which has a token of its own."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: object) -> None:
        """Check the caller."""
        if not _is_webhook(connection.scope):
            identity_of(connection)
