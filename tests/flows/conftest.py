"""The flows run once against each shape of the hub."""

from collections.abc import Iterator

import pytest

from tests.conftest import PrometheusPair
from tests.flows.hubs import FiveRoles, HubUnderTest, OneProcess
from tests.servers.otlp import OtlpReceiver
from tests.servers.waiting import until

SHAPES: dict[str, type[HubUnderTest]] = {"all": OneProcess, "roles": FiveRoles}


@pytest.fixture(scope="module", params=list(SHAPES))
def hub(request: pytest.FixtureRequest, otlp: OtlpReceiver) -> Iterator[HubUnderTest]:
    """A running hub."""
    with SHAPES[request.param](otlp.address) as running:
        yield running


@pytest.fixture(scope="module")
def sites(hub: HubUnderTest, prometheus_pair: PrometheusPair) -> Iterator[dict[str, dict[str, str]]]:
    """Both sites registered and online: name -> the answer to the registration."""
    registered = {
        site.name: hub.ask(
            "POST",
            "/api/v1/clusters",
            {"name": f"site-{site.name}", "endpoints": {"prometheus_url": site.prometheus.url}},
            expect=201,
        )
        for site in (prometheus_pair.east, prometheus_pair.west)
    }

    def online() -> bool | None:
        found = hub.ask("GET", "/api/v1/clusters?state=ONLINE")["items"]
        return {one["name"] for one in found} >= {"site-east", "site-west"} or None

    until(online, what="both sites to be ONLINE", timeout_s=30)
    yield registered
    for cluster in registered.values():
        hub.ask("DELETE", f"/api/v1/clusters/{cluster['id']}", expect=204)
