"""Asks many clusters at once: one job per target, one deadline for all, limits per cluster and in total.

A cluster that fails becomes an outcome, never an exception: one dead or hanging cluster must not hide the others.
Only a question that is wrong everywhere, and a fault of the hub itself, ends the whole.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from aiops.collector.meters import Meters
from aiops.core.errors import UpstreamError
from aiops.core.http import Deadline
from aiops.ports.collector import ClusterOutcome, ClusterStatus
from aiops.ports.registry import Target

T = TypeVar("T")

# The rest is for merging and for the way back to the caller.
MEMBER_SHARE: Final = 0.9
# How long after the deadline a job that did not end by itself is ended.
LATE_S: Final = 0.25


class MemberFailed(UpstreamError):
    """One cluster did not answer as it should; `message` is the short reason that callers see."""

    def __init__(self, message: str, *, status: ClusterStatus = ClusterStatus.ERROR) -> None:
        super().__init__(message)
        self.cluster_status = status


@dataclass(frozen=True)
class Part(Generic[T]):
    """What one cluster answered. `notes` are for the caller; an incomplete answer lacks something of the cluster's."""

    value: T
    notes: tuple[str, ...] = ()
    complete: bool = True
    truncated: bool = False


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How one cluster took part; `part` is null where it failed."""

    target: Target
    status: ClusterStatus
    query_time_ms: float
    part: Part[T] | None = None
    error: str | None = None

    def report(self) -> ClusterOutcome:
        """The outcome as answers carry it."""
        return ClusterOutcome(
            self.target.cluster_id, self.target.cluster_name, self.status, self.error, self.query_time_ms
        )


class Fanout:
    """The limits of one process over all questions under way."""

    def __init__(self, *, max_total: int, max_per_cluster: int, meters: Meters) -> None:
        self._total = asyncio.Semaphore(max_total)
        self._max_per_cluster = max_per_cluster
        self._gates: dict[UUID, tuple[asyncio.Semaphore, list[None]]] = {}
        self._meters = meters

    async def ask(
        self,
        targets: Sequence[Target],
        timeout_s: float,
        question: Callable[[Target, Deadline], Awaitable[Part[T]]],
    ) -> list[Outcome[T]]:
        """Put the question to every target at once; the outcomes in the order of the targets.

        Raises:
            AiopsError: whatever `question` raises but `MemberFailed`; the other jobs are then given up.

        """
        wait_s = timeout_s * MEMBER_SHARE
        deadline = Deadline.after(wait_s)
        jobs = [asyncio.create_task(self._ask_one(target, deadline, wait_s, question)) for target in targets]
        try:
            return [await job for job in await _until_one_raises(jobs)]
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _ask_one(
        self,
        target: Target,
        deadline: Deadline,
        wait_s: float,
        question: Callable[[Target, Deadline], Awaitable[Part[T]]],
    ) -> Outcome[T]:
        started = time.perf_counter()
        part: Part[T] | None = None
        error: str | None = None
        late = f"as many queries as it may be asked at once were under way for {wait_s:g} s"
        try:
            async with AsyncExitStack() as turn:
                async with asyncio.timeout(deadline.remaining_s):
                    await turn.enter_async_context(self._turn(target.cluster_id))
                late = f"no answer within {wait_s:g} s"
                # The client that asks ends at the deadline by itself, and learns from it that this cluster is slow.
                async with asyncio.timeout(deadline.remaining_s + LATE_S):
                    part = await question(target, deadline)
            status = ClusterStatus.SUCCESS if part.complete else ClusterStatus.PARTIAL
            error = None if part.complete else "; ".join(part.notes) or "the answer is incomplete"
        except TimeoutError:
            status, error = ClusterStatus.TIMEOUT, late
        except MemberFailed as failure:
            status, error = failure.cluster_status, failure.message
        seconds = time.perf_counter() - started
        self._meters.asked(target.cluster_name, status, seconds)
        return Outcome(target, status, round(seconds * 1000, 1), part, error)

    @asynccontextmanager
    async def _turn(self, cluster_id: UUID) -> AsyncIterator[None]:
        """Wait for a place. The cluster's own comes first: who waits for a slow cluster holds no common place."""
        gate, users = self._gates.setdefault(cluster_id, (asyncio.Semaphore(self._max_per_cluster), []))
        users.append(None)
        try:
            async with gate, self._total:
                yield
        finally:
            users.pop()
            if not users:
                self._gates.pop(cluster_id, None)


async def _until_one_raises(jobs: "Sequence[asyncio.Task[T]]") -> "Sequence[asyncio.Task[T]]":
    """All jobs, done; the first error at once."""
    if jobs:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_EXCEPTION)
        for job in done:
            if (error := job.exception()) is not None:
                raise error
    return jobs
