"""The health of the whole hub, as one answer: own stores and every other role."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from aiops.core.errors import AiopsError
from aiops.core.http import Deadline, HttpClient, HttpRequest
from aiops.core.module import Check

DEADLINE_S = 3.0
_OK = 200


class ComponentHealth(Struct, frozen=True):
    """One part. `status` is healthy, degraded or unhealthy."""

    status: str
    latency_ms: float
    error: str | None = None


class DetailedHealth(Struct, frozen=True):
    """All parts, and the worst of what is needed."""

    status: str
    components: dict[str, ComponentHealth]


class HealthView:
    """Asks every part at once."""

    def __init__(self, checks: Sequence[Check], http: HttpClient, peers: Mapping[str, str]) -> None:
        self._checks = checks
        self._http = http
        self._peers = peers

    async def look(self) -> DetailedHealth:
        """How everything is right now."""
        names = [check.name for check in self._checks] + list(self._peers)
        found = await asyncio.gather(
            *(self._own(check) for check in self._checks),
            *(self._peer(role, url) for role, url in self._peers.items()),
        )
        components = dict(zip(names, found, strict=True))
        states = {component.status for component in components.values()}
        worst = next((state for state in ("unhealthy", "degraded") if state in states), "healthy")
        return DetailedHealth(worst, components)

    async def _own(self, check: Check) -> ComponentHealth:
        started = time.perf_counter()
        error: str | None = None
        try:
            async with asyncio.timeout(DEADLINE_S):
                await check.probe()
        except TimeoutError:
            error = f"no answer within {DEADLINE_S:g} s"
        except (AiopsError, OSError) as failure:
            error = str(failure)
        return _component(started, error, "unhealthy" if check.critical else "degraded")

    async def _peer(self, role: str, url: str) -> ComponentHealth:
        started = time.perf_counter()
        error: str | None = None
        request = HttpRequest(method="GET", url=f"{url.rstrip('/')}/ready", peer=role, use_breaker=False)
        try:
            answer = await self._http.fetch(request, Deadline.after(DEADLINE_S))
            if answer.status != _OK:
                error = f"not ready: {answer.body[:500].decode(errors='replace')}"
        except AiopsError as failure:
            error = failure.message
        return _component(started, error, "unhealthy")


def _component(started: float, error: str | None, failed: str) -> ComponentHealth:
    latency_ms = round((time.perf_counter() - started) * 1000, 1)
    return ComponentHealth("healthy" if error is None else failed, latency_ms, error)
