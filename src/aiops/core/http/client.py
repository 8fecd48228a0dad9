"""The one client for everything that the product asks over HTTP.

It follows no redirect, keeps no cookie, reads nothing from the environment and puts no secret into an error.
Every request has a deadline, every whole answer a limit that is counted after decompression. It knows nothing
of what it asks: roles, clusters and their backends are its callers' business.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from msgspec import Struct
from multidict import CIMultiDict
from opentelemetry import trace
from yarl import URL
from zlib_ng import zlib_ng

from aiops.core.errors import InvalidRequest
from aiops.core.http.addresses import AddressPolicy, Target, parse_target
from aiops.core.http.breaker import Breaker, BreakerPolicy
from aiops.core.http.deadline import Deadline
from aiops.core.http.failures import (
    BreakerOpen,
    BrokenAnswer,
    HandshakeRefused,
    RedirectRefused,
    TimedOut,
    TooLarge,
    Unreachable,
    UnreachableKind,
    UpstreamFailure,
)
from aiops.core.http.limit import time_limit
from aiops.core.http.messages import HttpRequest, HttpResponse, StreamingResponse, Upload
from aiops.core.http.observation import HttpMetrics, Observed
from aiops.core.http.origins import Origin, Origins, PoolLimits
from aiops.core.http.proxies import NO_PROXIES, Proxies
from aiops.core.http.socket import ClientSocket

# It unpacks what members answer in a third to a half of the time that the standard library takes.
aiohttp.set_zlib_backend(zlib_ng)

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAFE: Final = frozenset({"GET", "HEAD"})
_METHOD: Final = re.compile(r"[A-Za-z-]{1,32}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_HEADER_VALUE: Final = re.compile(r"[\r\n\0]")
_BEARER: Final = re.compile(r"[!-~]+")
_MOST_SHOWN: Final = 200
_SWITCHING_PROTOCOLS: Final = 101
_GOODBYE_S: Final = 5.0  # for the other side's answer to our close


class BreakerPolicies(Struct, frozen=True):
    """Breaker policies by the requests' `peer` label; all others get the default."""

    default: BreakerPolicy = BreakerPolicy()
    by_peer: Mapping[str, BreakerPolicy] = {}


class HttpClient:
    """Asks other servers. An async context manager, entered once a process; constructing it does no I/O."""

    def __init__(
        self,
        *,
        user_agent: str,
        policy: AddressPolicy,
        metrics: HttpMetrics,
        limits: PoolLimits = PoolLimits(),  # noqa: B008 - frozen
        breakers: BreakerPolicies = BreakerPolicies(),  # noqa: B008 - frozen
        proxies: Proxies = NO_PROXIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._metrics = metrics
        self._limits = limits
        self._breakers = breakers
        self._clock = clock
        self._tracer = trace.get_tracer("aiops.http")
        self._origins = Origins(
            user_agent=user_agent,
            policy=policy,
            limits=limits,
            breaker=self._make_breaker,
            clock=clock,
            proxies=proxies,
        )
        self._sweeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._sweeper = asyncio.create_task(self._sweep(), name="http-idle-connections")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        await self._origins.close()

    @property
    def open_origins(self) -> int:
        """How many servers connections are kept for."""
        return len(self._origins)

    async def fetch(self, request: HttpRequest, deadline: Deadline) -> HttpResponse:
        """Get the whole answer, decompressed, whatever its status unless that is a redirect.

        Raises:
            UpstreamFailure: one of its kinds.
            InvalidRequest: the URL, a header or the certificate authority cannot be used.

        """
        target = parse_target(request.url)
        headers = _headers(request)
        headers.setdefault("Accept-Encoding", "gzip")
        with self._observed(request, target) as observed:
            async with (
                self._origin(request, target, sockets=False) as origin,
                _judged(origin.breaker, request, target.name, deadline) as verdict,
                time_limit(deadline, target.name),
            ):
                answer = await self._send(origin, request, headers, observed, decompress=True)
                try:
                    body = await _read(answer, request.max_response_bytes, target.name)
                finally:
                    answer.close()  # gives a connection back whose answer was read, and drops any other
                verdict.status = answer.status
            if answer.status in _REDIRECTS:
                raise RedirectRefused(target.name, _redirect_reason(request.url, answer))
            elapsed_ms, first_byte_ms = observed.times_ms()
            return HttpResponse(answer.status, answer.headers, body, elapsed_ms, first_byte_ms)

    @asynccontextmanager
    async def stream(self, request: HttpRequest, deadline: Deadline) -> AsyncIterator[StreamingResponse]:
        """Pass an answer on as it comes: any status, nothing decompressed, nothing followed.

        The deadline holds for the headers and, until `lift_deadline`, for the body; not for what the block
        does.

        Raises:
            UpstreamFailure: one of its kinds.
            InvalidRequest: the URL, a header or the certificate authority cannot be used.

        """
        target = parse_target(request.url)
        headers = _headers(request)
        with self._observed(request, target) as observed:
            async with self._origin(request, target, sockets=False) as origin:
                async with (
                    _judged(origin.breaker, request, target.name, deadline) as verdict,
                    time_limit(deadline, target.name),
                ):
                    answer = await self._send(origin, request, headers, observed, decompress=False)
                    verdict.status = answer.status
                observed.answered_without_body()
                try:
                    yield StreamingResponse(answer, target, deadline)
                finally:
                    answer.close()

    @asynccontextmanager
    async def websocket(
        self,
        request: HttpRequest,
        deadline: Deadline,
        *,
        subprotocols: Sequence[str] = (),
        max_message_bytes: int = 1024 * 1024,
        ping_interval_s: float | None = None,
    ) -> AsyncIterator[ClientSocket]:
        """Open a WebSocket, closed at the end of the block. The deadline holds for the handshake alone.

        With `ping_interval_s` the other side is pinged so often, and given up when half of that passes
        unanswered.

        Raises:
            HandshakeRefused: the server answered with an ordinary status.
            UpstreamFailure: one of its other kinds.
            InvalidRequest: the URL, a header or the certificate authority cannot be used.

        """
        target = parse_target(request.url)
        headers = _headers(request)
        with self._observed(request, target) as observed:
            observed.inject(headers)
            async with self._origin(request, target, sockets=True) as origin:
                async with (
                    _judged(origin.breaker, request, target.name, deadline) as verdict,
                    time_limit(deadline, target.name),
                ):
                    opening = origin.session.ws_connect(
                        target.url,
                        headers=headers,
                        protocols=subprotocols,
                        server_hostname=request.tls.server_name,
                        max_msg_size=max_message_bytes,
                        heartbeat=ping_interval_s,
                        timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_S),
                    )
                    socket, refused = await _handshake(opening)
                    verdict.status = refused or _SWITCHING_PROTOCOLS
                observed.answered(verdict.status)
                observed.answered_without_body()
                if socket is None:
                    raise HandshakeRefused(target.name, verdict.status)
                try:
                    yield ClientSocket(socket, target)
                finally:
                    await socket.close()

    @contextmanager
    def _observed(self, request: HttpRequest, target: Target) -> Iterator[Observed]:
        with Observed(self._tracer, self._metrics, method=request.method, target=target, peer=request.peer) as observed:
            self._policy.check(target)
            yield observed

    @asynccontextmanager
    async def _origin(self, request: HttpRequest, target: Target, *, sockets: bool) -> AsyncIterator[Origin]:
        origin = await self._origins.acquire(target, request.tls, peer=request.peer, sockets=sockets)
        try:
            yield origin
        finally:
            self._origins.release(origin)

    async def _send(
        self,
        origin: Origin,
        request: HttpRequest,
        headers: CIMultiDict[str],
        observed: Observed,
        *,
        decompress: bool,
    ) -> aiohttp.ClientResponse:
        """Send the request and await the headers; once more after a failed connection where harmless."""
        observed.inject(headers)
        origin.budget.earn()
        try:
            answer = await _attempt(origin, request, headers, decompress=decompress)
        except Unreachable as failure:
            if not (_repeatable(request, failure) and origin.budget.spend()):
                raise
            observed.resent()
            answer = await _attempt(origin, request, headers, decompress=decompress)
        observed.answered(answer.status)
        return answer

    def _make_breaker(self, peer: str) -> Breaker:
        policy = self._breakers.by_peer.get(peer, self._breakers.default)
        gauge = self._metrics.open_breakers.labels(peer)
        return Breaker(policy, clock=self._clock, on_change=lambda tripped: gauge.inc(1 if tripped else -1))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._limits.idle_s / 2)
            await self._origins.close_idle()


class _Verdict:
    """What the origin answered, 0 until it has."""

    status = 0


@asynccontextmanager
async def _judged(breaker: Breaker, request: HttpRequest, name: str, deadline: Deadline) -> AsyncIterator[_Verdict]:
    """Ask the breaker and tell it how the block ended; where it is bypassed, only a success counts."""
    if request.use_breaker and not breaker.admit():
        raise BreakerOpen(name, f"it kept failing and is asked again in {breaker.retry_in_s:.0f} s")
    verdict = _Verdict()
    fair = deadline.remaining_s >= breaker.policy.fair_wait_s
    outcome = breaker.abandoned
    try:
        yield verdict
        outcome = breaker.failed if verdict.status in breaker.policy.failing_statuses else breaker.succeeded
    except TooLarge:
        outcome = breaker.succeeded
        raise
    except (Unreachable, BrokenAnswer):
        outcome = breaker.failed
        raise
    except TimedOut:
        outcome = breaker.failed if fair else breaker.abandoned
        raise
    finally:
        if request.use_breaker or outcome == breaker.succeeded:
            outcome()


async def _attempt(
    origin: Origin, request: HttpRequest, headers: CIMultiDict[str], *, decompress: bool
) -> aiohttp.ClientResponse:
    body = request.body
    upload = None if isinstance(body, bytes) else Upload(body)
    try:
        return await origin.session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers,
            data=upload or body or None,
            allow_redirects=False,
            auto_decompress=decompress,
            server_hostname=request.tls.server_name,
        )
    except UpstreamFailure:
        if upload is not None and upload.error is not None:
            raise upload.error from None  # the caller's own body broke off; the server is not to blame
        raise


async def _handshake(
    opening: Awaitable[aiohttp.ClientWebSocketResponse],
) -> tuple[aiohttp.ClientWebSocketResponse | None, int]:
    try:
        return await opening, 0
    except aiohttp.WSServerHandshakeError as error:
        return None, error.status


def _repeatable(request: HttpRequest, failure: Unreachable) -> bool:
    return (
        (request.idempotent or request.method in _SAFE)
        and isinstance(request.body, bytes)
        and failure.kind not in (UnreachableKind.TLS, UnreachableKind.PROXY)
    )


def _headers(request: HttpRequest) -> CIMultiDict[str]:
    if not _METHOD.fullmatch(request.method):
        raise InvalidRequest("a method is a word of ASCII letters")
    headers = CIMultiDict(request.headers)
    if request.bearer is not None:
        if not _BEARER.fullmatch(request.bearer):
            raise InvalidRequest("the token is empty or has characters that a header cannot carry")
        headers["Authorization"] = f"Bearer {request.bearer}"
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _NO_HEADER_VALUE.search(value):
            raise InvalidRequest("a header has characters that a header cannot carry")
    return headers


async def _read(answer: aiohttp.ClientResponse, limit_bytes: int, name: str) -> bytes:
    """Read the body up to the limit; a compressed one expands piece by piece, so a bomb stops there too."""
    announced = answer.content_length or 0
    fits = announced <= limit_bytes or answer.method == "HEAD"
    parts: list[bytes] = []
    size = 0
    while fits and (chunk := await answer.content.readany()):
        parts.append(chunk)
        size += len(chunk)
        fits = size <= limit_bytes
    if not fits:
        raise TooLarge(name, f"the answer is over {limit_bytes} bytes; ask for less")
    return b"".join(parts)


def _redirect_reason(url: str, answer: aiohttp.ClientResponse) -> str:
    """Where it points to, without what a login might have put into its query."""
    try:
        to = urlsplit(urljoin(url, answer.headers.get("Location", "")))
        place = f"{to.scheme}://{to.netloc.rpartition('@')[2]}{to.path}"
    except ValueError:
        place = "something that is no URL"
    shown = "".join(char for char in place if char.isprintable())[:_MOST_SHOWN]
    return f"answered {answer.status}, a redirect to {shown}, which is not followed; register the final URL"
