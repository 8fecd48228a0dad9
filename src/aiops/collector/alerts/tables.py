"""The alert tables: what stands now, one row per (cluster, fingerprint), and every transition that led there."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata: Final = MetaData()

alerts: Final = Table(
    "alerts",
    metadata,
    Column("cluster_id", Uuid, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("cluster_name", Text, nullable=False),
    Column("alertname", Text, nullable=False),
    Column("namespace", Text),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("annotations", JSONB, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Column("generator_url", Text),
    # When a notification last named it: what nobody speaks of any more can be forgotten.
    Column("notified_at", DateTime(timezone=True), nullable=False),
    Index("alerts_starts_at", "starts_at", "id"),
    Index("alerts_state", "state", "starts_at"),
    Index("alerts_fingerprint", "fingerprint"),
    Index("alerts_notified_at", "notified_at"),
)

alert_transitions: Final = Table(
    "alert_transitions",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("alert_id", Uuid, nullable=False),
    Column("cluster_id", Uuid, nullable=False),
    Column("cluster_name", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("alertname", Text, nullable=False),
    Column("namespace", Text),
    Column("severity", Text, nullable=False),
    Column("old_state", Text),
    Column("new_state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Index("alert_transitions_at", "at", "seq"),
    Index("alert_transitions_cluster_id", "cluster_id", "at"),
    Index("alert_transitions_alert_id", "alert_id", "at"),
)
