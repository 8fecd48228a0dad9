"""Views over many clusters at once, and over one cluster's past."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select

from aiops.core.clock import Clock
from aiops.core.db import Database, as_struct
from aiops.core.identity import Scope
from aiops.core.web import Paging
from aiops.registry.model import HistoryItem
from aiops.registry.rows import told_state
from aiops.registry.tables import clusters, health_history, in_scope


class FleetSummary(Struct, frozen=True):
    """The fleet in numbers, within the caller's scope; null is "not measured"."""

    total_clusters: int
    by_state: dict[str, int]
    by_type: dict[str, int]
    by_environment: dict[str, int]
    total_gpu_count: int | None
    total_node_count: int | None
    total_pod_count: int | None
    clusters_with_cnf: int | None
    avg_health_score: float | None
    average_cpu_usage: float | None
    average_memory_usage: float | None
    firing_alerts: dict[str, int] | None


class Fleet:
    """Reads; changes nothing."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def summary(self, scope: Scope) -> FleetSummary:
        """One statement over all clusters of the scope."""
        score = clusters.c.status["health_score"].as_integer()
        columns = (told_state(self._clock()).label("told"), clusters.c.cluster_type, clusters.c.environment)
        async with self._db.read() as connection:
            rows = (
                await connection.execute(
                    select(*columns, func.count(), func.sum(score), func.count(score))
                    .where(in_scope(scope))
                    .group_by("told", clusters.c.cluster_type, clusters.c.environment)
                )
            ).all()
        counted: list[dict[str, int]] = [{}, {}, {}]
        scored = total_score = total = 0
        for *keys, count, score_sum, score_count in rows:
            total += count
            scored += score_count
            total_score += score_sum or 0
            for counts, key in zip(counted, keys, strict=True):
                counts[key] = counts.get(key, 0) + count
        by_state, by_type, by_environment = counted
        return FleetSummary(
            total_clusters=total,
            by_state=by_state,
            by_type=by_type,
            by_environment=by_environment,
            total_gpu_count=None,
            total_node_count=None,
            total_pod_count=None,
            clusters_with_cnf=None,
            avg_health_score=round(total_score / scored, 1) if scored else None,
            average_cpu_usage=None,
            average_memory_usage=None,
            firing_alerts=None,
        )

    async def history(self, cluster_id: UUID, paging: Paging) -> tuple[list[HistoryItem], int]:
        """One page of a cluster's history, newest first, and the total."""
        condition = health_history.c.cluster_id == cluster_id
        shown: list[Any] = [health_history.c[name] for name in HistoryItem.__struct_fields__]
        async with self._db.read() as connection:
            total = (
                await connection.execute(select(func.count()).select_from(health_history).where(condition))
            ).scalar_one()
            rows = await connection.execute(
                select(*shown)
                .where(condition)
                .order_by(health_history.c.observed_at.desc(), health_history.c.id)
                .limit(paging.page_size)
                .offset(paging.offset)
            )
            return [as_struct(row, HistoryItem) for row in rows], total
