"""Keeps background tasks running: restarts them, waits longer each time, and gives up where waiting cannot help.

The only place that catches every exception. It decides nothing about what a task does.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

import structlog
from msgspec import Struct

from aiops.core.clock import utc_now
from aiops.core.errors import ServiceUnavailable

FIRST_DELAY_S: Final = 0.2
MAX_DELAY_S: Final = 15.0
# A run that lasted this long was healthy: whatever ended it starts a new count.
HEALTHY_AFTER_S: Final = 60.0
# At the doubling delays above, about half a minute of failing at once: this is a fault of ours, not of the weather.
MAX_QUICK_FAILURES: Final = 8

_log = structlog.get_logger("aiops.tasks")


@dataclass(frozen=True)
class Task:
    """Something that runs as long as the process does. `run` is called again whenever it ends."""

    name: str
    run: Callable[[], Awaitable[None]]


class TaskState(StrEnum):
    """Where a supervised task stands."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    FAILED = "FAILED"


class TaskStatus(Struct, frozen=True):
    """One task for `/health/detailed`. `last_error` is the reason of the last restart, null if it had none."""

    name: str
    state: TaskState
    restarts: int
    since: datetime
    last_error: str | None


@dataclass
class _Record:
    state: TaskState
    since: datetime
    restarts: int = 0
    last_error: str | None = None


async def attempt(run: Callable[[], Awaitable[None]]) -> Exception | None:
    """Run it once; the error that it raised, or None. Cancellation passes through."""
    try:
        await run()
    except Exception as error:  # noqa: BLE001 - this module exists to catch it
        return error
    return None


class Supervisor:
    """Runs tasks from entering to leaving.

    A store that is away (`ServiceUnavailable`, `OSError`) is waited for without end. Any other error that comes back
    `MAX_QUICK_FAILURES` times in a row, each run shorter than `healthy_after_s`, makes the process unfit: `failed` is
    set, `reason` says why, and the server is expected to leave with an error.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        first_delay_s: float = FIRST_DELAY_S,
        max_delay_s: float = MAX_DELAY_S,
        healthy_after_s: float = HEALTHY_AFTER_S,
    ) -> None:
        self._tasks = tuple(tasks)
        self._first_delay_s = first_delay_s
        self._max_delay_s = max_delay_s
        self._healthy_after_s = healthy_after_s
        self._records = {task.name: _Record(TaskState.WAITING, utc_now()) for task in self._tasks}
        if len(self._records) != len(self._tasks):
            raise ValueError("two tasks have the same name; names must be unique within a process")
        self._running: list[asyncio.Task[None]] = []
        self.failed = asyncio.Event()
        self.reason: str | None = None

    async def __aenter__(self) -> Self:
        self._running = [
            asyncio.create_task(self._supervise(task, self._records[task.name]), name=task.name) for task in self._tasks
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def states(self) -> list[TaskStatus]:
        """Where every task stands, in the order given."""
        return [
            TaskStatus(name, record.state, record.restarts, record.since, record.last_error)
            for name, record in self._records.items()
        ]

    async def _supervise(self, task: Task, record: _Record) -> None:
        loop = asyncio.get_running_loop()
        quick_ends = failures = 0
        while True:
            _enter(record, TaskState.RUNNING)
            started = loop.time()
            error = await self._run_once(task)
            if loop.time() - started >= self._healthy_after_s:
                quick_ends = failures = 0
            quick_ends += 1
            expected = error is None or isinstance(error, ServiceUnavailable | OSError)
            failures = 0 if expected else failures + 1
            record.last_error = None if error is None else f"{type(error).__name__}: {error}"
            if failures >= MAX_QUICK_FAILURES:
                self._give_up(task, record)
                return
            record.restarts += 1
            delay_s = min(self._max_delay_s, self._first_delay_s * 2 ** min(quick_ends - 1, 16))
            delay_s *= random.uniform(0.75, 1.0)  # noqa: S311 - spreads restarts, no secret
            _report(task, error, expected=expected, delay_s=delay_s)
            _enter(record, TaskState.WAITING)
            await asyncio.sleep(delay_s)

    @staticmethod
    async def _run_once(task: Task) -> Exception | None:
        try:
            return await attempt(task.run)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            # Something inside was cancelled by somebody else; for us that is one more way to fail.
            return RuntimeError("the task was cancelled from within")

    def _give_up(self, task: Task, record: _Record) -> None:
        _enter(record, TaskState.FAILED)
        self.reason = f"task {task.name} failed {MAX_QUICK_FAILURES} times in a row: {record.last_error}"
        _log.error("a task cannot be kept running; this process is unfit", task=task.name, reason=record.last_error)
        self.failed.set()


def _enter(record: _Record, state: TaskState) -> None:
    record.state = state
    record.since = utc_now()


def _report(task: Task, error: Exception | None, *, expected: bool, delay_s: float) -> None:
    retry_in_s = round(delay_s, 1)
    if error is None:
        _log.info("task returned, starting it again", task=task.name, retry_in_s=retry_in_s)
    elif expected:
        _log.warning("task waits for what it needs", task=task.name, reason=str(error), retry_in_s=retry_in_s)
    else:
        _log.error("task failed", task=task.name, retry_in_s=retry_in_s, exc_info=error)
