"""Counts what enters the product, by the role that owns the path; the outermost layer of the gateway."""

import time

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops.gateway.route_table import owner


class Traffic:
    """Wraps the application of a process that is an entry."""

    def __init__(self, app: ASGIApp, metrics: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "gateway_requests",
            "Requests by the role that owns the path.",
            ["service", "method", "status"],
            registry=metrics,
        )
        self._seconds = Histogram("gateway_request_duration_seconds", "Time to answer.", ["service"], registry=metrics)
        self._active = Gauge("gateway_active_requests", "Requests being answered now.", registry=metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; sockets are counted where they live."""
        method = scope.get("method")
        if method is None:
            await self._app(scope, receive, send)
            return
        service = owner(scope["path"])
        started = time.perf_counter()
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._active.inc()
        try:
            await self._app(scope, receive, counted)
        finally:
            self._active.dec()
            self._requests.labels(service, method, status).inc()
            self._seconds.labels(service).observe(time.perf_counter() - started)
