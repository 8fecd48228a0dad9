"""Health history: every change of state, and five minutes at a time in one line each. Kept for some days.

The line of the running five minutes is written anew at each check, so that history never ends before now.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import msgspec
from msgspec import Struct
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.registry.tables import health_history
from aiops.registry.verdict import Outcomes, Verdict

PERIOD: Final = timedelta(minutes=5)


class Period(Struct, frozen=True):
    """Five minutes of checks, counted. `score_sum` is over the `scored` rounds that had a score."""

    started_at: datetime
    rounds: int = 0
    scored: int = 0
    score_sum: int = 0
    checks: dict[str, dict[str, int]] = {}

    @property
    def health_score(self) -> int | None:
        """The average; null when nothing was scored."""
        return round(self.score_sum / self.scored) if self.scored else None


def period_start(now: datetime) -> datetime:
    """The beginning of the five minutes around `now`."""
    return now - (now - now.replace(minute=0, second=0, microsecond=0)) % PERIOD


def count(outcomes: Outcomes, before: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, dict[str, int]]:
    """How often each check passed and failed, this round added to those before."""
    counted = {name: dict(numbers) for name, numbers in (before or {}).items()}
    for check, outcome in outcomes.items():
        numbers = counted.setdefault(check.value, {"passed": 0, "failed": 0})
        numbers["passed" if outcome.healthy else "failed"] += 1
    return counted


def fold(period: Period | None, now: datetime, verdict: Verdict, outcomes: Outcomes) -> Period:
    """The running five minutes with one more round; a new one begins when they are over."""
    started_at = period_start(now)
    if period is None or period.started_at != started_at:
        period = Period(started_at)
    return Period(
        started_at,
        rounds=period.rounds + 1,
        scored=period.scored + (verdict.health_score is not None),
        score_sum=period.score_sum + (verdict.health_score or 0),
        checks=count(outcomes, period.checks),
    )


async def write_transition(
    tx: AsyncConnection, cluster_id: UUID, now: datetime, verdict: Verdict, outcomes: Outcomes
) -> None:
    """A line for a change of state."""
    await tx.execute(
        insert(health_history).values(
            id=uuid4(),
            cluster_id=cluster_id,
            observed_at=now,
            kind="TRANSITION",
            state=verdict.state,
            health_score=verdict.health_score,
            reason=verdict.reason,
            checks=count(outcomes),
        )
    )


async def write_aggregate(tx: AsyncConnection, cluster_id: UUID, period: Period, verdict: Verdict) -> None:
    """The line of the running five minutes, as it is now."""
    told: dict[str, Any] = {
        "state": verdict.state,
        "health_score": period.health_score,
        "reason": f"{period.rounds} rounds of checks; last: {verdict.reason}",
        "checks": period.checks,
    }
    line = insert(health_history).values(
        id=uuid5(cluster_id, period.started_at.isoformat()),
        cluster_id=cluster_id,
        observed_at=period.started_at,
        kind="AGGREGATE",
        **told,
    )
    await tx.execute(line.on_conflict_do_update(index_elements=["id"], set_=told))


async def forget(tx: AsyncConnection, before: datetime) -> int:
    """Remove what is older; how many lines that were."""
    return (await tx.execute(delete(health_history).where(health_history.c.observed_at < before))).rowcount


def read_period(stored: Any) -> Period | None:
    """The running five minutes as a row keeps them."""
    return msgspec.convert(stored, Period | None)
