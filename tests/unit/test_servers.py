"""The real servers of the test run: each one starts, does its work, and is gone afterwards."""

import gzip
import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.conftest import PrometheusPair
from tests.servers import processes
from tests.servers.alertmanager import Alertmanager
from tests.servers.loopback import free_port, request
from tests.servers.node_exporter import NodeExporter
from tests.servers.otlp import OtlpReceiver, Span
from tests.servers.processes import Process
from tests.servers.prometheus import Prometheus, require_tracing
from tests.servers.recorder import Recorder
from tests.servers.site import FAULT_ALERT
from tests.servers.waiting import eventually, until

SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.mark.real
def test_two_prometheus_servers_answer_for_their_own_site(prometheus_pair: PrometheusPair) -> None:
    for site in (prometheus_pair.east, prometheus_pair.west):
        assert {row["metric"]["job"] for row in site.prometheus.query("up")} == {"prometheus", "node"}
        assert site.prometheus.query("node_memory_MemTotal_bytes > 0")
    assert prometheus_pair.east.prometheus.port != prometheus_pair.west.prometheus.port


@pytest.mark.real
def test_a_fault_reaches_the_webhook_with_the_token_and_resolves(
    prometheus_pair: PrometheusPair, alertmanager: Callable[[str, str], Alertmanager], webhook: Recorder
) -> None:
    site = prometheus_pair.east
    site.prometheus.send_alerts_to(alertmanager(webhook.url + "/hook", "the-token").address)

    def told(status: str) -> dict[str, object] | None:
        messages = [json.loads(received.body) for received in webhook.requests]
        return next((message for message in messages if message["status"] == status), None)

    with site.fault(service="checkout"):
        firing = until(lambda: told("firing"), what="the webhook is told of the alert", timeout_s=40)
    until(lambda: told("resolved"), what="the webhook is told of the end", timeout_s=40)

    assert firing["groupLabels"] == {"alertname": FAULT_ALERT}
    assert firing["commonLabels"] == {
        "alertname": FAULT_ALERT,
        "cluster": "east",
        "region": "loopback",
        "instance": f"127.0.0.1:{site.node_exporter.port}",
        "job": "node",
        "service": "checkout",
        "severity": "critical",
    }
    assert webhook.requests[0].path == "/hook"
    assert {received.headers["authorization"] for received in webhook.requests} == {"Bearer the-token"}


@pytest.mark.real
def test_prometheus_reports_its_span_of_a_traced_request(prometheus_pair: PrometheusPair, otlp: OtlpReceiver) -> None:
    require_tracing()
    trace_id, parent = secrets.token_hex(16), secrets.token_hex(8)

    port = prometheus_pair.west.prometheus.port
    status, _ = request(port, "/api/v1/query?query=up", headers={"traceparent": f"00-{trace_id}-{parent}-01"})

    assert status == 200
    spans = until(lambda: otlp.of_trace(trace_id), what="Prometheus reports its spans", timeout_s=40)
    assert {span.service for span in spans} == {"prometheus"}
    assert parent in {span.parent_span_id for span in spans}


@pytest.mark.real
def test_a_killed_prometheus_comes_back_on_its_port_with_its_data(
    prometheus: Callable[..., Prometheus],
) -> None:
    server = prometheus(external_labels={"cluster": "lone"})
    before = until(lambda: server.query("up[10m]"), what="it has scraped itself")[0]["values"][0]
    port, pid = server.port, server.process.pid

    server.kill()
    with pytest.raises(OSError, match="refused"):
        server.query("up")
    server.start()

    assert server.port == port
    assert server.process.pid != pid
    assert server.query("up[10m]")[0]["values"][0] == before


@pytest.mark.real
def test_node_exporter_exposes_what_a_test_writes(node_exporter: NodeExporter) -> None:
    node_exporter.expose("mine", 'my_metric{kind="x"} 7')
    assert b'my_metric{kind="x"} 7' in request(node_exporter.port, "/metrics")[1]

    node_exporter.withdraw("mine")
    assert b"my_metric" not in request(node_exporter.port, "/metrics")[1]


@pytest.mark.real
def test_a_server_that_cannot_start_says_what_it_wrote(tmp_path: Path) -> None:
    broken = Prometheus(tmp_path / "broken", flags=["--no-such-flag"])
    with pytest.raises(RuntimeError, match=r"did not start[^\n]*\n.*no-such-flag"), broken:
        pass
    assert not broken.process.running


def test_spans_of_the_sdk_arrive_as_protobuf(otlp: OtlpReceiver) -> None:
    exporter = OTLPSpanExporter(endpoint=otlp.url + "/v1/traces", compression=Compression.Gzip)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")

    with (
        tracer.start_as_current_span("buy") as outer,
        tracer.start_as_current_span("pay", attributes={"by": "card"}),
    ):
        context = outer.get_span_context()
    provider.shutdown()

    inner, root = otlp.of_trace(f"{context.trace_id:032x}")
    assert (root.name, root.service, root.parent_span_id) == ("buy", "shop", "")
    assert (inner.name, inner.parent_span_id, inner.attributes) == (
        "pay",
        f"{context.span_id:016x}",
        {"by": "card"},
    )


def test_spans_are_read_from_compressed_json(otlp: OtlpReceiver) -> None:
    trace_id = secrets.token_hex(16)
    name = {"key": "service.name", "value": {"stringValue": "shop"}}
    span = {"traceId": trace_id, "spanId": "00f067aa0ba902b7", "name": "GET /", "attributes": []}
    body = {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": [span]}]}]}

    request(
        int(otlp.address.partition(":")[2]),
        "/v1/traces",
        method="POST",
        body=gzip.compress(json.dumps(body).encode()),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert otlp.of_trace(trace_id) == [Span(trace_id, "00f067aa0ba902b7", "", "GET /", "shop", {})]


def test_a_child_dies_with_the_test_run(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.servers.processes import Process\n"
        f"child = Process({SLEEP!r}, log=Path(sys.argv[1])); child.start(); print(child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with runner:
        assert runner.stdout is not None
        child = psutil.Process(int(runner.stdout.readline()))
        until(lambda: child.cmdline()[-1:] == SLEEP[-1:], what="the child runs")
        runner.kill()
    child.wait(10)
    assert not child.is_running()


def test_a_child_is_stopped_and_killed(tmp_path: Path) -> None:
    with Process(SLEEP, log=tmp_path / "log") as child:
        assert child.running
    assert child.returncode == -15

    child.start()
    child.kill()
    assert child.returncode == -9


def test_a_missing_server_skips_unless_real_parts_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIOPS_REQUIRE_REAL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        processes.require("no-such-server")

    monkeypatch.setenv("AIOPS_REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="AIOPS_REQUIRE_REAL"):
        processes.require("no-such-server")


def test_free_ports_are_free() -> None:
    with pytest.raises(OSError, match="refused"):
        request(free_port(), "/")


def test_each_database_is_migrated_and_empty(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall()
        row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    assert row[0].startswith("aiops_")


def test_valkey_answers(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        assert client.ping()


async def test_async_tests_run_and_wait() -> None:
    answers = iter([False, True])

    async def answer() -> bool:
        return next(answers)

    assert await eventually(answer, what="the second answer")
