"""Streaming as a module."""

from collections.abc import Awaitable, Callable

from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.core.tasks import Task
from aiops.ports.registry import Registry
from aiops.settings import Settings
from aiops.streaming.hub import Hub
from aiops.streaming.routes import router
from aiops.streaming.traffic import SocketMetrics
from aiops.streaming.visibility import Visibility


def build(settings: Settings, infra: Infra, registry: Registry) -> tuple[Module, Callable[[], Awaitable[None]]]:
    """Build the module, and what lets its sockets go before the process leaves."""
    mine = settings.streaming
    hub = Hub(
        infra.bus,
        Visibility(registry),
        SocketMetrics(infra.metrics),
        max_events=mine.ring_events,
        max_bytes=mine.ring_bytes,
    )
    module = Module(
        name="streaming",
        routes=(router(hub, infra.clock, max_sockets=mine.max_sockets),),
        tasks=(Task("streaming.hub", hub.run),),
        checks=(Check("redis", infra.redis.check),),
    )
    return module, hub.drain
