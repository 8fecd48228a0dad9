"""Single flight: one call for all who ask at the same time, and nobody harmed by another who leaves."""

import asyncio
from collections.abc import Callable

import pytest

from aiops.core.cache import SingleFlight

pytestmark = pytest.mark.anyio


class Work:
    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.release = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        call = self.calls
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return call


async def callers(flight: SingleFlight[str, int], work: Callable[..., object], *keys: str) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.run(key, work)) for key in keys]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_equal_questions_at_the_same_time_are_asked_once() -> None:
    flight, work = SingleFlight[str, int](), Work()
    tasks = await callers(flight, work, "a", "a", "a")
    work.release.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1]
    assert work.calls == 1


async def test_different_questions_are_asked_each() -> None:
    flight, work = SingleFlight[str, int](), Work()
    tasks = await callers(flight, work, "a", "b")
    work.release.set()
    assert sorted(await asyncio.gather(*tasks)) == [1, 2]


async def test_nothing_is_kept_after_the_flight() -> None:
    flight, work = SingleFlight[str, int](), Work()
    work.release.set()
    assert [await flight.run("a", work) for _ in range(2)] == [1, 2]
    assert len(flight) == 0


async def test_an_error_goes_to_all_who_wait_and_is_not_kept() -> None:
    flight = SingleFlight[str, int]()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("gone")

    results = await asyncio.gather(*await callers(flight, fail, "a", "a"), return_exceptions=True)
    assert [type(result) for result in results] == [KeyError, KeyError]
    assert len(flight) == 0


async def test_one_who_leaves_does_not_harm_the_others() -> None:
    flight, work = SingleFlight[str, int](), Work()
    first, second = await callers(flight, work, "a", "a")
    first.cancel()
    await asyncio.wait({first})
    assert first.cancelled()
    work.release.set()
    assert await second == 1
    assert work.cancelled == 0


async def test_when_the_last_one_leaves_the_work_is_cancelled_and_the_next_one_asks_anew() -> None:
    flight, work = SingleFlight[str, int](), Work()
    tasks = await callers(flight, work, "a", "a")
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    (again,) = await callers(flight, work, "a")
    work.release.set()
    assert await again == 2
    assert work.cancelled == 1
