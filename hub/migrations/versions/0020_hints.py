"""Suppliers hint that something is new: a source is read soon, not only in its turn."""

from alembic import op
from sqlalchemy import text

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ADD = (
    "ALTER TABLE source ADD COLUMN hint_token text NOT NULL"
    " DEFAULT replace(gen_random_uuid()::text, '-', ''),"
    " ADD COLUMN hinted_at timestamptz,"
    " ADD CONSTRAINT uq_source_hint_token UNIQUE (hint_token)"
)
DROP = "ALTER TABLE source DROP COLUMN hinted_at, DROP COLUMN hint_token"


def upgrade() -> None:
    op.execute(text(ADD))


def downgrade() -> None:
    op.execute(text(DROP))
