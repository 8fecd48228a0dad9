"""Clusters and their health history."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE clusters (
            id uuid PRIMARY KEY,
            name text NOT NULL UNIQUE,
            display_name text NOT NULL,
            api_server_url text,
            cluster_type text NOT NULL,
            platform text NOT NULL,
            platform_version text,
            region text,
            environment text NOT NULL,
            labels jsonb NOT NULL,
            endpoints jsonb NOT NULL,
            capabilities jsonb,
            status jsonb NOT NULL,
            state text NOT NULL,
            recent jsonb NOT NULL,
            period jsonb,
            stale_at timestamptz NOT NULL,
            version integer NOT NULL,
            credentials jsonb NOT NULL,
            credential_info jsonb,
            credential_ca text,
            credential_version integer NOT NULL,
            webhook_hash text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            last_seen_at timestamptz,
            next_due_at timestamptz NOT NULL DEFAULT now(),
            claimed_until timestamptz
        );
        CREATE INDEX clusters_next_due_at ON clusters (next_due_at);
        CREATE INDEX clusters_labels ON clusters USING gin (labels);

        CREATE TABLE health_history (
            id uuid PRIMARY KEY,
            cluster_id uuid NOT NULL,
            observed_at timestamptz NOT NULL,
            kind text NOT NULL,
            state text NOT NULL,
            health_score integer,
            reason text NOT NULL,
            checks jsonb NOT NULL
        );
        CREATE INDEX health_history_cluster_id ON health_history (cluster_id, observed_at);
        CREATE INDEX health_history_observed_at ON health_history (observed_at);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE health_history; DROP TABLE clusters;")
