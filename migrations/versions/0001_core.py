"""The outbox and the audit trail."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_id uuid NOT NULL UNIQUE,
            event_type text NOT NULL,
            source text NOT NULL,
            cluster_id uuid,
            timestamp timestamptz NOT NULL,
            payload text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            appended_at timestamptz
        );
        CREATE INDEX outbox_waiting ON outbox (id) WHERE appended_at IS NULL;
        CREATE INDEX outbox_appended_at ON outbox (appended_at);
        CREATE TABLE outbox_state (id smallint PRIMARY KEY, epoch text);
        INSERT INTO outbox_state (id, epoch) VALUES (1, NULL);

        CREATE TABLE audit_log (
            id uuid PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT now(),
            actor text NOT NULL,
            actor_kind text NOT NULL,
            action text NOT NULL,
            resource text NOT NULL,
            cluster_id uuid,
            details jsonb NOT NULL,
            trace_id text NOT NULL
        );
        CREATE INDEX audit_log_at ON audit_log (at, id);
        CREATE INDEX audit_log_cluster_id ON audit_log (cluster_id, at);
        CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$;
        CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
            FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE audit_log;
        DROP FUNCTION audit_log_is_append_only();
        DROP TABLE outbox_state;
        DROP TABLE outbox;
        """
    )
