"""Tickets that are sent: methods of delivery, and shipments."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE delivery_method (
    id uuid CONSTRAINT pk_delivery_method PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_delivery_method_world REFERENCES world (name),
    ref text NOT NULL,
    kind text NOT NULL CONSTRAINT ck_delivery_method_kind
        CHECK (kind IN ('post', 'courier', 'collect')),
    name jsonb NOT NULL,
    countries text[] NOT NULL,
    ends_before_h integer NOT NULL,
    is_offered boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT uq_delivery_method_world_ref UNIQUE (world, ref)
);
CREATE TABLE shipment (
    id uuid CONSTRAINT pk_shipment PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_shipment_world REFERENCES world (name),
    order_id uuid NOT NULL CONSTRAINT fk_shipment_order_id REFERENCES sale_order (id),
    method_id uuid NOT NULL
        CONSTRAINT fk_shipment_method_id REFERENCES delivery_method (id),
    address jsonb NOT NULL,
    entry_id uuid NOT NULL CONSTRAINT fk_shipment_entry_id REFERENCES journal_entry (id),
    fee_minor bigint NOT NULL,
    currency text NOT NULL,
    asked_at timestamptz NOT NULL,
    carrier text,
    tracking text,
    dispatched_at timestamptz,
    CONSTRAINT uq_shipment_order_id UNIQUE (order_id),
    CONSTRAINT ck_shipment_dispatched
        CHECK ((dispatched_at IS NULL) = (carrier IS NULL))
);
CREATE INDEX ix_shipment_waiting ON shipment (world, id) WHERE dispatched_at IS NULL;
GRANT SELECT, INSERT, UPDATE (name, countries, ends_before_h, is_offered)
    ON delivery_method TO hub_app;
GRANT SELECT, INSERT, UPDATE (address, carrier, tracking, dispatched_at)
    ON shipment TO hub_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
