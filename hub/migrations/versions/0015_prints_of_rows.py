"""What a venue told, row by row, and when somebody last looked there."""

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ADD = (
    "ALTER TABLE source_venue ADD COLUMN prints bytea, ADD COLUMN told bytea,"
    " ADD COLUMN whole_at timestamptz, ADD COLUMN looked_at timestamptz"
)
DROP = (
    "ALTER TABLE source_venue DROP COLUMN looked_at, DROP COLUMN whole_at,"
    " DROP COLUMN told, DROP COLUMN prints"
)


def upgrade() -> None:
    op.execute(text(ADD))


def downgrade() -> None:
    op.execute(text(DROP))
