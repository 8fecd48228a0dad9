"""The fleet's alerts to read: list, one, history, summary, groups. Scope and filters are part of every statement."""

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, case, func, select

from aiops.collector.alerts.apply import shown_alert
from aiops.collector.alerts.filters import AlertFilter, ScopeFilter, filtered
from aiops.collector.alerts.model import Alert, AlertState, Severity
from aiops.collector.alerts.tables import alert_transitions, alerts
from aiops.core.db import Database
from aiops.core.errors import AlertNotFound, Conflict, InvalidRequest
from aiops.core.identity import Scope
from aiops.core.web import Page, Paging, page_of

_RANK: Final = case({severity.value: rank for rank, severity in enumerate(Severity)}, value=alerts.c.severity)
_SORTABLE: Final[dict[str, ColumnElement[Any]]] = {
    "starts_at": alerts.c.starts_at,
    "ends_at": alerts.c.ends_at,
    "alertname": alerts.c.alertname,
    "cluster_name": alerts.c.cluster_name,
    "namespace": alerts.c.namespace,
    "severity": _RANK,
    "state": alerts.c.state,
}
_AMBIGUOUS: Final = 20


class GroupBy(StrEnum):
    """What makes a group; `labels` collapses the same label set of several clusters into one row."""

    ALERTNAME = "alertname"
    CLUSTER = "cluster"
    NAMESPACE = "namespace"
    LABELS = "labels"


_KEYS: Final[dict[GroupBy, tuple[ColumnElement[Any], ...]]] = {
    GroupBy.ALERTNAME: (alerts.c.alertname,),
    GroupBy.CLUSTER: (alerts.c.cluster_id, alerts.c.cluster_name),
    GroupBy.NAMESPACE: (alerts.c.namespace,),
    GroupBy.LABELS: (alerts.c.labels,),
}


class AlertTransition(Struct, frozen=True, kw_only=True):
    """One change of one alert; `timestamp` is when the hub took it in, `old_state` is null at the first firing."""

    event_id: UUID
    timestamp: datetime
    alert_id: UUID
    cluster_id: UUID
    cluster_name: str
    fingerprint: str
    alertname: str
    namespace: str | None
    severity: Severity
    old_state: AlertState | None
    new_state: AlertState
    message: str
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None


class ClusterCount(Struct, frozen=True):
    """The alerts of one cluster."""

    cluster_id: UUID
    cluster_name: str
    total: int
    by_state: dict[str, int]
    by_severity: dict[str, int]


class AlertSummary(Struct, frozen=True):
    """Counts of the alerts that the filter leaves; every state and severity is named, zeros too."""

    total: int
    by_state: dict[str, int]
    by_severity: dict[str, int]
    by_cluster: list[ClusterCount]


class GroupedCluster(Struct, frozen=True):
    """One cluster that takes part in a group."""

    cluster_id: UUID
    cluster_name: str


class AlertGroup(Struct, frozen=True):
    """Alerts with the same `key`; `severity` is the worst among them, `starts_at` the latest."""

    key: dict[str, str | None]
    count: int
    firing: int
    severity: Severity
    starts_at: datetime
    clusters: list[GroupedCluster]


class AlertViews:
    """Reads alerts for callers."""

    def __init__(self, db: Database, scopes: ScopeFilter) -> None:
        self._db = db
        self._scopes = scopes

    async def page(self, scope: Scope, wanted: AlertFilter, sort: str, paging: Paging) -> Page[Alert]:
        """One page; `sort` is a field, `-field` for descending.

        Raises:
            InvalidRequest: there is no such field to sort by.

        """
        order = _order(sort)
        matching = select(alerts).where(*await self._conditions(scope, wanted))
        async with self._db.read() as connection:
            total = await connection.scalar(_count(matching)) or 0
            rows = await connection.execute(matching.order_by(*order).limit(paging.page_size).offset(paging.offset))
        return page_of([shown_alert(row) for row in rows.mappings()], total, paging)

    async def get(self, scope: Scope, name: str) -> Alert:
        """One alert by its id or its fingerprint.

        Raises:
            AlertNotFound: there is none inside the scope.
            Conflict: several clusters have an alert of this fingerprint.

        """
        conditions = await self._scopes.conditions(alerts, scope)
        try:
            conditions.append(alerts.c.id == UUID(name))
        except ValueError:
            conditions.append(alerts.c.fingerprint == name)
        async with self._db.read() as connection:
            found = (await connection.execute(select(alerts).where(*conditions).limit(_AMBIGUOUS))).mappings().all()
        if not found:
            raise AlertNotFound(f"there is no alert {name[:80]!r}")
        if len(found) > 1:
            raise Conflict(
                f"{len(found)} clusters have an alert with the fingerprint {name[:80]!r}; ask by id",
                details={"ids": sorted(str(row["id"]) for row in found)},
            )
        return shown_alert(found[0])

    async def history(
        self, scope: Scope, wanted: AlertFilter, window: tuple[datetime, datetime], paging: Paging
    ) -> Page[AlertTransition]:
        """Transitions inside the window, newest first; the filter's states are the new ones."""
        table = alert_transitions
        matching = select(table).where(
            *await self._scopes.conditions(table, scope, wanted.cluster_ids),
            *filtered(table, wanted),
            table.c.at.between(*window),
        )
        async with self._db.read() as connection:
            total = await connection.scalar(_count(matching)) or 0
            rows = await connection.execute(
                matching.order_by(table.c.at.desc(), table.c.seq.desc()).limit(paging.page_size).offset(paging.offset)
            )
        return page_of([_transition(row) for row in rows.mappings()], total, paging)

    async def summary(self, scope: Scope, wanted: AlertFilter) -> AlertSummary:
        """Counts by state, severity and cluster, in one statement."""
        keys = (alerts.c.cluster_name, alerts.c.cluster_id, alerts.c.state, alerts.c.severity)
        statement = (
            select(*keys, func.count().label("alerts"))
            .where(*await self._conditions(scope, wanted))
            .group_by(*keys)
            .order_by(*keys)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(statement)).all()
        clusters: dict[tuple[str, UUID], list[Any]] = {}
        for row in rows:
            clusters.setdefault((row.cluster_name, row.cluster_id), []).append(row)
        return AlertSummary(
            *_counts(rows),
            by_cluster=[ClusterCount(id_, name, *_counts(part)) for (name, id_), part in clusters.items()],
        )

    async def groups(self, scope: Scope, wanted: AlertFilter, by: GroupBy, paging: Paging) -> Page[AlertGroup]:
        """Groups, those with the most firing alerts first."""
        keys = _KEYS[by]
        matching = select(*keys).where(*await self._conditions(scope, wanted)).group_by(*keys)
        firing = func.count().filter(alerts.c.state == AlertState.FIRING)
        latest = func.max(alerts.c.starts_at)
        cluster = func.jsonb_build_array(alerts.c.cluster_name, alerts.c.cluster_id)
        detailed = matching.add_columns(
            func.count().label("alerts"),
            firing.label("firing"),
            func.min(_RANK).label("worst"),
            latest.label("latest"),
            func.jsonb_agg(cluster.distinct()).label("clusters"),
        ).order_by(firing.desc(), latest.desc(), *keys)
        async with self._db.read() as connection:
            total = await connection.scalar(_count(matching)) or 0
            rows = await connection.execute(detailed.limit(paging.page_size).offset(paging.offset))
        return page_of([_group(row, by) for row in rows.mappings()], total, paging)

    async def _conditions(self, scope: Scope, wanted: AlertFilter) -> list[ColumnElement[bool]]:
        return [*await self._scopes.conditions(alerts, scope, wanted.cluster_ids), *filtered(alerts, wanted)]


def _count(matching: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(matching.subquery())


def _order(sort: str) -> tuple[ColumnElement[Any], ...]:
    column = _SORTABLE.get(sort.removeprefix("-"))
    if column is None:
        raise InvalidRequest(f"sort: there is no field {sort[:40]!r}; there are {', '.join(sorted(_SORTABLE))}")
    first = column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_last()
    # Pages of equal keys must not overlap.
    return first, alerts.c.starts_at.desc(), alerts.c.id


def _counts(rows: Any) -> tuple[int, dict[str, int], dict[str, int]]:
    states: Counter[str] = Counter({state.value: 0 for state in AlertState})
    severities: Counter[str] = Counter({severity.value: 0 for severity in Severity})
    for row in rows:
        states[row.state] += row.alerts
        severities[row.severity] += row.alerts
    return sum(states.values()), dict(states), dict(severities)


def _transition(row: Any) -> AlertTransition:
    old = row["old_state"]
    return AlertTransition(
        event_id=row["event_id"],
        timestamp=row["at"],
        alert_id=row["alert_id"],
        cluster_id=row["cluster_id"],
        cluster_name=row["cluster_name"],
        fingerprint=row["fingerprint"],
        alertname=row["alertname"],
        namespace=row["namespace"],
        severity=Severity(row["severity"]),
        old_state=None if old is None else AlertState(old),
        new_state=AlertState(row["new_state"]),
        message=row["message"],
        labels=row["labels"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
    )


def _group(row: Any, by: GroupBy) -> AlertGroup:
    key = row["labels"] if by is GroupBy.LABELS else {column.name: row[column.name] for column in _KEYS[by]}
    return AlertGroup(
        key={name: None if value is None else str(value) for name, value in key.items()},
        count=row["alerts"],
        firing=row["firing"],
        severity=list(Severity)[row["worst"]],
        starts_at=row["latest"],
        clusters=[GroupedCluster(UUID(cluster_id), name) for name, cluster_id in row["clusters"]],
    )
