"""A booking of OCTO: what a confirm says of it is written beside the order."""

from alembic import op
from sqlalchemy import text

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ROOM = "ALTER TABLE octo_booking SET (fillfactor = 70)"  # its own page is written again
SAY = """
CREATE FUNCTION say_octo_bookings(bookings json) RETURNS void LANGUAGE sql AS $$
    UPDATE octo_booking AS b SET said = b.said || n.more,
        reseller_reference = coalesce(n.reference, b.reseller_reference),
        changed_at = n.at
    FROM json_to_recordset(bookings) AS n(agent uuid, uuid uuid, reference text,
        more jsonb, at timestamptz)
    WHERE b.agent_id = n.agent AND b.uuid = n.uuid
$$
"""


def upgrade() -> None:
    op.execute(text(ROOM))
    op.execute(text(SAY))


def downgrade() -> None:
    op.execute(text("DROP FUNCTION say_octo_bookings"))
    op.execute(text("ALTER TABLE octo_booking RESET (fillfactor)"))
