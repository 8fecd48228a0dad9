"""Which clusters a scope selects right now, as the registry has it.

Asked anew whenever a cluster appears or changes; a cluster that was deleted stays what it was, so that those who
saw it hear that it is gone. Who cannot be answered waits: guessing would either leak or lose events.
"""

import asyncio
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from aiops.core.identity import Scope
from aiops.ports.registry import Registry, TargetQuery

MAX_SCOPES: Final = 1000


class _Known(Struct, frozen=True):
    generation: int
    clusters: frozenset[UUID]


class Visibility:
    """One per process: callers of equal scopes share the answer."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[bytes, _Known] = {}
        self._locks: dict[bytes, asyncio.Lock] = {}
        self._deleted: set[UUID] = set()
        self._generation = 0

    def changed(self) -> None:
        """Take note that a cluster appeared or has other labels."""
        self._generation += 1

    def deleted(self, cluster_id: UUID) -> None:
        """Take note that a cluster is gone; whoever saw it goes on seeing what is still said of it."""
        self._deleted.add(cluster_id)

    async def clusters(self, scope: Scope) -> frozenset[UUID] | None:
        """The clusters of a scope; None means all, and then what belongs to no cluster too.

        Raises:
            ServiceUnavailable: the registry is away.

        """
        if scope.everything:
            return None
        if not any(selector.labels for selector in scope.selectors):
            return frozenset(cluster_id for selector in scope.selectors for cluster_id in selector.ids)
        key = msgspec.json.encode(scope, order="deterministic")
        if (known := self._known.get(key)) is not None and known.generation == self._generation:
            return known.clusters
        async with self._locks.setdefault(key, asyncio.Lock()):
            return await self._ask(key, scope)

    async def _ask(self, key: bytes, scope: Scope) -> frozenset[UUID]:
        known = self._known.get(key)
        if known is not None and known.generation == self._generation:
            return known.clusters
        generation = self._generation
        answer = await self._registry.targets(TargetQuery(scope))
        found = frozenset(target.cluster_id for target in answer.targets)
        if known is not None:
            found |= known.clusters & self._deleted
        self._known[key] = _Known(generation, found)
        while len(self._known) > MAX_SCOPES:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._locks.pop(oldest, None)
        return found
