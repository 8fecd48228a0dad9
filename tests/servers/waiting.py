"""Waiting for a condition instead of for a time. It refuses to wait without saying what for."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

T = TypeVar("T")
PAUSE_S: Final = 0.05


def until(condition: Callable[[], T | None], *, what: str, timeout_s: float = 20) -> T:
    """Call `condition` until its answer is true, and return that answer. Raises `TimeoutError` that names `what`."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain: {what}; the last answer was {answer!r}")
        time.sleep(PAUSE_S)
    return answer


async def eventually(condition: Callable[[], Awaitable[T | None]], *, what: str, timeout_s: float = 20) -> T:
    """Await `condition` until its answer is true, as `until` does."""
    deadline = time.monotonic() + timeout_s
    while not (answer := await condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain: {what}; the last answer was {answer!r}")
        await anyio.sleep(PAUSE_S)
    return answer
