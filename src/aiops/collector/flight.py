"""Identical questions that are under way at the same time are asked once.

It keeps no answer: who comes after the answer asks anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Shares one run among all who wait for the same key."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, tuple[asyncio.Task[Any], list[None]]] = {}

    async def run(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The result of `make`, or of the run of it that is under way. It ends when nobody waits any more."""
        if key not in self._flying:
            task = asyncio.ensure_future(_call(make))
            self._flying[key] = task, []
            task.add_done_callback(lambda done: self._land(key, done))
        task, waiting = self._flying[key]
        waiting.append(None)
        try:
            result: T = await asyncio.shield(task)
        finally:
            waiting.pop()
            if not waiting and not task.done():
                self._flying.pop(key, None)
                task.cancel()
        return result

    def _land(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if self._flying.get(key, (None,))[0] is task:
            del self._flying[key]
        if not task.cancelled():
            task.exception()  # everybody who waits has it; asyncio need not warn when nobody does


async def _call(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
