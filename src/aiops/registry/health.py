"""The health loop: due clusters are claimed, asked, judged, and their state changed together with its event.

Any number of replicas may run it. A claim is one short UPDATE that skips what others hold; no transaction stays open
while a cluster is asked. What could not be measured stays null. A cluster that cannot be checked, for whatever
reason, is logged and tried again at its next time: it never keeps the others from being checked.
"""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.outbox import publish
from aiops.core.tasks import attempt
from aiops.ports.events import ClusterStatusChanged, to_message
from aiops.registry import history
from aiops.registry.cadence import Cadence
from aiops.registry.credentials import Vault
from aiops.registry.destinations import destinations
from aiops.registry.model import ClusterType, Endpoints, State, Status
from aiops.registry.probes import Prober, Tokens
from aiops.registry.rows import told_state
from aiops.registry.tables import clusters
from aiops.registry.verdict import Outcomes, Verdict, conditions, judge

IDLE_S: Final = 1.0
_CLAIMED: Final = (
    "id",
    "name",
    "cluster_type",
    "api_server_url",
    "endpoints",
    "credentials",
    "credential_ca",
    "credential_version",
    "version",
    "claimed_until",
)
_log = structlog.get_logger("aiops.health")


class HealthLoop:
    """Claims and checks due clusters; `run` is a supervised task."""

    def __init__(
        self, db: Database, prober: Prober, vault: Vault, clock: Clock, cadence: Cadence, *, max_concurrent: int
    ) -> None:
        self._db = db
        self._prober = prober
        self._vault = vault
        self._clock = clock
        self._cadence = cadence
        self._max_concurrent = max_concurrent
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for due clusters now rather than within the second."""
        self._wake.set()

    async def run(self) -> None:
        """Check until cancelled."""
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._wake.clear()
                running = {task for task in running if not task.done()}
                for row in await self._claim(self._max_concurrent - len(running)):
                    running.add(asyncio.create_task(self._check_safely(row), name=f"check {row.name}"))
                try:
                    async with asyncio.timeout(IDLE_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, limit: int) -> list[Row[Any]]:
        """Take due rows. Their next time is set already, so that a wish for a check meanwhile is not overwritten."""
        if limit <= 0:
            return []
        now = func.now()
        due = (
            select(clusters.c.id)
            .where(
                clusters.c.next_due_at <= now,
                or_(clusters.c.claimed_until.is_(None), clusters.c.claimed_until < now),
            )
            .order_by(clusters.c.next_due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")  # as an IN (...) the planner may run it again for each row, past its limit
        )
        jitter = random.uniform(0.9, 1.1)  # noqa: S311 - spreads checks, no secret
        async with self._db.begin() as tx:
            rows = await tx.execute(
                update(clusters)
                .where(clusters.c.id == due.c.id)
                .values(
                    claimed_until=now + func.make_interval(0, 0, 0, 0, 0, 0, self._cadence.claim_sql()),
                    next_due_at=now + func.make_interval(0, 0, 0, 0, 0, 0, self._cadence.interval_sql() * jitter),
                )
                .returning(*(clusters.c[name] for name in _CLAIMED))
            )
            return list(rows)

    async def _check_safely(self, row: Row[Any]) -> None:
        async def run() -> None:
            await self._check(row)

        if (error := await attempt(run)) is not None:
            _log.error("a cluster could not be checked", cluster=row.name, exc_info=error)
        self._wake.set()

    async def _check(self, row: Row[Any]) -> None:
        endpoints = msgspec.convert(row.endpoints, Endpoints)
        found = destinations(row.api_server_url, endpoints, api_server_ca=row.credential_ca)
        tokens = self._vault.tokens(row.id, row.credentials, found)
        timeout_s = self._cadence.timeout_s(ClusterType(row.cluster_type))
        outcomes = await self._prober.check(found, tokens, timeout_s)
        async with self._db.begin() as tx:
            await self._store(tx, row, tokens, outcomes)

    async def _store(self, tx: AsyncConnection, row: Row[Any], tokens: Tokens, outcomes: Outcomes) -> None:
        """Judge against the row as it is now, under its lock, so that an edit meanwhile is not lost."""
        now = self._clock()
        columns = [clusters.c[name] for name in (*_CLAIMED, "state", "status", "recent", "period", "last_seen_at")]
        query = select(*columns, told_state(now).label("told_state")).where(clusters.c.id == row.id)
        locked: Any = (await tx.execute(query.with_for_update())).one_or_none()
        if locked is None or locked.claimed_until != row.claimed_until:
            return  # removed meanwhile, or so late that another replica took over
        mine = update(clusters).where(clusters.c.id == row.id)
        if (locked.version, locked.credential_version) != (row.version, row.credential_version):
            # Edited meanwhile: what was asked is no longer what is registered.
            await tx.execute(mine.values(claimed_until=None, next_due_at=func.now()))
            return
        verdict = judge(State(locked.told_state), [State(state) for state in locked.recent], outcomes)
        period = history.fold(history.read_period(locked.period), now, verdict, outcomes)
        status = self._status(locked, verdict, outcomes, now, has_credentials=bool(tokens))
        stale_after_s = self._cadence.stale_after_s(ClusterType(row.cluster_type))
        await tx.execute(
            mine.values(
                status=msgspec.to_builtins(status),
                state=verdict.state,
                recent=verdict.recent,
                period=msgspec.to_builtins(period),
                stale_at=now + timedelta(seconds=stale_after_s),
                claimed_until=None,
                last_seen_at=now if verdict.reached else locked.last_seen_at,
                # A first bad round is looked at again soon: trouble shows early, a hiccup costs one more question.
                **({"next_due_at": self._soon(row)} if verdict.state is not verdict.recent[-1] else {}),
            )
        )
        await history.write_aggregate(tx, row.id, period, verdict)
        if verdict.state != locked.state:
            await history.write_transition(tx, row.id, now, verdict, outcomes)
            await self._tell(tx, locked, verdict, now)

    def _soon(self, row: Row[Any]) -> Any:
        seconds = self._cadence.interval_s(ClusterType(row.cluster_type)) / 3
        return func.least(clusters.c.next_due_at, func.now() + timedelta(seconds=seconds))

    @staticmethod
    def _status(
        locked: Row[Any], verdict: Verdict, outcomes: Outcomes, now: datetime, *, has_credentials: bool
    ) -> Status:
        before = msgspec.convert(locked.status, Status)
        return Status(
            state=verdict.state,
            health_score=verdict.health_score,
            connectivity=verdict.connectivity,
            last_error=verdict.last_error,
            last_check_at=now,
            conditions=tuple(
                conditions(before.conditions, verdict.state, outcomes, has_credentials=has_credentials, now=now)
            ),
            **{f"{check}_healthy": outcome.healthy for check, outcome in outcomes.items()},
        )

    @staticmethod
    async def _tell(tx: AsyncConnection, locked: Row[Any], verdict: Verdict, now: datetime) -> None:
        event = ClusterStatusChanged(
            cluster_id=locked.id,
            cluster_name=locked.name,
            old_state=locked.state,
            new_state=verdict.state,
            health_score=verdict.health_score or 0,
            reason=verdict.reason,
        )
        await publish(tx, to_message(event, source="registry", at=now))
        _log.info(
            "cluster changed state",
            cluster=locked.name,
            old=locked.state,
            new=verdict.state,
            reason=verdict.reason,
        )
