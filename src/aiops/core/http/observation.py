"""What each outgoing request leaves behind: a client span, counts and times.

Labels never name a host or a path.
Span attributes follow OpenTelemetry's semantic conventions for HTTP clients; the URL is left out, because
queries and paths may carry what is nobody else's business.
"""

import asyncio
import time
from collections.abc import MutableMapping
from types import TracebackType
from typing import Final, Self

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops.core.errors import AiopsError
from aiops.core.http import failures
from aiops.core.http.addresses import Target

_CLIENT_ERROR: Final = 400
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_OUTCOMES: Final[dict[type[BaseException], str]] = {
    failures.Unreachable: "unreachable",
    failures.TimedOut: "timed_out",
    failures.TooLarge: "too_large",
    failures.BrokenAnswer: "broken_answer",
    failures.HandshakeRefused: "handshake_refused",
    failures.RedirectRefused: "redirect_refused",
    failures.AddressRefused: "address_refused",
    failures.BreakerOpen: "breaker_open",
    asyncio.CancelledError: "cancelled",
}


class HttpMetrics:
    """The metrics of every client of a process; made once for a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "http_client_requests_total",
            "Requests to other servers, by what was asked and how it ended.",
            ["peer", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "http_client_request_duration_seconds",
            "Time until the last byte, or for streams and sockets until the headers.",
            ["peer"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.open_breakers = Gauge(
            "http_client_open_breakers",
            "Origins that kept failing and are asked rarely or not at all.",
            ["peer"],
            registry=registry,
        )


class Observed:
    """One request under way; a context manager inside of which its span is current."""

    def __init__(self, tracer: trace.Tracer, metrics: HttpMetrics, *, method: str, target: Target, peer: str) -> None:
        self._metrics = metrics
        self._peer = peer
        self._span = tracer.start_span(
            method,
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": method,
                "server.address": target.host,
                "server.port": target.port,
            },
        )
        self._use = trace.use_span(self._span, record_exception=False, set_status_on_exception=False)
        self._started_s = time.perf_counter()
        self._first_byte_s: float | None = None
        self._status = 0
        self._timed = False

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Write the W3C trace context into outgoing headers."""
        propagate.inject(headers)

    def resent(self) -> None:
        """Note that the request is sent a second time."""
        self._span.set_attribute("http.request.resend_count", 1)

    def answered(self, status: int) -> None:
        """Note that the headers have come."""
        self._first_byte_s = time.perf_counter()
        self._status = status
        self._span.set_attribute("http.response.status_code", status)

    def times_ms(self) -> tuple[float, float]:
        """Time since the start, and time that the headers took."""
        first_byte_s = self._first_byte_s or self._started_s
        now_s = time.perf_counter()
        return (
            round((now_s - self._started_s) * 1000, 3),
            round((first_byte_s - self._started_s) * 1000, 3),
        )

    def answered_without_body(self) -> None:
        """Count the time until now: how long a stream or a socket lives says nothing about the server."""
        self._metrics.seconds.labels(self._peer).observe(time.perf_counter() - self._started_s)
        self._timed = True

    def __enter__(self) -> Self:
        self._use.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        outcome = f"{self._status // 100}xx" if error is None else _OUTCOMES.get(type(error), "failed")
        if error is not None:
            self._span.set_attribute("error.type", outcome)
        elif self._status >= _CLIENT_ERROR:
            self._span.set_attribute("error.type", str(self._status))
        if error is not None or self._status >= _CLIENT_ERROR:
            description = error.message if isinstance(error, AiopsError) else None
            self._span.set_status(Status(StatusCode.ERROR, description))
        self._metrics.requests.labels(self._peer, outcome).inc()
        if not self._timed:
            self._metrics.seconds.labels(self._peer).observe(time.perf_counter() - self._started_s)
        self._use.__exit__(kind, error, trace_)
        self._span.end()
