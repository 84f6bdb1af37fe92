"""Productions and venues are found by words; productions have images."""

import unicodedata

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE production ADD images jsonb NOT NULL DEFAULT '[]',
    ADD search text NOT NULL DEFAULT '';
ALTER TABLE venue ADD search text NOT NULL DEFAULT '';
CREATE INDEX ix_performance_production_id ON performance (production_id, starts_at);
"""

SEARCHED = [
    (
        "SELECT id, title AS said FROM production",
        "UPDATE production SET search = :said WHERE id = :id",
    ),
    (
        "SELECT id, name || jsonb_build_object('city', city) AS said FROM venue",
        "UPDATE venue SET search = :said WHERE id = :id",
    ),
]


def _searchable(*texts: str) -> str:
    """As hub.catalogue.rules.searchable."""
    parts = unicodedata.normalize("NFKD", " ".join(texts))
    plain = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return " ".join(plain.casefold().split())


def upgrade() -> None:
    op.execute(CHANGES)
    bind = op.get_bind()
    for read, write in SEARCHED:
        for row in bind.execute(text(read)).all():
            said = {"id": row.id, "said": _searchable(*row.said.values())}
            bind.execute(text(write), said)
    op.execute("ALTER TABLE production ALTER images DROP DEFAULT")
    op.execute("ALTER TABLE production ALTER search DROP DEFAULT")
    op.execute("ALTER TABLE venue ALTER search DROP DEFAULT")


def downgrade() -> None:
    op.execute("DROP INDEX ix_performance_production_id")
    op.execute("ALTER TABLE venue DROP search")
    op.execute("ALTER TABLE production DROP search, DROP images")
