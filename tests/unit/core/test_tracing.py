"""Spans leave by the way that the settings name, whatever the exporter's library would read in the environment."""

import asyncio
import os
import sys

import pytest

from tests.servers.forward_proxy import ForwardProxy
from tests.servers.otlp import OtlpReceiver

pytestmark = pytest.mark.anyio
# A process has one tracer for good, so this one is its own.
SEND = """
import sys
from aiops.core.tracing import Tracing, start_server_span

endpoint, proxy = sys.argv[1:]
with Tracing(endpoint, service="aiops-test", version="1", proxy=proxy), start_server_span("one", {}):
    pass
"""


@pytest.mark.parametrize("proxied", [True, False])
async def test_spans_go_by_the_proxy_that_is_named_and_by_no_other(*, proxied: bool) -> None:
    async with ForwardProxy() as proxy, ForwardProxy() as environments:
        with OtlpReceiver() as receiver:
            port = receiver.address.rpartition(":")[2]
            host = "otel.example.com" if proxied else "127.0.0.1"
            await sent(f"http://{host}:{port}", proxy.url if proxied else "", environments.url)
    assert [span.name for span in receiver.spans] == ["one"]
    assert proxy.asked == ([f"POST http://otel.example.com:{port}/v1/traces HTTP/1.1"] if proxied else [])
    assert environments.asked == []


async def sent(endpoint: str, proxy: str, environments: str) -> None:
    """Send one span from a process whose environment names another proxy."""
    own = {key: value for key, value in os.environ.items() if key.lower() != "no_proxy"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SEND, endpoint, proxy, env={**own, "HTTP_PROXY": environments, "http_proxy": environments}
    )
    assert await asyncio.wait_for(process.wait(), 30) == 0
