"""Jobs: queued with the deed, run at least once whatever is killed, and never forgotten."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from aiops.core.jobs import Jobs
from aiops.core.periodic import Periodic
from aiops.core.tasks import Supervisor
from tests.unit.core.killable import Postgres

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def jobs(database_url: str) -> Jobs:
    return Jobs(database_url, application_name="test", concurrency=2, stalled_after_s=1)


class Log:
    """A job that notes its runs; the first `failures` of them raise."""

    def __init__(self, failures: int = 0) -> None:
        self.runs: list[int] = []
        self._failures = failures

    async def __call__(self, number: int) -> None:
        self.runs.append(number)
        if len(self.runs) <= self._failures:
            raise ValueError("not yet")

    def has(self, *numbers: int) -> Callable[[], Awaitable[bool]]:
        async def arrived() -> bool:
            return set(numbers) <= set(self.runs)

        return arrived


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiops.core.jobs.POLL_S", 0.05)


@asynccontextmanager
async def working(jobs: Jobs) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(jobs.tasks(["queue"]), first_delay_s=0.01, max_delay_s=0.2)
    with capture_logs():
        async with supervisor:
            yield supervisor


async def defer(db: Database, jobs: Jobs, number: int, *, queueing_lock: str | None = None) -> bool:
    async with db.begin() as tx:
        return await jobs.defer(tx, "note", {"number": number}, queueing_lock=queueing_lock)


def finished(db: Database) -> Callable[[], Awaitable[bool]]:
    async def none_left() -> bool:
        return await statuses(db) == []

    return none_left


async def statuses(db: Database) -> list[str]:
    async with db.read() as connection:
        rows = await connection.execute(text("SELECT status::text FROM procrastinate_jobs ORDER BY id"))
    return [str(row[0]) for row in rows]


async def test_a_job_is_queued_with_its_transaction(db: Database, jobs: Jobs, eventually: Eventually) -> None:
    log = Log()
    jobs.register("note", log, queue="queue")

    async def undone() -> None:
        async with db.begin() as tx:
            assert await jobs.defer(tx, "note", {"number": 1})
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    assert await statuses(db) == []
    async with working(jobs):
        assert await defer(db, jobs, 2)
        await eventually(log.has(2))
    assert log.runs == [2]
    assert await statuses(db) == []


async def test_a_second_job_under_a_waiting_lock_is_not_queued_and_harms_nothing(db: Database, jobs: Jobs) -> None:
    jobs.register("note", Log(), queue="queue")
    async with db.begin() as tx:
        assert await jobs.defer(tx, "note", {"number": 1}, queueing_lock="one")
        assert not await jobs.defer(tx, "note", {"number": 2}, queueing_lock="one")
        assert await jobs.defer(tx, "note", {"number": 3}, queueing_lock="another")
    assert await statuses(db) == ["todo", "todo"]


async def test_a_job_that_raises_is_tried_again(
    db: Database, jobs: Jobs, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops.core.jobs.RETRY_BASE_S", 0)
    log = Log(failures=2)
    jobs.register("note", log, queue="queue")
    async with working(jobs):
        await defer(db, jobs, 1)

        async def done() -> bool:
            return await statuses(db) == []

        await eventually(done)
    assert log.runs == [1, 1, 1]


async def test_a_job_of_another_role_needs_its_queue(db: Database, jobs: Jobs) -> None:
    async with db.begin() as tx:
        with pytest.raises(ValueError, match="name the queue"):
            await jobs.defer(tx, "investigate", {})
        assert await jobs.defer(tx, "investigate", {}, queue="intelligence")


async def test_the_worker_says_so_when_its_server_stays_away(
    db: Database, jobs: Jobs, postgres: Postgres, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops.core.jobs.POOL_TIMEOUT_S", 0.1)
    jobs.register("note", Log(), queue="queue")
    worker = asyncio.create_task(jobs.run_worker(["queue"]))
    await defer(db, jobs, 1)
    await eventually(finished(db))
    postgres.kill()
    try:
        with pytest.raises(ServiceUnavailable):
            async with asyncio.timeout(20):
                await worker
    finally:
        postgres.start()


@pytest.mark.parametrize("noticed", [False, True])
async def test_the_supervised_worker_goes_on_after_its_server_came_back(
    db: Database,
    jobs: Jobs,
    postgres: Postgres,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    *,
    noticed: bool,
) -> None:
    """Depending on what it notices, the worker lives on, returns without an error or raises."""
    log = Log()
    jobs.register("note", log, queue="queue")

    async def notices() -> bool:
        return "error" in caplog.text

    async with working(jobs):
        await defer(db, jobs, 1)
        await eventually(finished(db))
        postgres.kill()
        if noticed:
            await eventually(notices)
        postgres.start()
        for number in (2, 3):
            await defer(db, jobs, number)
            await eventually(finished(db))
    assert log.runs == [1, 2, 3]


async def test_a_job_whose_end_could_not_be_written_down_is_queued_again(
    db: Database, jobs: Jobs, eventually: Eventually
) -> None:
    log = Log()
    jobs.register("note", log, queue="queue")
    async with db.begin() as tx:
        await tx.execute(
            text(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$;"
                "CREATE TRIGGER fail BEFORE DELETE ON procrastinate_jobs EXECUTE FUNCTION fail()"
            )
        )
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda *_: failed.set())
    worker = asyncio.create_task(jobs.run_worker(["queue"]))
    try:
        await defer(db, jobs, 1)
        await eventually(log.has(1))

        async def noticed() -> bool:
            return failed.is_set()

        await eventually(noticed)
        async with db.begin() as tx:
            await tx.execute(text("DROP TRIGGER fail ON procrastinate_jobs"))
        with capture_logs():
            assert await jobs.retry_stalled() == 0
            assert await jobs.retry_stalled() == 1
        await eventually(finished(db))
    finally:
        loop.set_exception_handler(handler)
        worker.cancel()
        await asyncio.wait({worker})
    assert log.runs == [1, 1]


async def test_the_job_of_a_killed_worker_is_queued_again(
    db: Database, jobs: Jobs, database_url: str, eventually: Eventually
) -> None:
    log = Log()
    jobs.register("note", log, queue="queue")
    await defer(db, jobs, 1)
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", _HANGING_WORKER, database_url)

    async def doing() -> bool:
        return await statuses(db) == ["doing"]

    try:
        await eventually(doing)
    finally:
        victim.kill()
        await victim.wait()

    async def found() -> bool:
        with capture_logs():
            return await jobs.retry_stalled() == 1

    await eventually(found)
    assert await statuses(db) == ["todo"]
    async with working(jobs):
        await eventually(log.has(1))


_HANGING_WORKER = """
import asyncio, sys
from aiops.core.jobs import Jobs
from aiops.core.periodic import Periodic

async def hang(number):
    await asyncio.Event().wait()

jobs = Jobs(sys.argv[1], application_name="victim")
jobs.register("note", hang, queue="queue")
asyncio.run(jobs.run_worker(["queue"]))
"""


async def test_a_stalled_job_whose_lock_waits_again_makes_way(db: Database, jobs: Jobs) -> None:
    jobs.register("note", Log(), queue="queue")
    await defer(db, jobs, 1, queueing_lock="one")
    async with db.begin() as tx:
        await tx.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    await defer(db, jobs, 2, queueing_lock="one")
    with capture_logs():
        assert await jobs.retry_stalled() == 1
    assert await statuses(db) == ["todo"]


async def test_a_job_that_is_cut_off_by_the_end_of_its_worker_is_queued_again(
    db: Database, jobs: Jobs, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiops.core.jobs.SHUTDOWN_S", 0.05)
    started = asyncio.Event()

    async def hang(number: int) -> None:
        started.set()
        await asyncio.Event().wait()

    jobs.register("note", hang, queue="queue")
    async with working(jobs):
        await defer(db, jobs, 1)
        await started.wait()
    assert await statuses(db) == ["todo"]


async def test_a_periodic_job_runs_by_itself(jobs: Jobs, eventually: Eventually) -> None:
    ran = asyncio.Event()

    async def run() -> None:
        ran.set()

    jobs.periodic(Periodic("tidy", "* * * * * *", run), queue="queue")  # a sixth field: seconds
    async with working(jobs), asyncio.timeout(20):
        await ran.wait()


async def test_a_server_that_is_away_is_service_unavailable(tmp_path: str) -> None:
    jobs = Jobs(f"postgresql://me@/db?host={tmp_path}", application_name="test")
    with pytest.raises(ServiceUnavailable, match="the database is away"):
        await jobs.run_worker(["queue"])
    with pytest.raises(ServiceUnavailable, match="the database is away"):
        await jobs.retry_stalled()


def test_two_jobs_of_one_name_are_refused(jobs: Jobs) -> None:
    jobs.register("note", Log(), queue="queue")
    with pytest.raises(ValueError, match="two jobs are called 'note'"):
        jobs.register("note", Log(), queue="queue")


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    command = "import sys; import aiops.core.jobs; assert 'procrastinate' not in sys.modules"
    subprocess.run([sys.executable, "-c", command], check=True)
