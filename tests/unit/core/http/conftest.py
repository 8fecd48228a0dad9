"""A client that may ask loopback."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(anyio_backend: str, registry: CollectorRegistry) -> AsyncIterator[HttpClient]:
    policy = AddressPolicy(allow_loopback=True)
    async with HttpClient(user_agent="aiops-test", policy=policy, metrics=HttpMetrics(registry)) as client:
        yield client
