"""Alerts and their transitions."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE alerts (
            cluster_id uuid NOT NULL,
            fingerprint text NOT NULL,
            id uuid NOT NULL UNIQUE,
            cluster_name text NOT NULL,
            alertname text NOT NULL,
            namespace text,
            severity text NOT NULL,
            state text NOT NULL,
            message text NOT NULL,
            labels jsonb NOT NULL,
            annotations jsonb NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz,
            generator_url text,
            notified_at timestamptz NOT NULL,
            PRIMARY KEY (cluster_id, fingerprint)
        );
        CREATE INDEX alerts_starts_at ON alerts (starts_at, id);
        CREATE INDEX alerts_state ON alerts (state, starts_at);
        CREATE INDEX alerts_fingerprint ON alerts (fingerprint);
        CREATE INDEX alerts_notified_at ON alerts (notified_at);

        CREATE TABLE alert_transitions (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_id uuid NOT NULL UNIQUE,
            at timestamptz NOT NULL,
            alert_id uuid NOT NULL,
            cluster_id uuid NOT NULL,
            cluster_name text NOT NULL,
            fingerprint text NOT NULL,
            alertname text NOT NULL,
            namespace text,
            severity text NOT NULL,
            old_state text,
            new_state text NOT NULL,
            message text NOT NULL,
            labels jsonb NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz
        );
        CREATE INDEX alert_transitions_at ON alert_transitions (at, seq);
        CREATE INDEX alert_transitions_cluster_id ON alert_transitions (cluster_id, at);
        CREATE INDEX alert_transitions_alert_id ON alert_transitions (alert_id, at);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE alert_transitions; DROP TABLE alerts;")
