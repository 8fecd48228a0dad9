"""Clusters: registered, found, edited, removed; each write with its event and audit entry in one transaction."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Struct
from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core import audit
from aiops.core.clock import Clock
from aiops.core.db import Database, as_struct
from aiops.core.errors import (
    ClusterAlreadyExists,
    ClusterNotFound,
    InvalidRequest,
    PermissionDenied,
    PreconditionFailed,
)
from aiops.core.http import AddressPolicy
from aiops.core.identity import Identity, Scope
from aiops.core.outbox import publish
from aiops.core.web import Paging, etag
from aiops.ports.events import ClusterDeleted, ClusterRegistered, ClusterUpdated, Event, to_message
from aiops.registry.cadence import Cadence
from aiops.registry.credentials import Credentials
from aiops.registry.model import (
    Cluster,
    ClusterCreate,
    ClusterFields,
    ClusterReplace,
    RegisteredCluster,
    Status,
    Webhook,
    check_fields,
    check_name,
)
from aiops.registry.rows import shown, to_cluster, told_state
from aiops.registry.tables import clusters, health_history, in_scope

WEBHOOK_PREFIX: Final = "aiops_webhook_"
SORTS: Final = (
    "name",
    "display_name",
    "cluster_type",
    "environment",
    "region",
    "state",
    "health_score",
    "created_at",
    "updated_at",
    "last_seen_at",
)


class ClusterFilter(Struct, frozen=True):
    """What a list is narrowed to; labels are `key=value` and all must hold."""

    name: str | None = None
    search: str | None = None
    cluster_type: str | None = None
    environment: str | None = None
    region: str | None = None
    state: str | None = None
    has_gpu: bool | None = None
    has_cnf: bool | None = None
    labels: tuple[str, ...] = ()
    sort: str = "name"


class Clusters:
    """The registry's records."""

    def __init__(
        self,
        db: Database,
        credentials: Credentials,
        policy: AddressPolicy,
        clock: Clock,
        cadence: Cadence,
        on_due: Callable[[], None],
    ) -> None:
        self._db = db
        self._credentials = credentials
        self._cadence = cadence
        self._policy = policy
        self._clock = clock
        self._on_due = on_due

    # --- what people do ---------------------------------------------------------------------------------------

    async def register(self, actor: Identity, data: ClusterCreate, base_url: str) -> RegisteredCluster:
        """Add a cluster. It need not answer yet.

        Raises:
            InvalidClusterName, InvalidRequest: the description is wrong.
            ClusterAlreadyExists: the name is taken.
            PermissionDenied: the caller's grants would not cover it.

        """
        check_name(data.name)
        check_fields(data, self._policy)
        cluster_id = uuid4()
        _require_cover(actor, "clusters:write", cluster_id, data.labels)
        checked = None
        if data.credentials is not None:
            _require_cover(actor, "credentials:write", cluster_id, data.labels)
            checked = await self._credentials.check(data.credentials, data)
        token = WEBHOOK_PREFIX + secrets.token_urlsafe(32)
        async with self._db.begin() as tx:
            await self._insert(tx, cluster_id, data, token)
            if checked is not None:
                await self._credentials.write(tx, actor, cluster_id, data.name, checked)
            found = await tx.execute(select(*shown(self._clock())).where(clusters.c.id == cluster_id))
            cluster = to_cluster(found.one())
            event = ClusterRegistered(cluster_id=cluster_id, cluster_name=data.name, cluster=_public(cluster))
            await self._tell(tx, actor, "cluster.register", event)
        self._on_due()
        return RegisteredCluster(**msgspec.structs.asdict(cluster), webhook=_webhook(base_url, cluster_id, token))

    async def page(self, scope: Scope, wanted: ClusterFilter, paging: Paging) -> tuple[list[Cluster], int]:
        """One page and the total, in two statements."""
        now = self._clock()
        condition = and_(in_scope(scope), *_conditions(wanted, now))
        descending = wanted.sort.startswith("-")
        if (field := wanted.sort.removeprefix("-")) not in SORTS:
            raise InvalidRequest(f"sort: {field[:40]!r} is none of {', '.join(SORTS)}")
        column = _sort_column(field, now)
        order = (column.desc() if descending else column.asc()).nulls_last()
        async with self._db.read() as connection:
            total = (await connection.execute(select(func.count()).select_from(clusters).where(condition))).scalar_one()
            rows = await connection.execute(
                select(*shown(now))
                .where(condition)
                .order_by(order, clusters.c.name)
                .limit(paging.page_size)
                .offset(paging.offset)
            )
            return [to_cluster(row) for row in rows], total

    async def get(self, scope: Scope, cluster_id: UUID) -> Cluster:
        """One cluster; ClusterNotFound also where it lies outside the scope."""
        return await self._one(scope, clusters.c.id == cluster_id, str(cluster_id))

    async def by_name(self, scope: Scope, name: str) -> Cluster:
        """One cluster by its name."""
        return await self._one(scope, clusters.c.name == name, name)

    async def replace(self, actor: Identity, cluster_id: UUID, data: ClusterReplace, if_match: str | None) -> Cluster:
        """Replace what people may edit.

        Raises:
            PreconditionFailed: somebody else edited it since the caller read it.
            InvalidRequest: the name would change, or the description is wrong.

        """
        check_fields(data, self._policy)
        async with self._db.begin() as tx:
            before = await self._locked(tx, actor, "clusters:write", cluster_id, if_match)
            if data.name is not UNSET and data.name != before.name:
                raise InvalidRequest(f"name: a cluster's name cannot be changed; this one is {before.name!r}")
            _require_cover(actor, "clusters:write", cluster_id, data.labels)
            found = await tx.execute(
                update(clusters)
                .where(clusters.c.id == cluster_id)
                .values(
                    **_columns(data, before.name),
                    version=before.version + 1,
                    updated_at=self._clock(),
                    next_due_at=func.now(),
                )
                .returning(*shown(self._clock()))
            )
            cluster = to_cluster(found.one())
            event = ClusterUpdated(cluster_id=cluster_id, cluster_name=cluster.name, cluster=_public(cluster))
            await self._tell(tx, actor, "cluster.update", event)
        self._on_due()
        return cluster

    async def remove(self, actor: Identity, cluster_id: UUID, if_match: str | None) -> None:
        """Remove a cluster with its credentials and history; the audit trail stays."""
        async with self._db.begin() as tx:
            cluster = await self._locked(tx, actor, "clusters:delete", cluster_id, if_match)
            await tx.execute(delete(health_history).where(health_history.c.cluster_id == cluster_id))
            await tx.execute(delete(clusters).where(clusters.c.id == cluster_id))
            event = ClusterDeleted(cluster_id=cluster_id, cluster_name=cluster.name)
            await self._tell(tx, actor, "cluster.delete", event)

    async def new_webhook(self, actor: Identity, cluster_id: UUID, base_url: str) -> Webhook:
        """A new webhook token; the old one stops working at once."""
        token = WEBHOOK_PREFIX + secrets.token_urlsafe(32)
        async with self._db.begin() as tx:
            cluster = await self._locked(tx, actor, "clusters:write", cluster_id, None)
            await tx.execute(
                update(clusters).where(clusters.c.id == cluster_id).values(webhook_hash=webhook_hash(token))
            )
            await audit.record(tx, actor, "cluster.webhook_token", cluster.name, cluster_id=cluster_id)
        return _webhook(base_url, cluster_id, token)

    async def make_due(self, scope: Scope, cluster_id: UUID) -> Cluster:
        """Check a cluster now."""
        cluster = await self.get(scope, cluster_id)
        async with self._db.begin() as tx:
            await tx.execute(update(clusters).where(clusters.c.id == cluster_id).values(next_due_at=func.now()))
        self._on_due()
        return cluster

    # --- inside -----------------------------------------------------------------------------------------------

    async def _insert(self, tx: AsyncConnection, cluster_id: UUID, data: ClusterCreate, token: str) -> None:
        now = self._clock()
        row = {
            **_columns(data, data.name),
            "id": cluster_id,
            "name": data.name,
            "status": msgspec.to_builtins(Status()),
            "state": Status().state,
            "recent": [],
            "stale_at": now + timedelta(seconds=self._cadence.stale_after_s(data.cluster_type)),
            "version": 1,
            "credentials": {},
            "credential_version": 0,
            "webhook_hash": webhook_hash(token),
            "created_at": now,
            "updated_at": now,
        }
        try:
            await tx.execute(insert(clusters).values(row))
        except IntegrityError as error:
            raise ClusterAlreadyExists(f"a cluster named {data.name!r} is registered; choose another name") from error

    async def _one(self, scope: Scope, condition: ColumnElement[bool], what: str) -> Cluster:
        async with self._db.read() as connection:
            row = (
                await connection.execute(select(*shown(self._clock())).where(condition, in_scope(scope)))
            ).one_or_none()
        if row is None:
            raise ClusterNotFound(f"there is no cluster {what[:80]!r}")
        return to_cluster(row)

    async def _locked(
        self, tx: AsyncConnection, actor: Identity, permission: str, cluster_id: UUID, if_match: str | None
    ) -> Cluster:
        condition = and_(clusters.c.id == cluster_id, in_scope(actor.scope(permission)))
        row = (await tx.execute(select(*shown(self._clock())).where(condition).with_for_update())).one_or_none()
        if row is None:
            raise ClusterNotFound(f"there is no cluster {str(cluster_id)!r}")
        cluster = to_cluster(row)
        if if_match is not None and if_match.strip() not in ("*", etag(cluster.version)):
            raise PreconditionFailed(
                f"the cluster was changed meanwhile: its version is {etag(cluster.version)}, If-Match says "
                f"{if_match[:80]}; read it again and repeat your change"
            )
        return cluster

    async def _tell(self, tx: AsyncConnection, actor: Identity, action: str, event: Event) -> None:
        await publish(tx, to_message(event, source="registry", at=self._clock()))
        await audit.record(tx, actor, action, event.cluster_name, cluster_id=event.cluster_id)


def _require_cover(actor: Identity, permission: str, cluster_id: UUID, labels: dict[str, str]) -> None:
    if not actor.scope(permission).covers(cluster_id, labels):
        raise PermissionDenied(
            f"{actor.subject!r} may not hold a cluster with these labels; its grants do not cover it"
        )


def _columns(fields: ClusterFields, name: str) -> dict[str, Any]:
    columns: dict[str, Any] = {
        field: msgspec.to_builtins(getattr(fields, field)) for field in ClusterFields.__struct_fields__
    }
    return {**columns, "display_name": fields.display_name or name}


def _sort_column(field: str, now: datetime) -> ColumnElement[Any]:
    if field == "state":
        return told_state(now)
    if field == "health_score":
        score: ColumnElement[Any] = clusters.c.status["health_score"].as_integer()
        return score
    column: ColumnElement[Any] = clusters.c[field]
    return column


def _conditions(wanted: ClusterFilter, now: datetime) -> list[ColumnElement[Any]]:
    conditions: list[ColumnElement[Any]] = [
        clusters.c[field] == value
        for field in ("cluster_type", "environment", "region")
        if (value := getattr(wanted, field)) is not None
    ]
    if wanted.state is not None:
        conditions.append(told_state(now) == wanted.state)
    if wanted.name is not None:
        conditions.append(clusters.c.name.icontains(wanted.name, autoescape=True))
    if wanted.search is not None:
        conditions.append(
            or_(
                *(
                    column.icontains(wanted.search, autoescape=True)
                    for column in (clusters.c.name, clusters.c.display_name, clusters.c.region)
                )
            )
        )
    for field, key in (("has_gpu", "has_gpu_nodes"), ("has_cnf", "has_cnf_workloads")):
        if (value := getattr(wanted, field)) is not None:
            conditions.append(clusters.c.capabilities.contains({key: value}))
    for label in wanted.labels:
        key, separator, value = label.partition("=")
        if not separator:
            raise InvalidRequest(f"label: write key=value, not {label[:80]!r}")
        conditions.append(clusters.c.labels.contains({key: value}))
    return conditions


def _cluster(row: Row[Any]) -> Cluster:
    return as_struct(row, Cluster)


def _public(cluster: Cluster) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(cluster)
    return found


def _webhook(base_url: str, cluster_id: UUID, token: str) -> Webhook:
    return Webhook(f"{base_url.rstrip('/')}/api/v1/alerts/webhook/{cluster_id}", token)


def webhook_hash(token: str) -> str:
    """What is stored of a webhook token: 32 random bytes need no salt and no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()
