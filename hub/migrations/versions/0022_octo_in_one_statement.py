"""A booking of OCTO: what a confirm says of it is written beside the order."""

from alembic import op
from sqlalchemy import text

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Its own page is written again; its hold, in the same batch, knows the world.
LIGHTER = """
ALTER TABLE octo_booking SET (fillfactor = 70);
ALTER TABLE octo_booking DROP CONSTRAINT fk_octo_booking_world;
DROP INDEX ix_octo_booking_reseller_reference, ix_octo_booking_cart_id;
CREATE INDEX ix_octo_booking_reseller_reference
    ON octo_booking (agent_id, reseller_reference) WHERE reseller_reference IS NOT NULL;
CREATE INDEX ix_octo_booking_cart_id ON octo_booking (cart_id)
    WHERE cart_id IS NOT NULL;
"""
AS_BEFORE = """
ALTER TABLE octo_booking RESET (fillfactor);
ALTER TABLE octo_booking ADD CONSTRAINT fk_octo_booking_world
    FOREIGN KEY (world) REFERENCES world (name);
DROP INDEX ix_octo_booking_reseller_reference, ix_octo_booking_cart_id;
CREATE INDEX ix_octo_booking_reseller_reference
    ON octo_booking (agent_id, reseller_reference);
CREATE INDEX ix_octo_booking_cart_id ON octo_booking (cart_id);
"""
# A uuid that is taken is an error: who sent it again finds out whose it is. It is not
# taken by what its supplier refused, if the same is wanted again.
NOTE = """
DROP FUNCTION note_octo_bookings(json);
CREATE FUNCTION note_octo_bookings(bookings json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE made int; again int;
BEGIN
    INSERT INTO octo_booking (agent_id, uuid, world, hold_id, digest,
        reseller_reference, local_on, cart_id, said, created_at, changed_at)
    SELECT b.agent, b.uuid, b.world, b.hold, decode(b.digest, 'hex'), b.reference,
        b."on", b.cart, b.said, b.at, b.at
    FROM json_to_recordset(bookings) AS b(agent uuid, uuid uuid, world text, hold uuid,
        digest text, reference text, "on" date, cart uuid, said jsonb, at timestamptz)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    IF made < json_array_length(bookings) THEN
        UPDATE octo_booking AS o SET hold_id = b.hold, said = b.said,
            created_at = b.at, changed_at = b.at
        FROM json_to_recordset(bookings) AS b(agent uuid, uuid uuid, hold uuid,
            digest text, said jsonb, at timestamptz), hold h
        WHERE o.agent_id = b.agent AND o.uuid = b.uuid AND o.hold_id <> b.hold
            AND o.digest = decode(b.digest, 'hex')
            AND h.id = o.hold_id AND h.state = 'rejected';
        GET DIAGNOSTICS again = ROW_COUNT;
        IF made + again < json_array_length(bookings) THEN
            RAISE unique_violation USING MESSAGE = 'a booking has this uuid',
                CONSTRAINT = 'pk_octo_booking';
        END IF;
    END IF;
END $$
"""
NOTE_BEFORE = """
DROP FUNCTION note_octo_bookings(json);
CREATE FUNCTION note_octo_bookings(bookings json) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO octo_booking (agent_id, uuid, world, hold_id, digest,
        reseller_reference, local_on, cart_id, said, created_at, changed_at)
    SELECT agent, uuid, world, hold, decode(digest, 'hex'), reference, "on", cart, said,
        at, at FROM json_to_recordset(bookings) AS b(agent uuid, uuid uuid, world text,
        hold uuid, digest text, reference text, "on" date, cart uuid, said jsonb,
        at timestamptz)
    ON CONFLICT DO NOTHING
$$
"""
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
    op.execute(text(LIGHTER))
    op.execute(text(NOTE))
    op.execute(text(SAY))


def downgrade() -> None:
    op.execute(text("DROP FUNCTION say_octo_bookings"))
    op.execute(text(NOTE_BEFORE))
    op.execute(text(AS_BEFORE))
