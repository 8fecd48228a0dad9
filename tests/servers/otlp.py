"""A receiver of OTLP/HTTP traces that keeps the spans, from protobuf and from JSON.

The protocol: OpenTelemetry Protocol 1.x, `POST /v1/traces`. Metrics and logs are not understood.
"""

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.servers.recorder import Received, Recorder


@dataclass(frozen=True)
class Span:
    """One span. Ids are in hexadecimal, `parent_span_id` is empty for a root; attributes of type text only."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    service: str
    attributes: dict[str, str] = field(default_factory=dict)


class OtlpReceiver(Recorder):
    """Keeps every span that it is sent, in `spans`."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []

    def record(self, received: Received) -> None:
        """Keep the request and its spans."""
        super().record(received)
        if received.path != "/v1/traces":
            return
        body = received.body
        if received.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        is_json = received.headers.get("content-type", "").startswith("application/json")
        self.spans.extend(_from_json(json.loads(body)) if is_json else _from_protobuf(body))

    def of_trace(self, trace_id: str) -> list[Span]:
        """The spans of one trace so far."""
        return [span for span in self.spans if span.trace_id == trace_id]


def _from_protobuf(body: bytes) -> list[Span]:
    export = ExportTraceServiceRequest.FromString(body)
    return [
        Span(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_span_id=span.parent_span_id.hex(),
            name=span.name,
            service=_texts(group.resource.attributes).get("service.name", ""),
            attributes=_texts(span.attributes),
        )
        for group in export.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _texts(attributes: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in attributes if pair.value.HasField("string_value")}


def _from_json(export: dict[str, Any]) -> list[Span]:
    return [
        Span(
            trace_id=span["traceId"].lower(),
            span_id=span["spanId"].lower(),
            parent_span_id=span.get("parentSpanId", "").lower(),
            name=span["name"],
            service=_json_texts(group.get("resource", {})).get("service.name", ""),
            attributes=_json_texts(span),
        )
        for group in export["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]


def _json_texts(holder: dict[str, Any]) -> dict[str, str]:
    return {
        pair["key"]: pair["value"]["stringValue"]
        for pair in holder.get("attributes", [])
        if "stringValue" in pair["value"]
    }
