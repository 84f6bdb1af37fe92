"""Suppliers that are asked: sources, syncs, what is left there, and sales by their word."""

from alembic import op
from sqlalchemy import text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SOURCES = """
CREATE TABLE source (
    id uuid CONSTRAINT pk_source PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_source_world REFERENCES world (name),
    supplier_id uuid NOT NULL CONSTRAINT fk_source_supplier_id REFERENCES partner (id),
    feed_id uuid NOT NULL CONSTRAINT fk_source_feed_id REFERENCES feed (id),
    name text NOT NULL,
    kind text NOT NULL,
    url text NOT NULL,
    settings jsonb NOT NULL,
    credentials bytea NOT NULL,
    is_live boolean NOT NULL,
    version integer NOT NULL,
    is_stopped boolean NOT NULL DEFAULT false,
    stopped_because text,
    every_s integer NOT NULL CONSTRAINT ck_source_every CHECK (every_s >= 1),
    connect_ms integer NOT NULL CONSTRAINT ck_source_connect CHECK (connect_ms > 0),
    operation_ms integer NOT NULL CONSTRAINT ck_source_operation CHECK (operation_ms > 0),
    at_once integer NOT NULL CONSTRAINT ck_source_at_once CHECK (at_once > 0),
    reads_per_minute integer NOT NULL
        CONSTRAINT ck_source_reads CHECK (reads_per_minute >= 0),
    tolerance_minor bigint NOT NULL
        CONSTRAINT ck_source_tolerance CHECK (tolerance_minor >= 0),
    mark text,
    next_sync_at timestamptz,
    leased_until timestamptz,
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT uq_source_supplier_id_name UNIQUE (supplier_id, name),
    CONSTRAINT uq_source_feed_id UNIQUE (feed_id)
);
CREATE INDEX ix_source_next_sync_at ON source (next_sync_at);
GRANT SELECT, INSERT, UPDATE ON source TO hub_app;

CREATE TABLE source_sync (
    id uuid CONSTRAINT pk_source_sync PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_source_sync_world REFERENCES world (name),
    source_id uuid NOT NULL CONSTRAINT fk_source_sync_source_id REFERENCES source (id),
    state text NOT NULL CONSTRAINT ck_source_sync_state CHECK (state IN
        ('running', 'done', 'failed', 'quarantined', 'let-in', 'discarded')),
    is_thorough boolean NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    venues integer NOT NULL DEFAULT 0,
    venues_failed integer NOT NULL DEFAULT 0,
    performances integer NOT NULL DEFAULT 0,
    changed integer NOT NULL DEFAULT 0,
    missing integer NOT NULL DEFAULT 0,
    withdrawn integer NOT NULL DEFAULT 0,
    would_withdraw text[] NOT NULL DEFAULT '{}',
    error text,
    decided_by uuid CONSTRAINT fk_source_sync_decided_by REFERENCES credential (id)
);
CREATE INDEX ix_source_sync_source_id ON source_sync (source_id, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON source_sync TO hub_app;

CREATE TABLE source_venue (
    source_id uuid NOT NULL CONSTRAINT fk_source_venue_source_id REFERENCES source (id),
    ref text NOT NULL,
    mark text,
    digest bytea,
    sync_id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    missing text[] NOT NULL DEFAULT '{}',
    error text,
    CONSTRAINT pk_source_venue PRIMARY KEY (source_id, ref)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON source_venue TO hub_app;

CREATE TABLE source_measured (
    source_id uuid NOT NULL
        CONSTRAINT fk_source_measured_source_id REFERENCES source (id),
    hour timestamptz NOT NULL,
    calls integer NOT NULL,
    errors integer NOT NULL,
    unknown integer NOT NULL,
    buckets integer[] NOT NULL,
    clock_offset_s double precision,
    CONSTRAINT pk_source_measured PRIMARY KEY (source_id, hour)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON source_measured TO hub_app;

CREATE TABLE supply (
    performance_id uuid CONSTRAINT pk_supply PRIMARY KEY
        CONSTRAINT fk_supply_performance_id REFERENCES performance (id),
    left_by_area jsonb NOT NULL,
    is_on_sale boolean NOT NULL,
    as_of timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON supply TO hub_app;

ALTER TABLE performance ADD source_id uuid;
ALTER TABLE seat ADD code text;
ALTER TABLE offer ADD code text;
"""

SALES = """
ALTER TABLE hold ADD is_frozen boolean NOT NULL DEFAULT false;
ALTER TABLE hold DROP CONSTRAINT ck_hold_kind;
ALTER TABLE hold ADD CONSTRAINT ck_hold_kind
    CHECK (kind IN ('hold', 'option', 'request', 'report', 'live'));
GRANT DELETE ON hold_line TO hub_app;
ALTER TABLE sale_order ADD not_sold jsonb NOT NULL DEFAULT '[]';
GRANT UPDATE (not_sold) ON sale_order TO hub_app;
DROP INDEX uq_ticket_code;
CREATE UNIQUE INDEX uq_ticket_code ON ticket (code, performance_id) WHERE NOT is_shared;

CREATE TABLE supplier_order (
    id uuid CONSTRAINT pk_supplier_order PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_supplier_order_world REFERENCES world (name),
    agent_id uuid NOT NULL CONSTRAINT fk_supplier_order_agent_id REFERENCES partner (id),
    hold_id uuid NOT NULL,
    source_id uuid NOT NULL
        CONSTRAINT fk_supplier_order_source_id REFERENCES source (id),
    performance_id uuid NOT NULL
        CONSTRAINT fk_supplier_order_performance_id REFERENCES performance (id),
    state text NOT NULL CONSTRAINT ck_supplier_order_state CHECK (state IN
        ('locking', 'locked', 'selling', 'unknown', 'sold', 'undoing', 'cancelling',
         'ended')),
    wanted jsonb NOT NULL,
    theirs text,
    lock_until timestamptz,
    sold jsonb,
    reason text,
    said text,
    cancelling jsonb,
    attempts integer NOT NULL DEFAULT 0,
    fence integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    next_at timestamptz,
    case_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT uq_supplier_order_hold_id_performance_id UNIQUE (hold_id, performance_id)
);
CREATE INDEX ix_supplier_order_next_at ON supplier_order (next_at)
    WHERE next_at IS NOT NULL;
CREATE INDEX ix_supplier_order_case_since ON supplier_order (case_since)
    WHERE case_since IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON supplier_order TO hub_app;

CREATE TABLE supplied_sale (
    hold_id uuid CONSTRAINT pk_supplied_sale PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_supplied_sale_world REFERENCES world (name),
    agent_id uuid NOT NULL CONSTRAINT fk_supplied_sale_agent_id REFERENCES partner (id),
    order_id uuid NOT NULL,
    reference text NOT NULL,
    wish jsonb NOT NULL,
    state text NOT NULL CONSTRAINT ck_supplied_sale_state
        CHECK (state IN ('selling', 'unknown', 'confirmed', 'rejected')),
    reason text,
    made_at timestamptz NOT NULL,
    CONSTRAINT uq_supplied_sale_order_id UNIQUE (order_id)
);
CREATE UNIQUE INDEX uq_supplied_sale_reference ON supplied_sale (agent_id, reference)
    WHERE state IN ('selling', 'unknown');
GRANT SELECT, INSERT, UPDATE, DELETE ON supplied_sale TO hub_app;
"""

# What a supplier says no to its agent learns as what others decide.
NOTES = """
DROP TRIGGER hold_answer_is_noted ON hold;
CREATE TRIGGER hold_answer_is_noted AFTER UPDATE OF state ON hold FOR EACH ROW
    WHEN ((OLD.state = 'requested' AND NEW.state <> 'requested')
        OR (NEW.state IN ('voided', 'rejected') AND OLD.state <> NEW.state))
    EXECUTE FUNCTION note_hold();
"""

# A reference is taken by a sale that is under way, too.
READS = [
    (
        "JOIN sale_order o ON (o.agent_id, o.reference) = (w.a, w.r);",
        (
            "JOIN (SELECT agent_id, reference FROM sale_order UNION ALL"
            " SELECT agent_id, reference FROM supplied_sale"
            " WHERE state IN ('selling', 'unknown')) o"
            " ON (o.agent_id, o.reference) = (w.a, w.r);"
        ),
    ),
]


def _change(name: str, pairs: list[tuple[str, str]]) -> None:
    """Replace parts of a function of the database."""
    bind = op.get_bind()
    found = text("SELECT pg_get_functiondef(CAST(:name AS regproc))")
    said = bind.scalar(found, {"name": name})
    for before, after in pairs:
        if said.count(before) != 1:
            raise RuntimeError(before)
        said = said.replace(before, after)
    bind.exec_driver_sql(said)


def upgrade() -> None:
    op.execute(SOURCES)
    op.execute(SALES)
    op.execute(NOTES)
    _change("lock_sales", READS)
