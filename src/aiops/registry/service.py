"""The registry's port, answered in this process."""

import hmac
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, select

from aiops.core.db import Database
from aiops.core.errors import AuthFailed, ClusterNotFound
from aiops.ports.registry import (
    Credential,
    CredentialQuery,
    Endpoint,
    Target,
    TargetQuery,
    Targets,
    WebhookCall,
    WebhookSource,
)
from aiops.registry.clusters import webhook_hash
from aiops.registry.credentials import Vault
from aiops.registry.destinations import destinations
from aiops.registry.model import Endpoints
from aiops.registry.tables import clusters, in_scope
from aiops.registry.verdict import Check


class RegistryService:
    """`ports.registry.Registry` over the registry's own tables."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def targets(self, request: TargetQuery) -> Targets:
        """See the port."""
        condition = in_scope(request.scope)
        if request.cluster_ids:
            condition = and_(condition, clusters.c.id.in_(request.cluster_ids))
        columns = ("id", "name", "labels", "endpoints", "credential_info")
        query = select(*(clusters.c[name] for name in columns)).where(condition).order_by(clusters.c.name)
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        if missing := set(request.cluster_ids) - {row.id for row in rows}:
            raise ClusterNotFound(f"there is no cluster {min(missing)}")
        return Targets(tuple(_target(row) for row in rows))

    async def credential(self, request: CredentialQuery) -> Credential:
        """See the port. A token is given only while its endpoint has the origin that it was stored for."""
        row = await self._row(request.cluster_id, "api_server_url", "endpoints", "credentials", "credential_info")
        if row is None:
            raise ClusterNotFound(f"there is no cluster {request.cluster_id}")
        found = destinations(row.api_server_url, msgspec.convert(row.endpoints, Endpoints))
        # Only what this port gives is opened.
        asked: dict[Check, Endpoint] = {
            check: found[check] for check in (Check.PROMETHEUS, Check.ALERTMANAGER) if check in found
        }
        tokens = self._vault.tokens(request.cluster_id, row.credentials, asked)
        return Credential(
            version=_version(row),
            prometheus_token=tokens.get(Check.PROMETHEUS),
            alertmanager_token=tokens.get(Check.ALERTMANAGER),
        )

    async def webhook(self, request: WebhookCall) -> WebhookSource:
        """See the port."""
        row = await self._row(request.cluster_id, "name", "webhook_hash")
        expected = row.webhook_hash if row is not None else ""
        if not hmac.compare_digest(expected, webhook_hash(request.token)) or row is None:
            raise AuthFailed("the webhook token is not this cluster's; see POST /api/v1/clusters/{id}/webhook-token")
        return WebhookSource(request.cluster_id, row.name)

    async def _row(self, cluster_id: UUID, *columns: str) -> Row[Any] | None:
        query = select(*(clusters.c[name] for name in columns)).where(clusters.c.id == cluster_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).one_or_none()


def _target(row: Row[Any]) -> Target:
    found = destinations(None, msgspec.convert(row.endpoints, Endpoints))
    return Target(
        cluster_id=row.id,
        cluster_name=row.name,
        labels=row.labels,
        metrics=found.get(Check.PROMETHEUS),
        alertmanager=found.get(Check.ALERTMANAGER),
        credential_version=_version(row),
    )


def _version(row: Row[Any]) -> int:
    return 0 if row.credential_info is None else int(row.credential_info["version"])
