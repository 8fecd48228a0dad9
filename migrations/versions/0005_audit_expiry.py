"""Expire the audit trail by an array of ids, which no stale statistics turn into a loop over all entries for each."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE OR REPLACE FUNCTION audit_log_expire(before timestamptz, at_most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    removed bigint;
BEGIN
    IF before > clock_timestamp() - interval '1 day' THEN
        RAISE EXCEPTION 'audit entries are kept for at least one day';
    END IF;
    PERFORM set_config('aiops.audit_expiring', 'on', true);
    DELETE FROM audit_log WHERE id {chosen};
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('aiops.audit_expiring', 'off', true);
    RETURN removed;
END $$;
"""
OLDEST = "SELECT id FROM audit_log WHERE at < before ORDER BY at, id LIMIT at_most"


def upgrade() -> None:
    op.execute(FUNCTION.format(chosen=f"= ANY (ARRAY({OLDEST}))"))


def downgrade() -> None:
    op.execute(FUNCTION.format(chosen=f"IN ({OLDEST})"))
