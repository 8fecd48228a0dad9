"""The one client for everything that the hub asks over HTTP.

One pool per origin and TLS setting, one deadline per request, a cap on what is read (counted after decompression), a
retry budget, a breaker per origin, and an address policy. It follows no redirect, keeps no cookie, reads no proxy
from the environment, and puts no secret into an error. aiohttp is used nowhere else.
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct
from multidict import CIMultiDict
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Histogram

from aiops.core.addresses import AddressPolicy, AddressRefusedError, connector_options
from aiops.core.breaker import Breaker, BreakerPolicy
from aiops.core.errors import AiopsError

ClientSocket = aiohttp.ClientWebSocketResponse

CONNECT_TIMEOUT_S: Final = 5.0
MAX_POOLS: Final = 2_000
CONNECTIONS_PER_ORIGIN: Final = 32
CHUNK_BYTES: Final = 256 * 1024
RETRY_SHARE: Final = 0.1
RETRY_FLOOR_PER_S: Final = 1.0
_SERVER_ERROR: Final = 500
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class UpstreamFailure(AiopsError):
    """The other side could not be asked or did not answer; the message names host and reason."""

    code = "UPSTREAM_ERROR"
    status = 502


class Unreachable(UpstreamFailure):
    """No connection, or it broke before the answer was complete."""


class TimedOut(UpstreamFailure):
    """The deadline passed."""

    code = "QUERY_TIMEOUT"
    status = 504


class TooLarge(UpstreamFailure):
    """The answer is over the cap."""


class BreakerOpen(UpstreamFailure):
    """The origin keeps failing; it was not asked."""


class RedirectRefused(UpstreamFailure):
    """The answer was a redirect, which is never followed."""


class AddressRefused(UpstreamFailure):
    """The URL leads to an address that the policy refuses."""


class Deadline(Struct, frozen=True):
    """A point on the monotonic clock after which nobody waits any more."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """From now."""
        return cls(time.monotonic() + seconds)

    @property
    def remaining_s(self) -> float:
        """What is left; never below zero."""
        return max(0.0, self.at - time.monotonic())


class Tls(Struct, frozen=True):
    """How a server's certificate is judged. `ca` is PEM text; without it the system's roots count."""

    ca: str | None = None
    server_name: str | None = None
    insecure: bool = False


class HttpRequest(Struct, frozen=True, kw_only=True):
    """One request. `peer` is a short label for metrics: what is asked, never whom."""

    method: str
    url: str
    peer: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    bearer: str | None = None
    tls: Tls = Tls()
    max_response_bytes: int = 16 * 1024 * 1024
    idempotent: bool = False
    use_breaker: bool = True

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {origin_of(self.url)})"


class HttpResponse(Struct, frozen=True):
    """A whole answer, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: float


class StreamingResponse(Struct, frozen=True):
    """An answer whose body is still coming, as the other side encoded it."""

    status: int
    headers: CIMultiDict[str]
    chunks: AsyncIterator[bytes]


def origin_of(url: str) -> str:
    """Scheme, host and port: what may be shown of a URL."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


class _RetryBudget:
    """A tenth of the requests of an origin may be sent again, and always one a second."""

    def __init__(self) -> None:
        self._tokens = RETRY_FLOOR_PER_S
        self._at = time.monotonic()

    def request(self) -> None:
        self._tokens = min(10.0, self._tokens + RETRY_SHARE)

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(10.0, self._tokens + (now - self._at) * RETRY_FLOOR_PER_S)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class _Pool:
    """Connections, breaker and budget of one origin under one TLS setting."""

    def __init__(self, policy: AddressPolicy, breaker: BreakerPolicy, tls: Tls, user_agent: str) -> None:
        self.breaker = Breaker(breaker)
        self.budget = _RetryBudget()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS_PER_ORIGIN,
                keepalive_timeout=30,
                ssl=_ssl_context(tls),
                **connector_options(policy),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": user_agent},
            trust_env=False,
            auto_decompress=True,
        )


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=tls.ca)
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class HttpClient:
    """A context manager; entered once a process."""

    def __init__(
        self,
        *,
        user_agent: str,
        policy: AddressPolicy,
        metrics: CollectorRegistry,
        name: str,
        breaker: BreakerPolicy = BreakerPolicy(),  # noqa: B008 - frozen
    ) -> None:
        self._user_agent = user_agent
        self._policy = policy
        self._breaker = breaker
        self._pools: OrderedDict[tuple[str, Tls], _Pool] = OrderedDict()
        self._requests = Counter(
            f"http_client_{name}_requests_total", "Requests sent.", ["peer", "outcome"], registry=metrics
        )
        self._seconds = Histogram(
            f"http_client_{name}_seconds", "Time to answer.", ["peer"], registry=metrics
        )
        self._tracer = trace.get_tracer("aiops.http")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            await pool.session.close()
        self._pools.clear()

    async def fetch(self, request: HttpRequest, deadline: Deadline) -> HttpResponse:
        """The whole answer, whatever its status.

        Raises:
            UpstreamFailure: one of its kinds; a 3xx is `RedirectRefused`.

        """
        retried = False
        while True:
            try:
                async with self._send(request, deadline, decompress=True) as (response, started):
                    body = await _read_capped(response, request.max_response_bytes, origin_of(request.url))
                    elapsed_ms = round((time.perf_counter() - started) * 1000, 2)
                    return HttpResponse(response.status, response.headers, body, elapsed_ms)
            except Unreachable:
                pool = await self._pool(request)
                if retried or not request.idempotent or deadline.remaining_s <= 0 or not pool.budget.take():
                    raise
                retried = True

    @asynccontextmanager
    async def stream(
        self, request: HttpRequest, deadline: Deadline, body: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[StreamingResponse]:
        """An answer that is passed on as it comes; `body` streams the request's."""
        async with self._send(request, deadline, decompress=False, body=body) as (response, _):
            yield StreamingResponse(
                response.status, CIMultiDict(response.headers), response.content.iter_chunked(CHUNK_BYTES)
            )

    @asynccontextmanager
    async def websocket(
        self, request: HttpRequest, *, max_message_bytes: int
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to the other side. It pings every 30 s, and breaks when no answer comes."""
        self._check_url(request.url)
        pool = await self._pool(request)
        try:
            async with pool.session.ws_connect(
                request.url,
                headers=self._headers(request),
                max_msg_size=max_message_bytes,
                timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_TIMEOUT_S),
                heartbeat=30,
                compress=0,
            ) as socket:
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise Unreachable(
                f"{origin_of(request.url)} refused the WebSocket with status {error.status}"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error, origin_of(request.url)) from error

    @asynccontextmanager
    async def _send(
        self,
        request: HttpRequest,
        deadline: Deadline,
        *,
        decompress: bool,
        body: AsyncIterator[bytes] | None = None,
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, float]]:
        self._check_url(request.url)
        pool = await self._pool(request)
        pool.budget.request()
        origin = origin_of(request.url)
        if request.use_breaker and not pool.breaker.admit():
            self._requests.labels(request.peer, "breaker").inc()
            raise BreakerOpen(f"{origin} keeps failing and is not asked for a moment")
        started = time.perf_counter()
        outcome = "cancelled"
        with self._tracer.start_as_current_span(
            request.method, kind=SpanKind.CLIENT, record_exception=False
        ) as span:
            span.set_attributes({"http.request.method": request.method, "server.address": origin})
            try:
                async with (
                    asyncio.timeout(deadline.remaining_s),
                    pool.session.request(
                        request.method,
                        request.url,
                        headers=self._headers(request),
                        data=body if body is not None else request.body or None,
                        allow_redirects=False,
                        auto_decompress=decompress,
                        server_hostname=request.tls.server_name,
                        timeout=aiohttp.ClientTimeout(
                            total=None, sock_connect=min(CONNECT_TIMEOUT_S, max(0.001, deadline.remaining_s))
                        ),
                    ) as response,
                ):
                    span.set_attribute("http.response.status_code", response.status)
                    if decompress and response.status in _REDIRECTS:
                        target = origin_of(response.headers.get("Location", ""))
                        raise RedirectRefused(f"{origin} redirects to {target}, which is not followed")
                    yield response, started
                    outcome = "failed" if response.status >= _SERVER_ERROR else "ok"
            except UpstreamFailure:
                outcome = "refused"
                raise
            except TimeoutError as error:
                outcome = "failed"
                raise TimedOut(f"{origin} did not answer in time") from error
            except (aiohttp.ClientError, OSError, ValueError) as error:
                outcome = "failed"
                raise _failure(error, origin) from error
            finally:
                self._settle(pool, request, outcome, time.perf_counter() - started)
                if outcome == "failed":
                    span.set_status(Status(StatusCode.ERROR))

    def _settle(self, pool: _Pool, request: HttpRequest, outcome: str, seconds: float) -> None:
        self._requests.labels(request.peer, outcome).inc()
        self._seconds.labels(request.peer).observe(seconds)
        # A health probe asks even where the breaker is open, and its success closes it.
        if outcome == "failed":
            if request.use_breaker:
                pool.breaker.failed()
        elif outcome == "cancelled":
            pool.breaker.abandoned()
        else:
            pool.breaker.succeeded()

    def _check_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise AddressRefused(f"{origin_of(url)}: a URL must not carry credentials")
        if (reason := self._policy.literal_refusal(parts.hostname or "")) is not None:
            raise AddressRefused(f"{origin_of(url)} is {reason}, which may not be asked")

    def _headers(self, request: HttpRequest) -> dict[str, str]:
        headers = dict(request.headers)
        if request.bearer is not None:
            headers["Authorization"] = f"Bearer {request.bearer}"
        propagate.inject(headers)
        return headers

    async def _pool(self, request: HttpRequest) -> _Pool:
        key = (origin_of(request.url), request.tls)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = _Pool(self._policy, self._breaker, request.tls, self._user_agent)
            while len(self._pools) > MAX_POOLS:
                _, idle = self._pools.popitem(last=False)
                await idle.session.close()
        self._pools.move_to_end(key)
        return pool


async def _read_capped(response: aiohttp.ClientResponse, limit: int, origin: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the answer of {origin} is over {limit} bytes; ask for less")
        parts.append(chunk)
    return b"".join(parts)


def _failure(error: Exception, origin: str) -> UpstreamFailure:
    """The kind of failure, in words that carry nothing of the request."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, AddressRefusedError):
            return AddressRefused(f"{origin}: {cause}, which may not be asked")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(f"{origin}: its certificate is not trusted: {cause.verify_message}")
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(f"{origin}: its name is not known")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return Unreachable(f"{origin}: TLS failed")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable(f"{origin}: {(error.os_error.strerror or 'cannot connect').lower()}")
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return Unreachable(f"{origin}: the connection was closed before the answer")
    if isinstance(error, aiohttp.ClientPayloadError):
        return Unreachable(f"{origin}: the answer broke off")
    return Unreachable(f"{origin}: {type(error).__name__}")
