"""The registry's public routes."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from aiops.core.audit import AuditEntry, Filter, Outcome
from aiops.core.clock import aware
from aiops.core.identity import Identity
from aiops.core.peer import HOP_HEADER
from aiops.core.web import Page, Paging, etag, page_of, requires
from aiops.registry.clusters import ClusterFilter, Clusters
from aiops.registry.credentials import Credentials
from aiops.registry.fleet import Fleet, FleetSummary
from aiops.registry.model import (
    Cluster,
    ClusterCreate,
    ClusterReplace,
    ClusterType,
    CredentialsIn,
    CredentialsStored,
    Environment,
    HistoryItem,
    RegisteredCluster,
    State,
    Status,
    Webhook,
)
from aiops.registry.trail import Trail

READ = "clusters:read"


def router(clusters: Clusters, credentials: Credentials, fleet: Fleet, trail: Trail, public_url: str) -> Router:
    """Everything under /api/v1/clusters, /api/v1/fleet and /api/v1/audit."""
    return Router(
        "/api/v1",
        route_handlers=[
            *_collection(clusters, public_url),
            *_one(clusters, fleet),
            *_secrets(clusters, credentials, public_url),
            _summary(fleet),
            _audit(trail),
        ],
        tags=["clusters"],
    )


def _base(request: Request[Any, Any, Any], public_url: str) -> str:
    """Where the caller reached the hub; behind the gateway, which alone can sign a hop, it says so."""
    if public_url:
        return public_url
    headers = request.headers
    if HOP_HEADER in headers and "x-forwarded-host" in headers:
        return f"{headers.get('x-forwarded-proto', 'http')}://{headers['x-forwarded-host']}"
    return f"{request.scope['scheme']}://{headers.get('host', 'localhost')}"


def _tagged(cluster: Cluster) -> Response[Cluster]:
    return Response(cluster, headers={"ETag": etag(cluster.version)})


def _collection(clusters: Clusters, public_url: str) -> list[HTTPRouteHandler]:
    @post("/clusters", guards=[requires("clusters:write")])
    async def register_cluster(
        data: JSONBody[ClusterCreate], identity: NamedDependency[Identity], request: Request[Any, Any, Any]
    ) -> Response[RegisteredCluster]:
        found = await clusters.register(identity, data, _base(request, public_url))
        headers = {"Location": f"/api/v1/clusters/{found.id}", "ETag": etag(found.version)}
        return Response(found, status_code=201, headers=headers)

    @get("/clusters", guards=[requires(READ)])
    async def list_clusters(  # noqa: PLR0913, PLR0917 - the contract's filters
        identity: NamedDependency[Identity],
        paging: NamedDependency[Paging],
        name: FromQuery[str | None] = None,
        search: FromQuery[str | None] = None,
        cluster_type: FromQuery[ClusterType | None] = None,
        environment: FromQuery[Environment | None] = None,
        region: FromQuery[str | None] = None,
        cluster_state: Annotated[State | None, QueryParameter(name="state")] = None,
        has_gpu: FromQuery[bool | None] = None,
        has_cnf: FromQuery[bool | None] = None,
        label: FromQuery[list[str] | None] = None,
        sort: FromQuery[str] = "name",
    ) -> Page[Cluster]:
        wanted = ClusterFilter(
            name,
            search,
            cluster_type,
            environment,
            region,
            cluster_state,
            has_gpu,
            has_cnf,
            tuple(label or ()),
            sort,
        )
        items, total = await clusters.page(identity.scope(READ), wanted, paging)
        return page_of(items, total, paging)

    @get("/clusters/by-name/{name:str}", guards=[requires(READ)])
    async def cluster_by_name(name: FromPath[str], identity: NamedDependency[Identity]) -> Response[Cluster]:
        return _tagged(await clusters.by_name(identity.scope(READ), name))

    return [register_cluster, list_clusters, cluster_by_name]


def _one(clusters: Clusters, fleet: Fleet) -> list[HTTPRouteHandler]:
    @get("/clusters/{cluster_id:uuid}", guards=[requires(READ)])
    async def get_cluster(cluster_id: FromPath[UUID], identity: NamedDependency[Identity]) -> Response[Cluster]:
        return _tagged(await clusters.get(identity.scope(READ), cluster_id))

    @put("/clusters/{cluster_id:uuid}", guards=[requires("clusters:write")])
    async def replace_cluster(
        cluster_id: FromPath[UUID],
        data: JSONBody[ClusterReplace],
        identity: NamedDependency[Identity],
        request: Request[Any, Any, Any],
    ) -> Response[Cluster]:
        return _tagged(await clusters.replace(identity, cluster_id, data, request.headers.get("if-match")))

    @delete("/clusters/{cluster_id:uuid}", guards=[requires("clusters:delete")])
    async def remove_cluster(
        cluster_id: FromPath[UUID], identity: NamedDependency[Identity], request: Request[Any, Any, Any]
    ) -> None:
        await clusters.remove(identity, cluster_id, request.headers.get("if-match"))

    @get("/clusters/{cluster_id:uuid}/status", guards=[requires(READ)])
    async def cluster_status(cluster_id: FromPath[UUID], identity: NamedDependency[Identity]) -> Status:
        return (await clusters.get(identity.scope(READ), cluster_id)).status

    @post("/clusters/{cluster_id:uuid}/refresh", guards=[requires("clusters:write")], status_code=202)
    async def refresh_cluster(cluster_id: FromPath[UUID], identity: NamedDependency[Identity]) -> Cluster:
        return await clusters.make_due(identity.scope("clusters:write"), cluster_id)

    @get("/clusters/{cluster_id:uuid}/health-history", guards=[requires(READ)])
    async def health_history(
        cluster_id: FromPath[UUID], identity: NamedDependency[Identity], paging: NamedDependency[Paging]
    ) -> Page[HistoryItem]:
        cluster = await clusters.get(identity.scope(READ), cluster_id)
        items, total = await fleet.history(cluster.id, paging)
        return page_of(items, total, paging)

    return [get_cluster, replace_cluster, remove_cluster, cluster_status, refresh_cluster, health_history]


def _secrets(clusters: Clusters, credentials: Credentials, public_url: str) -> list[HTTPRouteHandler]:
    @post("/clusters/{cluster_id:uuid}/webhook-token", guards=[requires("clusters:write")])
    async def new_webhook_token(
        cluster_id: FromPath[UUID], identity: NamedDependency[Identity], request: Request[Any, Any, Any]
    ) -> Webhook:
        return await clusters.new_webhook(identity, cluster_id, _base(request, public_url))

    @post("/clusters/{cluster_id:uuid}/credentials", guards=[requires("credentials:write")])
    async def store_credentials(
        cluster_id: FromPath[UUID], data: JSONBody[CredentialsIn], identity: NamedDependency[Identity]
    ) -> CredentialsStored:
        return await credentials.store(identity, cluster_id, data)

    @delete("/clusters/{cluster_id:uuid}/credentials", guards=[requires("credentials:write")])
    async def remove_credentials(cluster_id: FromPath[UUID], identity: NamedDependency[Identity]) -> None:
        await credentials.remove(identity, cluster_id)

    return [new_webhook_token, store_credentials, remove_credentials]


def _summary(fleet: Fleet) -> HTTPRouteHandler:
    @get("/fleet/summary", guards=[requires("fleet:read")])
    async def fleet_summary(identity: NamedDependency[Identity]) -> FleetSummary:
        return await fleet.summary(identity.scope("fleet:read"))

    return fleet_summary


def _audit(trail: Trail) -> HTTPRouteHandler:
    @get("/audit", guards=[requires("audit:read")])
    async def list_audit(  # noqa: PLR0913, PLR0917 - one parameter of the query each
        identity: NamedDependency[Identity],
        paging: NamedDependency[Paging],
        cluster_id: FromQuery[UUID | None] = None,
        actor: FromQuery[str | None] = None,
        action: FromQuery[str | None] = None,
        resource: FromQuery[str | None] = None,
        outcome: FromQuery[Outcome | None] = None,
        start_time: FromQuery[datetime | None] = None,
        end_time: FromQuery[datetime | None] = None,
    ) -> Page[AuditEntry]:
        """Who did what, newest first; filters are exact, `end_time` is excluded."""
        identity.require_everything("audit:read")
        aware(start_time, "start_time")
        aware(end_time, "end_time")
        clusters = None if cluster_id is None else (cluster_id,)
        wanted = Filter(actor, action, resource, clusters, outcome, start_time, end_time)
        items, total = await trail.page(wanted, paging)
        return page_of(items, total, paging)

    return list_audit
