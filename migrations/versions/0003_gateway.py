"""API tokens."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE api_tokens (
            id uuid PRIMARY KEY,
            name text NOT NULL,
            role text NOT NULL,
            clusters jsonb NOT NULL,
            secret_hash bytea NOT NULL,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            last_used_at timestamptz
        );
        CREATE INDEX api_tokens_created_at ON api_tokens (created_at, id);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE api_tokens")
