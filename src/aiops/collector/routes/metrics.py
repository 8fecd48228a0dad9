"""Public paths of metrics. Bodies and parameters become questions for the services here; nothing is decided."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Raw, Struct, structs

from aiops.collector import times
from aiops.collector.catalogue import (
    CatalogueQuery,
    CatalogueService,
    MetadataAnswer,
    NamesAnswer,
    SeriesAnswer,
)
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.collector.turns import UserTurns
from aiops.core.clock import Clock
from aiops.core.errors import InvalidRequest
from aiops.core.identity import Identity
from aiops.core.web import parse_ids, requires
from aiops.ports.collector import ClusterStatus, Federation, MetricsAnswer, Mode, RangeQuery, ResultType
from aiops.promql.explain import Explanation

Q = TypeVar("Q", InstantQuery, RangeQuery)

PERMISSION = "metrics:read"
MAX_TIMEOUT_S = 300
# A range without a step gets about this many points, as a graph would draw.
DEFAULT_POINTS = 240
SHORTEST_DEFAULT_STEP_S = 15.0

PromQl = Annotated[str, Meta(min_length=1, max_length=65_536, description="PromQL")]
Time = Annotated[datetime, Meta(tz=True, description="ISO 8601 with a time zone")]
Duration = str | int | float
Match = Annotated[list[str] | None, QueryParameter(name="match[]", description="Series selectors")]
Required = Annotated[list[str], QueryParameter(name="match[]", description="Series selectors; at least one")]
From = Annotated[
    datetime | None, QueryParameter(description="ISO 8601 with a time zone; default: an hour before the end")
]
Until = Annotated[datetime | None, QueryParameter(description="ISO 8601 with a time zone; default: now")]
Limit = Annotated[int | None, QueryParameter(ge=1, le=1_000_000, description="At most so many items")]


class Partial(StrEnum):
    """What happens when a cluster does not answer wholly."""

    ALLOW = "allow"
    DENY = "deny"


class QueryBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One PromQL query at one time; no clusters named means all that the caller may see."""

    query: PromQl
    cluster_ids: tuple[UUID, ...] = ()
    time: Time | None = None
    timeout: Duration = 30
    mode: Mode = Mode.GLOBAL
    partial: Partial = Partial.ALLOW


class RangeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One PromQL query over a range of time."""

    query: PromQl
    cluster_ids: tuple[UUID, ...] = ()
    start_time: Time | None = None
    end_time: Time | None = None
    step: Duration | None = None
    timeout: Duration = 30
    mode: Mode = Mode.GLOBAL
    partial: Partial = Partial.ALLOW


class PlanBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One PromQL query whose plan is wanted; over a range where a start, an end or a step is given."""

    query: PromQl
    cluster_ids: tuple[UUID, ...] = ()
    time: Time | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    step: Duration | None = None
    timeout: Duration = 30


class MetricSeries(Struct, frozen=True):
    """One series: `values` are `[unix seconds, "value"]`, a VECTOR has one; native histograms stand beside."""

    metric: dict[str, str]
    values: list[tuple[float, str]]
    histograms: list[Any] | None = None


class MetricResultView(Struct, frozen=True):
    """One cluster's part of a metric answer; `cluster` (or the configured label) is always in `metric`."""

    cluster_id: UUID | None
    cluster_name: str | None
    status: ClusterStatus
    result_type: ResultType | None
    data: list[MetricSeries]
    error: str | None
    query_time_ms: float | None


class MetricsView(Struct, frozen=True):
    """A federated metric answer."""

    result_type: ResultType | None
    results: list[MetricResultView]
    partial: bool
    warnings: list[str]
    federation: Federation


def _timeout_s(value: Duration) -> float:
    seconds = times.duration_s(value, "timeout")
    if not 1 <= seconds <= MAX_TIMEOUT_S:
        raise InvalidRequest(f"timeout: must be from 1 to {MAX_TIMEOUT_S} s, not {seconds:g} s")
    return seconds


def _raw(answer: MetricsAnswer) -> Response[Any]:
    """Samples are passed on as bytes, so the answer has no decoded form."""
    return Response(Raw(msgspec.json.encode(answer)), media_type="application/json")


def _instant(data: QueryBody | PlanBody, identity: Identity) -> InstantQuery:
    return InstantQuery(
        scope=identity.scope(PERMISSION),
        query=data.query,
        timeout_s=_timeout_s(data.timeout),
        time=data.time,
        cluster_ids=tuple(dict.fromkeys(data.cluster_ids)),
    )


def _range(data: RangeBody | PlanBody, identity: Identity, now: datetime) -> RangeQuery:
    start, end = times.window(data.start_time, data.end_time, now)
    default_s = max(SHORTEST_DEFAULT_STEP_S, (end - start).total_seconds() / DEFAULT_POINTS)
    return RangeQuery(
        scope=identity.scope(PERMISSION),
        query=data.query,
        start_time=start,
        end_time=end,
        step_s=default_s if data.step is None else times.duration_s(data.step, "step"),
        timeout_s=_timeout_s(data.timeout),
        cluster_ids=tuple(dict.fromkeys(data.cluster_ids)),
    )


def _settled(request: Q, data: QueryBody | RangeBody, left_s: float) -> Q:
    deny = data.partial is Partial.DENY
    return structs.replace(request, timeout_s=left_s, deny_partial=deny, mode=data.mode)


def router(metrics: MetricsService, catalogue: CatalogueService, turns: UserTurns, clock: Clock) -> Router:
    """`/api/v1/metrics`."""

    @post("/query", status_code=200, guards=[requires(PERMISSION)], summary="PromQL at one time")
    async def query(data: JSONBody[QueryBody], identity: NamedDependency[Identity]) -> Response[MetricsView]:
        request = _instant(data, identity)
        async with turns.turn(identity, request.timeout_s) as left_s:
            return _raw(await metrics.query(_settled(request, data, left_s)))

    @post("/query_range", status_code=200, guards=[requires(PERMISSION)], summary="PromQL over a range")
    async def query_range(data: JSONBody[RangeBody], identity: NamedDependency[Identity]) -> Response[MetricsView]:
        request = _range(data, identity, clock())
        async with turns.turn(identity, request.timeout_s) as left_s:
            return _raw(await metrics.query_range(_settled(request, data, left_s)))

    @post("/plan", status_code=200, guards=[requires(PERMISSION)], summary="What a query would ask of which cluster")
    async def plan(data: JSONBody[PlanBody], identity: NamedDependency[Identity]) -> Explanation:
        ranged = data.start_time or data.end_time or data.step is not None
        if ranged and data.time is not None:
            raise InvalidRequest("time: give a time, or a range by start_time, end_time and step")
        request = _range(data, identity, clock()) if ranged else _instant(data, identity)
        async with turns.turn(identity, request.timeout_s) as left_s:
            return await metrics.explain(structs.replace(request, timeout_s=left_s))

    @get("/labels", guards=[requires(PERMISSION)], summary="Label names")
    async def labels(
        identity: NamedDependency[Identity], wanted: NamedDependency[CatalogueQuery], match: Match = None
    ) -> NamesAnswer:
        async with turns.turn(identity, wanted.timeout_s) as left_s:
            return await catalogue.labels(structs.replace(wanted, timeout_s=left_s, match=tuple(match or ())))

    @get("/label/{name:str}/values", guards=[requires(PERMISSION)], summary="Values of a label")
    async def label_values(
        name: FromPath[str],
        identity: NamedDependency[Identity],
        wanted: NamedDependency[CatalogueQuery],
        match: Match = None,
    ) -> NamesAnswer:
        async with turns.turn(identity, wanted.timeout_s) as left_s:
            request = structs.replace(wanted, timeout_s=left_s, match=tuple(match or ()))
            return await catalogue.label_values(name, request)

    @get("/series", guards=[requires(PERMISSION)], summary="Series")
    async def series(
        identity: NamedDependency[Identity], wanted: NamedDependency[CatalogueQuery], match: Required
    ) -> SeriesAnswer:
        async with turns.turn(identity, wanted.timeout_s) as left_s:
            return await catalogue.series(structs.replace(wanted, timeout_s=left_s, match=tuple(match)))

    @get("/metadata", guards=[requires(PERMISSION)], summary="Type, help and unit of metrics")
    async def metadata(
        identity: NamedDependency[Identity],
        wanted: NamedDependency[CatalogueQuery],
        metric: FromQuery[str | None] = None,
    ) -> MetadataAnswer:
        async with turns.turn(identity, wanted.timeout_s) as left_s:
            return await catalogue.metadata(metric, structs.replace(wanted, timeout_s=left_s))

    return Router(
        "/api/v1/metrics",
        route_handlers=[query, query_range, plan, labels, label_values, series, metadata],
        dependencies={"wanted": Provide(_provide_catalogue, sync_to_thread=False)},
        tags=["metrics"],
    )


def _provide_catalogue(
    identity: NamedDependency[Identity],
    cluster_ids: FromQuery[list[str] | None] = None,
    start_time: From = None,
    end_time: Until = None,
    limit: Limit = None,
    timeout: FromQuery[str] = "30s",
    partial: FromQuery[Partial] = Partial.ALLOW,
) -> CatalogueQuery:
    """Dependency `wanted`."""
    return CatalogueQuery(
        scope=identity.scope(PERMISSION),
        cluster_ids=parse_ids(cluster_ids),
        start_time=start_time,
        end_time=end_time,
        limit=limit,
        timeout_s=_timeout_s(timeout),
        deny_partial=partial is Partial.DENY,
    )
