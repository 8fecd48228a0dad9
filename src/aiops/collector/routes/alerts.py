"""Public paths of alerts: what Alertmanagers post, and what people read."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, QueryParameter

from aiops.collector import times
from aiops.collector.alerts import webhook
from aiops.collector.alerts.apply import AlertIntake, Applied
from aiops.collector.alerts.filters import AlertFilter, label_pairs
from aiops.collector.alerts.model import Alert, AlertState, Severity
from aiops.collector.alerts.views import AlertGroup, AlertSummary, AlertTransition, AlertViews, GroupBy
from aiops.collector.meters import Meters
from aiops.core.clock import Clock
from aiops.core.errors import AiopsError, AuthRequired
from aiops.core.identity import Identity
from aiops.core.web import Page, Paging, parse_ids, public, requires
from aiops.ports.registry import Registry, WebhookCall

PERMISSION = "alerts:read"
_BEARER = "bearer "

States = Annotated[list[AlertState] | None, QueryParameter(name="state")]
Severities = Annotated[list[Severity] | None, QueryParameter(name="severity")]
Labels = Annotated[list[str] | None, QueryParameter(name="label", description="key=value; repeated: all of them hold")]
Search = Annotated[str | None, QueryParameter(max_length=200, description="Part of name, message, cluster or labels")]


def _provide_filter(
    states: States = None,
    severities: Severities = None,
    cluster_ids: FromQuery[list[str] | None] = None,
    namespace: FromQuery[str | None] = None,
    alertname: FromQuery[str | None] = None,
    labels: Labels = None,
    search: Search = None,
) -> AlertFilter:
    """Dependency `wanted`."""
    return AlertFilter(
        states=tuple(states or ()),
        severities=tuple(severities or ()),
        cluster_ids=parse_ids(cluster_ids),
        namespace=namespace,
        alertname=alertname,
        labels=label_pairs(labels),
        search=search,
    )


def router(views: AlertViews, intake: AlertIntake, registry: Registry, meters: Meters, clock: Clock) -> Router:
    """`/api/v1/alerts`."""

    async def _take(request: Request[Any, Any, Any], cluster_id: UUID) -> Applied:
        header = request.headers.get("authorization", "")
        if not header.lower().startswith(_BEARER):
            raise AuthRequired("send the cluster's webhook token as 'Authorization: Bearer ...'")
        source = await registry.webhook(WebhookCall(cluster_id, header[len(_BEARER) :].strip()))
        return await intake.apply(source, webhook.decode(await request.body()))

    @post(
        "/webhook/{cluster_id:uuid}",
        status_code=200,
        guards=[public("Alertmanagers have no identity here: the cluster's own webhook token is checked inside")],
        summary="Take in an Alertmanager notification (webhook version 4)",
    )
    async def receive(request: Request[Any, Any, Any], cluster_id: FromPath[UUID]) -> Applied:
        try:
            applied = await _take(request, cluster_id)
        except AiopsError as error:
            meters.webhook(error.code.lower())
            raise
        meters.webhook("applied")
        return applied

    @get("/", guards=[requires(PERMISSION)], summary="Alerts, newest first")
    async def page(
        identity: NamedDependency[Identity],
        paging: NamedDependency[Paging],
        wanted: NamedDependency[AlertFilter],
        sort: FromQuery[str] = "-starts_at",
    ) -> Page[Alert]:
        return await views.page(identity.scope(PERMISSION), wanted, sort, paging)

    @get("/history", guards=[requires(PERMISSION)], summary="Transitions, newest first")
    async def history(
        identity: NamedDependency[Identity],
        paging: NamedDependency[Paging],
        wanted: NamedDependency[AlertFilter],
        start_time: FromQuery[datetime | None] = None,
        end_time: FromQuery[datetime | None] = None,
    ) -> Page[AlertTransition]:
        window = times.window(start_time, end_time, clock())
        return await views.history(identity.scope(PERMISSION), wanted, window, paging)

    @get("/summary", guards=[requires(PERMISSION)], summary="Counts by state, severity and cluster")
    async def summary(
        identity: NamedDependency[Identity],
        wanted: NamedDependency[AlertFilter],
    ) -> AlertSummary:
        return await views.summary(identity.scope(PERMISSION), wanted)

    @get("/groups", guards=[requires(PERMISSION)], summary="Alerts by name, cluster, namespace or label set")
    async def groups(
        identity: NamedDependency[Identity],
        paging: NamedDependency[Paging],
        wanted: NamedDependency[AlertFilter],
        by: FromQuery[GroupBy] = GroupBy.ALERTNAME,
    ) -> Page[AlertGroup]:
        return await views.groups(identity.scope(PERMISSION), wanted, by, paging)

    @get("/{alert_id:str}", guards=[requires(PERMISSION)], summary="One alert, by id or fingerprint")
    async def one(alert_id: FromPath[str], identity: NamedDependency[Identity]) -> Alert:
        return await views.get(identity.scope(PERMISSION), alert_id)

    return Router(
        "/api/v1/alerts",
        route_handlers=[receive, page, history, summary, groups, one],
        dependencies={"wanted": Provide(_provide_filter, sync_to_thread=False)},
        tags=["alerts"],
    )
