"""An agent's holds of a day are found by an index; new caps count what was sold."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_hold_recent ON hold (agent_id, id)")
    op.execute("GRANT UPDATE (caps) ON order_line TO hub_app")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (caps) ON order_line FROM hub_app")
    op.execute("DROP INDEX ix_hold_recent")
