"""A hub with two real sites behind it, and a Chromium in front."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.dashboard import AXE, Dashboard, tab
from tests.conftest import PrometheusPair
from tests.flows.hubs import OneProcess
from tests.servers.processes import missing, require
from tests.servers.site import Site
from tests.servers.waiting import until

# Without these Chromium looks for its maker's servers at every start.
QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium, the system's."""
    executable = require("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture(scope="session")
def hub() -> Iterator[OneProcess]:
    """A running hub that serves the built dashboard."""
    from aiops.frontend.module import DIST

    if not (DIST / "index.html").is_file() or not AXE.is_file():
        missing(
            "the dashboard is not built here: npm --prefix src/dashboard ci && npm --prefix src/dashboard run build"
        )
    with OneProcess() as running:
        yield running


@dataclass(frozen=True)
class Registered:
    """A real site and its cluster in the hub, which has the site's name."""

    site: Site
    cluster: dict[str, Any]


Sites = dict[str, Registered]


@pytest.fixture(scope="session")
def sites(hub: OneProcess, prometheus_pair: PrometheusPair) -> Sites:
    """Both sites registered as east and west, and online."""
    found: Sites = {}
    for site in (prometheus_pair.east, prometheus_pair.west):
        body = {"name": site.name, "endpoints": {"prometheus_url": site.prometheus.url}}
        found[site.name] = Registered(site, hub.ask("POST", "/api/v1/clusters", body, expect=201))

    def online() -> bool | None:
        return hub.ask("GET", "/api/v1/clusters?state=ONLINE")["total"] == 2 or None

    def measured() -> bool:
        # Longer than the step of an hour's graph, so that its newest points have something to show.
        query = "count(count by (cluster) (up offset 20s)) == 2"
        answer = hub.ask("POST", "/api/v1/metrics/query", {"query": query})
        return any(result["data"] for result in answer["results"])

    until(online, what="both sites to be ONLINE", timeout_s=30)
    until(measured, what="both sites to have a little past", timeout_s=60)
    return found


@pytest.fixture
def dashboard(browser: Browser, hub: OneProcess) -> Iterator[Dashboard]:
    """A tab that nobody has signed in to."""
    with tab(browser, hub.url) as found:
        yield found
