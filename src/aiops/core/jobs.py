"""Durable jobs on PostgreSQL, through procrastinate: queued in the transaction of the deed that asks for them.

A job runs at least once; whoever writes one makes it bear repeats. What the library does not do by itself is done
here: its worker may return without an error after the server restarted (so it is a supervised task, started again
when it returns), and the jobs of a killed worker stay where they were until somebody queues them again.

The library costs a third of a second to import, so it is imported when the first job is queued or run.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import psycopg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core.db import conninfo, database_errors
from aiops.core.errors import ServiceUnavailable
from aiops.core.periodic import Periodic
from aiops.core.tasks import Task

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job

# Waits of 3, 9, 27 and 81 seconds: a store or a cluster that restarts is back by then.
RETRIES: Final = 4
RETRY_BASE_S: Final = 3
HEARTBEAT_S: Final = 10
# Three heartbeats missed: the worker is dead, or as good as.
STALLED_AFTER_S: Final = 30
SWEEP_S: Final = 20
# Kept for people who ask why; the log has the rest.
KEEP_FAILED_H: Final = 7 * 24
# New jobs are notified; only what becomes due again waits for the next look.
POLL_S: Final = 5.0
# While its server is away a worker cannot even end sooner than this.
POOL_TIMEOUT_S: Final = 5.0
# Below the grace period of a pod; what is cut off then is queued again.
SHUTDOWN_S: Final = 10

_log = structlog.get_logger("aiops.jobs")

JobFunction = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class _Job:
    run: JobFunction
    queue: str
    cron: str | None = None


@contextmanager
def _job_errors() -> Iterator[None]:
    from procrastinate.exceptions import ConnectorException  # noqa: PLC0415 - see the module's docstring

    try:
        yield
    except ConnectorException as error:
        raise ServiceUnavailable(f"the job queue cannot be used: {error.__cause__ or error}") from error


class Jobs:
    """The jobs of one process. Register first, then hand `tasks()` to the supervisor.

    `concurrency` is how many jobs run at once here; each may use a connection of its own to the queue.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        concurrency: int = 4,
        stalled_after_s: float = STALLED_AFTER_S,
    ) -> None:
        self._conninfo = conninfo(url, application_name=f"{application_name} jobs", statement_timeout_s=30)
        self._concurrency = concurrency
        self._stalled_after_s = stalled_after_s
        self._jobs: dict[str, _Job] = {}
        self._deferring: App | None = None
        # By the queue's ids: what this process runs, as which workers, and what it may have left behind itself.
        self._workers: set[int | None] = set()
        self._running: set[int | None] = set()
        self._suspects: set[int | None] = set()

    def register(self, name: str, run: JobFunction, *, queue: str) -> None:
        """Say what a job of this name does: `run(**args)`. It is tried again `RETRIES` times when it raises."""
        self._add(name, _Job(run, queue))

    def periodic(self, job: Periodic, *, queue: str) -> None:
        """Run it at its times, never twice at once. A run that fails is not tried again before its next time."""

        async def at(timestamp: int) -> None:  # noqa: ARG001 - the library names the time that a run stands for
            await job.run()

        self._add(job.name, _Job(at, queue, job.cron))

    def _add(self, name: str, job: _Job) -> None:
        if name in self._jobs:
            raise ValueError(f"two jobs are called {name!r}; names are unique within a process")
        self._jobs[name] = job

    def tasks(self, queues: Sequence[str]) -> tuple[Task, ...]:
        """The supervised tasks that work on these queues."""

        async def work() -> None:
            await self.run_worker(queues)

        return (Task("jobs.worker", work), Task("jobs.sweep", self.sweep))

    async def defer(
        self,
        tx: AsyncConnection,
        name: str,
        args: Mapping[str, Any],
        *,
        queue: str | None = None,
        queueing_lock: str | None = None,
    ) -> bool:
        """Queue a job in the caller's transaction; `args` is JSON. False: one with this lock is waiting already.

        `queue` is needed for a job that another role registers.
        """
        await _library()
        from procrastinate.exceptions import AlreadyEnqueued  # noqa: PLC0415 - see the module's docstring

        job = self._jobs.get(name)
        target = queue or (job.queue if job else None)
        if target is None:
            raise ValueError(f"no job {name!r} is registered in this process; name the queue of its worker")
        if self._deferring is None:
            self._deferring = self._app(0)
        # A taken lock is a violated constraint, which would end the caller's transaction but for the savepoint.
        try:
            with _job_errors():
                async with tx.begin_nested():
                    raw = await tx.get_raw_connection()
                    deferrer = self._deferring.configure_task(
                        name, queue=target, queueing_lock=queueing_lock, connection=raw.driver_connection
                    )
                    await deferrer.defer_async(**args)
        except AlreadyEnqueued:
            return False
        return True

    async def run_worker(self, queues: Sequence[str]) -> None:
        """Work on the queues until cancelled; running jobs get `SHUTDOWN_S` to end. May return: call it again."""
        await _library()
        app = self._app(self._concurrency + 2)
        with _job_errors():
            async with self._opened(app):
                await app.run_worker_async(
                    queues=list(queues),
                    concurrency=self._concurrency,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                    fetch_job_polling_interval=POLL_S,
                    shutdown_graceful_timeout=SHUTDOWN_S,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=self._stalled_after_s,
                )

    async def sweep(self) -> None:
        """Queue again what dead workers left behind, and forget old failures; until cancelled."""
        while True:
            await self.retry_stalled()
            await asyncio.sleep(SWEEP_S)

    async def retry_stalled(self) -> int:
        """Queue the jobs again that nobody runs any more; how many that were."""
        await _library()
        app = self._app(1)
        with _job_errors():
            async with self._opened(app):
                stalled = [
                    *await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_after_s),
                    *await self._own_orphans(app),
                ]
                for job in stalled:
                    await self._retry(app, job)
                await app.job_manager.delete_old_jobs(
                    KEEP_FAILED_H, include_failed=True, include_cancelled=True, include_aborted=True
                )
        return len(stalled)

    async def _own_orphans(self, app: "App") -> "list[Job]":
        """Jobs that ended here while their end could not be written down: nobody else would ever touch them.

        One that is seen between its end and the note of it is spared: it must be seen twice.
        """
        doing = await app.job_manager.list_jobs_async(status="doing")
        idle = [job for job in doing if job.worker_id in self._workers and job.id not in self._running]
        orphans = [job for job in idle if job.id in self._suspects]
        self._suspects = {job.id for job in idle}
        return orphans

    @asynccontextmanager
    async def _opened(self, app: "App") -> AsyncIterator[None]:
        # The library waits half a minute for its pool and logs each try; one connection of ours knows at once.
        with database_errors():
            async with await psycopg.AsyncConnection.connect(self._conninfo):
                pass
        async with app.open_async():
            yield

    @staticmethod
    async def _retry(app: "App", job: "Job") -> None:
        from procrastinate.exceptions import ConnectorException, UniqueViolation  # noqa: PLC0415
        from procrastinate.jobs import Status  # noqa: PLC0415

        _log.warning("a job was left behind by its worker, queueing it again", job=job.task_name, id=job.id)
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            # Another one with its queueing lock waits already and will do the work.
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        except ConnectorException as error:
            # Another replica was quicker. Were the server away, the next statement would say so.
            _log.info("a job is no longer left behind", job=job.task_name, id=job.id, reason=str(error.__cause__))

    def _app(self, connections: int) -> "App":
        """A fresh library object with every job, as its pool does not outlive a run of the worker."""
        from procrastinate import App, PsycopgConnector, RetryStrategy  # noqa: PLC0415

        connector = PsycopgConnector(
            conninfo=self._conninfo, min_size=1, max_size=max(1, connections), timeout=POOL_TIMEOUT_S
        )
        app = App(connector=connector)
        retry = RetryStrategy(max_attempts=RETRIES, exponential_wait=RETRY_BASE_S)
        for name, job in self._jobs.items():
            if job.cron is None:
                app.task(name=name, queue=job.queue, retry=retry, pass_context=True)(self._tracked(job.run))
            else:
                # No retry: one that waited beside the next run, under one lock, would block both.
                task = app.task(name=name, queue=job.queue, lock=name, queueing_lock=name, pass_context=True)
                app.periodic(cron=job.cron)(task(self._tracked(job.run)))
        return app

    def _tracked(self, run: JobFunction) -> JobFunction:
        async def tracked(context: "JobContext", **args: Any) -> None:
            self._workers.add(context.job.worker_id)
            self._running.add(context.job.id)
            try:
                await run(**args)
            finally:
                self._running.discard(context.job.id)

        return tracked


async def _library() -> None:
    """Import it beside the event loop, which would stand still for a third of a second."""
    await asyncio.to_thread(import_module, "procrastinate")
