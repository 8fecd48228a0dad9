"""Identical work that is asked for at the same time is done once.

Nothing is kept beyond the flight: an answer is as fresh as its question. Whoever wants results to last longer says so
elsewhere, with a bound.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class _Flight(Generic[V]):
    task: asyncio.Task[V]
    waiting: int = 0


class SingleFlight(Generic[K, V]):
    """Callers with equal keys share one call while it runs; its answer, or its error, goes to all of them.

    A caller that is cancelled leaves the others alone; when the last one leaves, the call is cancelled. The key must
    carry everything that the answer depends on, the caller's scope included.
    """

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}

    async def run(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """The answer of `work()`, of this caller or of one that asked the same before and still waits."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(_call(work)))
            flight.task.add_done_callback(lambda _: self._land(key, flight))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                flight.task.cancel()
                self._land(key, flight)

    def _land(self, key: K, flight: "_Flight[V]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # seen, also when nobody waits for it any more

    def __len__(self) -> int:
        return len(self._flights)


def _call(work: Callable[[], Awaitable[V]]) -> Coroutine[Any, Any, V]:
    async def call() -> V:
        return await work()

    return call()
