"""Serves the collector's port to the other roles."""

from litestar import Router

from aiops.core.peer import port_router
from aiops.ports.collector import Collector


def router(service: Collector) -> Router:
    """`POST /internal/v1/collector/query_range`."""
    return port_router("collector", service.query_range)
