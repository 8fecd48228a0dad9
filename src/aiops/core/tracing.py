"""Traces: W3C `traceparent` in and out always; spans sent by OTLP over HTTP only where an endpoint is configured.

Without an endpoint the SDK is not even imported, and every request still has a trace id for its log lines and errors.
The exporter's own session would read the environment's proxies, by rules by which the Services of a cluster are asked
through them, and `.netrc`; it is given one that does not.
"""

import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Self
from urllib.parse import urlsplit

from opentelemetry import propagate, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

_TRACER = "aiops"


def current_trace_id() -> str:
    """The running request's trace id in hex; all zeros outside of any."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)


def start_server_span(name: str, headers: Mapping[str, str]) -> AbstractContextManager[trace.Span]:
    """A span for one incoming request, continuing the caller's trace; it is current inside the block."""
    parent = propagate.extract(headers)
    span = trace.get_tracer(_TRACER).start_span(name, parent, kind=SpanKind.SERVER)
    if not span.get_span_context().is_valid:
        span = NonRecordingSpan(
            SpanContext(
                trace_id=secrets.randbits(128) or 1,
                span_id=secrets.randbits(64) or 1,
                is_remote=False,
                trace_flags=TraceFlags(TraceFlags.DEFAULT),
            )
        )
    return trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False)


def mistake(endpoint: str) -> str | None:
    """Why spans cannot be sent there, or None. It repeats nothing of it, since it may carry a password."""
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    return None if usable else "is http://host:port or https://host:port of a receiver of OTLP over HTTP"


class Tracing:
    """Sends spans while entered; does nothing without an endpoint. A context manager, entered once a process."""

    def __init__(self, endpoint: str, *, service: str, version: str, proxy: str = "") -> None:
        self._endpoint = endpoint.rstrip("/")
        self._proxy = proxy
        self._service = service
        self._version = version

    def __enter__(self) -> Self:
        if not self._endpoint:
            return self
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the SDK costs 13 MB
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from requests import Session  # noqa: PLC0415

        endpoint = self._endpoint if self._endpoint.endswith("/v1/traces") else f"{self._endpoint}/v1/traces"
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": self._service, "service.version": self._version}),
            shutdown_on_exit=False,
        )
        session = Session()
        session.trust_env = False
        session.proxies = dict.fromkeys(("http", "https"), self._proxy) if self._proxy else {}
        exporter = OTLPSpanExporter(endpoint=endpoint, session=session)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(self._provider)
        return self

    def __exit__(self, *_: object) -> None:
        if self._endpoint:
            self._provider.shutdown()
