"""An agent's holds of a day are found by an index."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_hold_recent ON hold (agent_id, id)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_hold_recent")
