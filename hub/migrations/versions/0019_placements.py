"""Where to sit, as a supplier prints it that chooses the seats itself."""

from alembic import op
from sqlalchemy import text

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ADD = "ALTER TABLE ticket ADD COLUMN placement text"
GRANT = "GRANT UPDATE (placement) ON ticket TO hub_app"
DROP = "ALTER TABLE ticket DROP COLUMN placement"


def upgrade() -> None:
    op.execute(text(ADD))
    op.execute(text(GRANT))


def downgrade() -> None:
    op.execute(text(DROP))
