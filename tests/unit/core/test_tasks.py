"""The supervisor: what it starts again, what it waits for, and when it gives up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from aiops.core.errors import ServiceUnavailable
from aiops.core.tasks import MAX_QUICK_FAILURES, Supervisor, Task, TaskState

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


class Scripted:
    """Ends its runs as told, one after another, then runs for ever."""

    def __init__(self, *ends: BaseException | None) -> None:
        self._ends = list(ends)
        self.runs = 0
        self.settled = asyncio.Event()
        self.cancelled = False

    async def __call__(self) -> None:
        self.runs += 1
        if self._ends:
            end = self._ends.pop(0)
            if end is not None:
                raise end
            return
        self.settled.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def supervisor(*runs: Callable[[], Awaitable[None]], healthy_after_s: float = 60) -> Supervisor:
    tasks = [Task(f"task-{number}", run) for number, run in enumerate(runs)]
    return Supervisor(tasks, first_delay_s=0.0001, max_delay_s=0.001, healthy_after_s=healthy_after_s)


@pytest.mark.parametrize("end", [None, ValueError("a fault"), ServiceUnavailable("away"), ConnectionResetError()])
async def test_a_task_is_started_again_however_it_ends(end: BaseException | None) -> None:
    run = Scripted(end, end)
    async with supervisor(run) as supervised:
        await run.settled.wait()
        (status,) = supervised.states()
    assert run.runs == 3
    assert status.restarts == 2
    assert status.state is TaskState.RUNNING
    assert status.last_error == (None if end is None else f"{type(end).__name__}: {end}")


@pytest.mark.parametrize("end", [None, ServiceUnavailable("away"), OSError("refused")])
async def test_what_is_away_is_waited_for_without_end(end: BaseException | None) -> None:
    run = Scripted(*[end] * (5 * MAX_QUICK_FAILURES))
    async with supervisor(run) as supervised:
        await run.settled.wait()
        assert not supervised.failed.is_set()


async def test_a_fault_that_comes_back_makes_the_process_unfit() -> None:
    faulty = Scripted(*[KeyError("a fault")] * 100)
    healthy = Scripted()
    async with supervisor(faulty, healthy) as supervised:
        await supervised.failed.wait()
        assert supervised.reason == f"task task-0 failed {MAX_QUICK_FAILURES} times in a row: KeyError: 'a fault'"
        assert [status.state for status in supervised.states()] == [TaskState.FAILED, TaskState.RUNNING]
    assert faulty.runs == MAX_QUICK_FAILURES


async def test_faults_in_between_other_ends_are_not_in_a_row() -> None:
    ends: list[BaseException | None] = [*[KeyError()] * (MAX_QUICK_FAILURES - 1), None]
    run = Scripted(*ends * 3)
    async with supervisor(run) as supervised:
        await run.settled.wait()
        assert not supervised.failed.is_set()


async def test_faults_after_healthy_runs_are_not_quick() -> None:
    run = Scripted(*[KeyError()] * (3 * MAX_QUICK_FAILURES))
    async with supervisor(run, healthy_after_s=0) as supervised:
        await run.settled.wait()
        assert not supervised.failed.is_set()


async def test_a_cancellation_from_within_is_one_more_way_to_fail() -> None:
    run = Scripted(asyncio.CancelledError())
    async with supervisor(run) as supervised:
        await run.settled.wait()
        assert supervised.states()[0].restarts == 1


async def test_leaving_cancels_what_runs_and_what_waits(eventually: Eventually) -> None:
    run = Scripted()
    failing = Scripted(*[OSError()] * 100)
    async with (
        supervisor(run),
        Supervisor([Task("slow", failing)], first_delay_s=1000, max_delay_s=1000) as waiting,
    ):
        await run.settled.wait()

        async def waits() -> bool:
            return waiting.states()[0].state is TaskState.WAITING

        await eventually(waits)
    assert run.cancelled
    assert failing.runs == 1


async def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Supervisor([Task("one", Scripted()), Task("one", Scripted())])


async def test_what_is_away_is_a_warning_and_a_fault_is_an_error_with_its_traceback(
    logs: list[EventDict],
) -> None:
    fault = KeyError("a fault")
    run = Scripted(ServiceUnavailable("the database is away"), fault)
    async with supervisor(run):
        await run.settled.wait()
    assert [(line["log_level"], line.get("reason")) for line in logs] == [
        ("warning", "the database is away"),
        ("error", None),
    ]
    assert logs[1]["exc_info"] is fault
