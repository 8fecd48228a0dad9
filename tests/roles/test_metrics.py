"""What `/metrics` of every role answers to a scraper: one content type that is true, and samples that it can read."""

from typing import Any, cast

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from aiops.cli.serve import DESCRIBE
from aiops.compose import ROLES, compose
from aiops.settings import load

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# As Prometheus 3 asks.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("accept", "expected", "parse"),
    [
        ("*/*", PLAIN, parse_text),
        ("text/plain", PLAIN, parse_text),
        ("text/plain;version=nonsense", PLAIN, parse_text),
        (PROMETHEUS, OPENMETRICS, parse_openmetrics),
        ("application/openmetrics-text;version=nonsense", OPENMETRICS, parse_openmetrics),
    ],
    ids=["any", "text", "text-nonsense", "prometheus", "openmetrics-nonsense"],
)
async def test_a_scraper_gets_the_format_that_it_asks_for(role: str, accept: str, expected: str, parse: Any) -> None:
    app = compose(load(DESCRIBE), [role]).app
    # httpx knows ASGI's messages as mere mappings.
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        await client.get("/health")
        answer = await client.get("/metrics", headers={"Accept": accept})
    assert (answer.status_code, answer.headers.get_list("content-type")) == (200, [expected])
    families = {family.name: family for family in parse(answer.text)}
    counts = {tuple(sorted(sample.labels.items())) for sample in families["http_requests"].samples}
    assert (("method", "GET"), ("role", role), ("route", "/health"), ("status", "200")) in counts
