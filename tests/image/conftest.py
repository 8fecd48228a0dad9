"""The image, built once, and every role of it over one PostgreSQL and one Valkey."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.image.building import Image, built
from tests.image.forwarding import forwarded
from tests.image.running import RoleInImage, run
from tests.servers.loopback import HOST, free_port
from tests.servers.processes import missing
from tests.servers.waiting import until

PEERS = {
    "registry": "CLUSTER_REGISTRY_URL",
    "collector": "OBSERVABILITY_COLLECTOR_URL",
    "intelligence": "INTELLIGENCE_ENGINE_URL",
    "streaming": "REALTIME_STREAMING_URL",
}
ASKING = (*PEERS, "gateway")  # they need stores, secrets and each other
TOKEN = "image-suite-administrator-token"
IDLE_S = 10


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The target `runtime`."""
    if os.getuid() != 0:
        missing("building and entering an image without a container engine needs root")
    with built() as image:
        yield image


@pytest.fixture(scope="session")
def stores(image: Image) -> Iterator[dict[str, str]]:
    """PostgreSQL and Valkey as settings, with the schema that the image itself made."""
    with forwarded() as urls:
        done = run(image, "db", "upgrade", env=urls)
        assert done.returncode == 0, done.stderr
        yield urls


@pytest.fixture(scope="session")
def roles(
    image: Image, stores: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, RoleInImage]]:
    """Every role, ready, and idle for a while."""
    folder = tmp_path_factory.mktemp("roles")
    ports = {role: free_port() for role in PEERS}
    shared = {
        **stores,
        "AIOPS_ADMIN_TOKEN": TOKEN,
        "AIOPS_INTERNAL_SECRET": "image-suite-internal-secret-of-some-length",
        "AIOPS_SECRET_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        **{name: f"http://{HOST}:{ports[role]}" for role, name in PEERS.items()},
    }
    with ExitStack() as stack:
        started = {
            role: stack.enter_context(
                RoleInImage(image, role, port=ports.get(role, 0), folder=folder, env=shared if role in ASKING else {})
            )
            for role in (*ASKING, "frontend")
        }
        for name, role in started.items():
            until(lambda role=role: role.ready() or not role.running, what=f"{name} to be ready", timeout_s=90)  # type: ignore[misc]
            assert role.running, f"{name} ended with {role.returncode}:\n{role.output(lines=30)}"
        time.sleep(IDLE_S)
        yield started
