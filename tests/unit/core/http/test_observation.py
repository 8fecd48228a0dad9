"""What a request leaves behind, and the trace that it passes on."""

import pytest
from aiohttp import web
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from prometheus_client import CollectorRegistry

from aiops.core.http import AddressPolicy, Deadline, HttpClient, HttpMetrics, HttpRequest, Unreachable
from tests.unit.core.http.servers import conversing, reset, serving

pytestmark = pytest.mark.anyio

SOON = 10.0
TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
PARENT_ID = 0xB7AD6B7169203331


async def _traceparent(request: web.Request) -> web.Response:
    return web.Response(status=int(request.path[1:] or 200), text=request.headers.get("traceparent", "none"))


def _parent() -> NonRecordingSpan:
    return NonRecordingSpan(
        SpanContext(TRACE_ID, PARENT_ID, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    )


async def test_the_callers_trace_is_passed_on_where_nothing_records(client: HttpClient) -> None:
    async with serving(_traceparent) as url:
        request = HttpRequest(method="GET", url=url, peer="member")
        with trace.use_span(_parent()):
            response = await client.fetch(request, Deadline.after(SOON))
    assert response.body.decode() == f"00-{TRACE_ID:032x}-{PARENT_ID:016x}-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def _only(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = spans.get_finished_spans()
    return span


async def test_a_client_span_follows_the_conventions(spans: InMemorySpanExporter, registry: CollectorRegistry) -> None:
    policy = AddressPolicy(allow_loopback=True)
    async with (
        HttpClient(user_agent="t", policy=policy, metrics=HttpMetrics(registry)) as client,
        serving(_traceparent) as url,
    ):
        with trace.use_span(_parent()):
            response = await client.fetch(
                HttpRequest(method="GET", url=f"{url}/404?secret=1", peer="member"), Deadline.after(SOON)
            )
    span = _only(spans)
    assert span.kind is SpanKind.CLIENT
    assert span.name == "GET"
    assert span.context is not None
    assert span.parent is not None
    assert span.parent.span_id == PARENT_ID
    assert response.body.decode() == f"00-{TRACE_ID:032x}-{span.context.span_id:016x}-01"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": int(url.rpartition(":")[2]),
        "http.response.status_code": 404,
        "error.type": "404",
    }
    assert span.status.status_code is StatusCode.ERROR


async def test_a_failure_names_its_kind(spans: InMemorySpanExporter, registry: CollectorRegistry) -> None:
    policy = AddressPolicy(allow_loopback=True)
    async with (
        HttpClient(user_agent="t", policy=policy, metrics=HttpMetrics(registry)) as client,
        conversing(reset) as server,
    ):
        with pytest.raises(Unreachable):
            await client.fetch(HttpRequest(method="GET", url=server.url, peer="probe"), Deadline.after(SOON))
    attributes = _only(spans).attributes or {}
    assert attributes["error.type"] == "unreachable"
    assert attributes["http.request.resend_count"] == 1
    assert not _only(spans).events
    labels = {"peer": "probe", "outcome": "unreachable"}
    assert registry.get_sample_value("http_client_requests_total", labels) == 1
    assert registry.get_sample_value("http_client_request_duration_seconds_count", {"peer": "probe"}) == 1


async def test_requests_are_counted_by_what_was_asked_and_how_it_ended(
    client: HttpClient, registry: CollectorRegistry
) -> None:
    async with serving(_traceparent) as url:
        for status in (200, 204, 503):
            request = HttpRequest(method="GET", url=f"{url}/{status}", peer="member")
            await client.fetch(request, Deadline.after(SOON))
        async with client.stream(HttpRequest(method="GET", url=url, peer="collector"), Deadline.after(SOON)):
            pass
    counted = {
        (sample.labels["peer"], sample.labels["outcome"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "http_client_requests_total"
    }
    assert counted == {("member", "2xx"): 2, ("member", "5xx"): 1, ("collector", "2xx"): 1}


async def test_two_clients_share_one_registry(registry: CollectorRegistry) -> None:
    metrics = HttpMetrics(registry)
    for policy in (AddressPolicy(), AddressPolicy(unrestricted=True)):
        async with HttpClient(user_agent="t", policy=policy, metrics=metrics):
            pass
