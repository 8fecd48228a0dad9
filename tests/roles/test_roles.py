"""Each role as a process of its own carries what it needs and nothing else; the frontend needs nothing at all."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest

from aiops.compose import ALL, ROLES, compose
from aiops.settings import SettingsError, load
from tests.roles.frontend import Frontend, serving_frontend
from tests.servers.loopback import request
from tests.servers.otlp import OtlpReceiver
from tests.servers.waiting import until

MEBIBYTE = 1024 * 1024
# What clients of stores and clusters are made of: tens of megabytes that a role without them does not carry.
STORES = {"sqlalchemy", "psycopg", "procrastinate", "redis", "aiohttp", "obstore", "alembic", "kubernetes_asyncio"}
SHOW_LOADED = """
import json, sys
from aiops.cli.serve import DESCRIBE
from aiops.compose import compose
from aiops.settings import load
import aiops.server
compose(load(DESCRIBE if sys.argv[1] != "frontend" else {}), [sys.argv[1]])
print(json.dumps(sorted(sys.modules)))
"""


@cache
def loaded(role: str) -> frozenset[str]:
    """Every Python module in a process that put this role together."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW_LOADED, role], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


@pytest.fixture
def frontend(tmp_path: Path) -> Iterator[Frontend]:
    with serving_frontend(tmp_path) as process:
        yield process


@pytest.mark.parametrize("role", [role for role in ROLES if role != ALL])
def test_a_role_imports_no_module_of_another(role: str) -> None:
    others = set(ROLES[ALL]) - set(ROLES[role])
    # A port's client speaks for a module elsewhere, in the words of that module's package.
    allowed = {f"aiops.{other}" for other in others} | {f"aiops.{other}.client" for other in others}
    foreign = {name for name in loaded(role) if name.split(".")[:2][-1] in others and name.startswith("aiops.")}
    assert foreign <= allowed


def test_the_frontend_imports_no_client_of_a_store_or_a_cluster() -> None:
    assert {name.partition(".")[0] for name in loaded("frontend")} & STORES == set()


def test_roles_at_the_edge_import_neither_the_client_of_clusters_nor_what_detectors_need() -> None:
    for role in ("gateway", "streaming", "frontend"):
        assert loaded(role) & {"kubernetes_asyncio", "numpy", "scipy", "sklearn", "stumpy", "llama_cpp"} == set(), role


@pytest.mark.parametrize("roles", [["registry"], ["frontend", "registry"]])
def test_a_role_with_stores_says_at_once_all_that_it_lacks(roles: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        compose(load({}), roles)
    for name in ("DATABASE_URL", "REDIS_URL", "AIOPS_INTERNAL_SECRET", "AIOPS_SECRET_KEY"):
        assert f"{name} is not set" in str(caught.value)


@pytest.mark.parametrize("roles", [["collector"], ["frontend"]])
@pytest.mark.parametrize(
    "endpoint", ["otel:4317", "grpc://otel:4317", "http://", "http://me:canary@otel:port", "http://["]
)
def test_where_no_traces_can_be_sent_is_told_before_anything_starts(roles: list[str], endpoint: str) -> None:
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT is http://host:port") as caught:
        compose(load({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}), roles)
    assert "canary" not in str(caught.value)


def test_an_object_store_s_endpoint_that_is_no_url_is_told_by_its_name() -> None:
    with pytest.raises(SettingsError, match="AIOPS_OBJECTS_ENDPOINT: a URL starts with https://host"):
        compose(load({"AIOPS_OBJECTS_URL": "s3://bucket", "AIOPS_OBJECTS_ENDPOINT": "minio:9000"}), ["intelligence"])


def test_the_frontend_serves_with_no_setting_at_all(frontend: Frontend) -> None:
    status, answer = request(frontend.port, "/health")
    assert (status, json.loads(answer)["role"]) == (200, "frontend")
    status, answer = request(frontend.port, "/ready")
    assert (status, json.loads(answer)) == (200, {"ready": True, "reasons": []})
    status, answer = request(frontend.port, "/metrics")
    assert status == 200
    assert b'http_requests_total{method="GET",role="frontend",route="/ready",status="200"}' in answer
    status, page = request(frontend.port, "/clusters")
    assert status in (200, 503)  # 503 is the page that says how to build the dashboard
    assert page.lower().startswith(b"<!doctype html>")


def test_the_frontend_has_no_api(frontend: Frontend) -> None:
    for path in ("/api/v1/clusters", "/internal/v1/registry/targets", "/ws"):
        status, answer = request(frontend.port, path, headers={"Authorization": "Bearer anything"})
        assert (status, json.loads(answer)["error"]["code"]) == (404, "NOT_FOUND"), path


def test_the_frontend_is_small_when_idle(frontend: Frontend) -> None:
    request(frontend.port, "/")
    assert psutil.Process(frontend.pid).memory_info().rss <= 80 * MEBIBYTE


def test_the_frontend_stays_small_while_it_reports_traces(tmp_path: Path, otlp: OtlpReceiver) -> None:
    endpoint = f"http://{otlp.address}"
    with serving_frontend(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="50") as process:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        request(process.port, "/", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        until(lambda: otlp.of_trace(trace), what="the frontend's span to arrive")
        assert psutil.Process(process.pid).memory_info().rss <= 100 * MEBIBYTE


def test_the_frontend_leaves_when_told(frontend: Frontend) -> None:
    frontend.signal(signal.SIGTERM)
    assert until(lambda: not frontend.running, what="the frontend to leave")
    assert frontend.returncode == 0
