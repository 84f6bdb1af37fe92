"""Bookings and carts of OCTO: what is only told again, beside holds and orders."""

from alembic import op
from sqlalchemy import text

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE octo_booking (
    agent_id uuid NOT NULL, uuid uuid NOT NULL,
    world text NOT NULL CONSTRAINT fk_octo_booking_world REFERENCES world (name),
    hold_id uuid NOT NULL, digest bytea NOT NULL, reseller_reference text,
    local_on date NOT NULL, cart_id uuid, said jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_octo_booking PRIMARY KEY (agent_id, uuid));
CREATE INDEX ix_octo_booking_hold_id ON octo_booking (hold_id);
CREATE INDEX ix_octo_booking_reseller_reference
    ON octo_booking (agent_id, reseller_reference);
CREATE INDEX ix_octo_booking_local_on ON octo_booking (agent_id, local_on);
CREATE INDEX ix_octo_booking_cart_id ON octo_booking (cart_id);
CREATE TABLE octo_cart (
    agent_id uuid NOT NULL, id uuid NOT NULL,
    world text NOT NULL CONSTRAINT fk_octo_cart_world REFERENCES world (name),
    said jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_octo_cart PRIMARY KEY (agent_id, id));
GRANT SELECT, INSERT, UPDATE ON octo_booking, octo_cart TO hub_app;
"""
NOTE = """
CREATE FUNCTION note_octo_bookings(bookings json) RETURNS void LANGUAGE sql AS $$
    INSERT INTO octo_booking (agent_id, uuid, world, hold_id, digest,
        reseller_reference, local_on, cart_id, said, created_at, changed_at)
    SELECT agent, uuid, world, hold, decode(digest, 'hex'), reference, "on", cart, said,
        at, at FROM json_to_recordset(bookings) AS b(agent uuid, uuid uuid, world text,
        hold uuid, digest text, reference text, "on" date, cart uuid, said jsonb,
        at timestamptz)
    ON CONFLICT DO NOTHING
$$
"""


def upgrade() -> None:
    op.execute(text(TABLES))
    op.execute(text(NOTE))


def downgrade() -> None:
    op.execute(text("DROP FUNCTION note_octo_bookings"))
    op.execute(text("DROP TABLE octo_cart, octo_booking"))
