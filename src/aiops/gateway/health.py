"""The health of the whole, as one process sees it: its own dependencies and the other roles' readiness.

It answers within two seconds whatever is away, and measures; it repairs nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct

from aiops.core.errors import AiopsError
from aiops.core.http import Deadline, HttpClient, HttpRequest
from aiops.core.module import Check

DEADLINE_S: Final = 2.0
_OK: Final = 200


class HealthStatus(StrEnum):
    """How well something is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class ComponentHealth(Struct, frozen=True):
    """One dependency. `latency_ms` is how long it took to answer, or until nobody waited any longer."""

    status: HealthStatus
    latency_ms: float
    error: str | None


class DetailedHealth(Struct, frozen=True):
    """The whole is unhealthy when something is away without which this process cannot serve."""

    status: HealthStatus
    components: dict[str, ComponentHealth]


class _Readiness(Struct, frozen=True):
    reasons: list[str] = []


class HealthService:
    """`checks` are this process's own; `peers` maps a role to its URL."""

    def __init__(self, checks: Sequence[Check], peers: Mapping[str, str], http: HttpClient) -> None:
        self._checks = checks
        self._peers = peers
        self._http = http

    async def detailed(self) -> DetailedHealth:
        """Probe everything at once."""
        checks = self._checks
        answers = await asyncio.gather(
            *(_probe(check.probe, critical=check.critical) for check in checks),
            *(_probe(partial(self._ready, role, url), critical=True) for role, url in self._peers.items()),
        )
        own = dict(zip((check.name for check in checks), answers, strict=False))
        peers = dict(zip(self._peers, answers[len(checks) :], strict=True))
        if any(component.status is HealthStatus.UNHEALTHY for component in own.values()):
            status = HealthStatus.UNHEALTHY
        elif any(component.status is not HealthStatus.HEALTHY for component in answers):
            status = HealthStatus.DEGRADED
        else:
            status = HealthStatus.HEALTHY
        return DetailedHealth(status, {**own, **peers})

    async def _ready(self, role: str, url: str) -> None:
        request = HttpRequest(method="GET", url=f"{url.rstrip('/')}/ready", peer=role, use_breaker=False)
        response = await self._http.fetch(request, Deadline.after(DEADLINE_S))
        if response.status == _OK:
            return
        try:
            reasons = msgspec.json.decode(response.body, type=_Readiness).reasons
        except msgspec.DecodeError:
            reasons = []
        raise OSError("; ".join(reasons) or f"/ready answered {response.status}")


async def _probe(probe: Callable[[], Awaitable[None]], *, critical: bool) -> ComponentHealth:
    started = time.perf_counter()
    error: str | None = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            await probe()
    except TimeoutError:
        error = f"no answer within {DEADLINE_S:g} s"
    except (AiopsError, OSError) as failure:
        error = str(failure)
    latency_ms = round((time.perf_counter() - started) * 1000, 1)
    if error is None:
        return ComponentHealth(HealthStatus.HEALTHY, latency_ms, None)
    return ComponentHealth(HealthStatus.UNHEALTHY if critical else HealthStatus.DEGRADED, latency_ms, error)
