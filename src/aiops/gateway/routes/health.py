"""`/health/detailed`: what this process and the other roles need, one by one."""

from litestar import Router, get

from aiops.core.web import requires
from aiops.gateway.health import DetailedHealth, HealthService


def router(service: HealthService) -> Router:
    """The path over one service."""

    @get("/health/detailed", guards=[requires("health:read")])
    async def detailed_health() -> DetailedHealth:
        """Every dependency with its state and latency."""
        return await service.detailed()

    return Router("/", route_handlers=[detailed_health], tags=["health"])
