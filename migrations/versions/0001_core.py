"""The outbox, the audit trail and the job queue."""

from pathlib import Path
from typing import Any

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JOB_QUEUE = Path(__file__).parents[1] / "procrastinate_3_10.sql"


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

        CREATE TABLE audit_log (
            id uuid PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            actor text NOT NULL,
            actor_kind text NOT NULL,
            action text NOT NULL,
            resource text NOT NULL,
            cluster_id uuid,
            outcome text NOT NULL,
            details jsonb NOT NULL,
            trace_id text NOT NULL
        );
        CREATE INDEX audit_log_at ON audit_log (at, id);
        CREATE INDEX audit_log_cluster_id ON audit_log (cluster_id, at);

        CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND current_setting('aiops.audit_expiring', true) = 'on' THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$;
        CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
            FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

        CREATE FUNCTION audit_log_expire(before timestamptz, at_most integer) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            removed bigint;
        BEGIN
            IF before > clock_timestamp() - interval '1 day' THEN
                RAISE EXCEPTION 'audit entries are kept for at least one day';
            END IF;
            PERFORM set_config('aiops.audit_expiring', 'on', true);
            DELETE FROM audit_log WHERE id IN (
                SELECT id FROM audit_log WHERE at < before ORDER BY at, id LIMIT at_most
            );
            GET DIAGNOSTICS removed = ROW_COUNT;
            PERFORM set_config('aiops.audit_expiring', 'off', true);
            RETURN removed;
        END $$;
        """
    )
    # Many statements and percent signs: sent as they are, past SQLAlchemy's and the driver's parameters.
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute(JOB_QUEUE.read_bytes())


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers
            CASCADE;
        DO $$
        DECLARE
            one record;
        BEGIN
            FOR one IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
                EXECUTE 'DROP FUNCTION ' || one.name || ' CASCADE';
            END LOOP;
        END $$;
        DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
        DROP FUNCTION audit_log_expire(timestamptz, integer);
        DROP TABLE audit_log;
        DROP FUNCTION audit_log_is_append_only();
        DROP TABLE outbox_state;
        DROP TABLE outbox;
        """
    )
