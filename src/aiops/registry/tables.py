"""The registry's tables."""

from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    false,
    func,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from aiops.core.identity import Scope

metadata: Final = MetaData()

clusters: Final = Table(
    "clusters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("api_server_url", Text),
    Column("cluster_type", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("platform_version", Text),
    Column("region", Text),
    Column("environment", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("endpoints", JSONB, nullable=False),
    Column("capabilities", JSONB(none_as_null=True)),
    Column("status", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("recent", JSONB, nullable=False),
    # The five minutes of history that are being counted.
    Column("period", JSONB(none_as_null=True)),
    # After this moment the state is told as UNKNOWN, whatever is stored.
    Column("stale_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    # field -> {"sealed": ciphertext, "origin": the one origin that it may be sent to}
    Column("credentials", JSONB, nullable=False),
    # What may be told of them; null when none are stored.
    Column("credential_info", JSONB(none_as_null=True)),
    Column("credential_ca", Text),
    # Counts on over a removal, so that a version never comes back.
    Column("credential_version", Integer, nullable=False),
    Column("webhook_hash", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_seen_at", DateTime(timezone=True)),
    Column("next_due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("claimed_until", DateTime(timezone=True)),
    Index("clusters_next_due_at", "next_due_at"),
    Index("clusters_labels", "labels", postgresql_using="gin"),
)

health_history: Final = Table(
    "health_history",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("cluster_id", Uuid, nullable=False),
    Column("observed_at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("health_score", Integer),
    Column("reason", Text, nullable=False),
    Column("checks", JSONB, nullable=False),
    Index("health_history_cluster_id", "cluster_id", "observed_at"),
    Index("health_history_observed_at", "observed_at"),
)


def in_scope(scope: Scope) -> ColumnElement[Any]:
    """The clusters that a caller may touch, as a condition: pages are never filtered afterwards."""
    if scope.everything:
        return true()
    parts: list[ColumnElement[Any]] = [
        clusters.c.id.in_(selector.ids) if selector.ids else clusters.c.labels.contains(selector.labels)
        for selector in scope.selectors
    ]
    return or_(*parts) if parts else false()
