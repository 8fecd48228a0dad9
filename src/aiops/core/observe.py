"""What every request leaves behind: one span, one log line, one count, and the caller's request id echoed.

The outermost ASGI layer, so that refusals by anything inside are seen too. Labels are route templates, never paths.
"""

import re
import time
from collections.abc import MutableMapping
from typing import Any, Final, cast

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import propagate, trace
from opentelemetry.trace import Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Histogram

from aiops.core.tracing import start_server_span

_REQUEST_ID: Final = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")
_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})
_SERVER_ERROR: Final = 500
_log = structlog.get_logger("aiops.access")


class Observed:
    """Wraps the application of one role."""

    def __init__(self, app: ASGIApp, *, role: str, metrics: CollectorRegistry) -> None:
        self._app = app
        self._role = role
        self._requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ["role", "method", "route", "status"],
            registry=metrics,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds", "Time to answer.", ["role", "method", "route"], registry=metrics
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":  # type: ignore[comparison-overlap]
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        method = str(scope.get("method", "WEBSOCKET"))
        started = time.perf_counter()
        status = 0
        with start_server_span(method, headers) as span:
            echoed = self._echo(headers)

            async def observed_send(message: Message) -> None:
                nonlocal status
                if message["type"] in ("http.response.start", "websocket.accept"):
                    status = cast("int", message.get("status", 101))
                    message["headers"] = [*message.get("headers", ()), *echoed]
                await send(message)

            try:
                await self._app(scope, receive, observed_send)
            finally:
                self._finish(scope, method, status, time.perf_counter() - started, span)

    @staticmethod
    def _echo(headers: MutableMapping[str, str]) -> list[tuple[bytes, bytes]]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        if _REQUEST_ID.match(request_id := headers.get("x-request-id", "")):
            carrier["x-request-id"] = request_id
        return [(key.encode(), value.encode()) for key, value in carrier.items()]

    def _finish(self, scope: Scope, method: str, status: int, seconds: float, span: trace.Span) -> None:
        route = str(scope.get("path_template") or "unmatched")
        self._requests.labels(self._role, method, route, status).inc()
        self._seconds.labels(self._role, method, route).observe(seconds)
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
        if status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        if scope["path"] not in _QUIET:
            _log.info(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                **_who(scope),
            )


def _who(scope: Scope) -> dict[str, Any]:
    identity = scope.get("state", {}).get("identity")
    subject = getattr(identity, "subject", None)
    return {"subject": subject} if subject else {}
