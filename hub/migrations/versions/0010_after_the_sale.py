"""Orders follow their performances: refunds, notices, codes, names, resale prices."""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE performance DROP CONSTRAINT ck_performance_status;
ALTER TABLE performance ADD CONSTRAINT ck_performance_status
    CHECK (status IN ('scheduled', 'postponed', 'cancelled')),
    ADD admission text NOT NULL DEFAULT 'ticket',
    ADD names text NOT NULL DEFAULT 'none',
    ADD CONSTRAINT ck_performance_admission CHECK (admission IN ('ticket', 'order')),
    ADD CONSTRAINT ck_performance_names CHECK (names IN ('none', 'order', 'ticket'));
ALTER TABLE offer ADD resale_floor_minor bigint, ADD resale_ceiling_minor bigint,
    ADD CONSTRAINT ck_offer_resale CHECK (resale_floor_minor <= resale_ceiling_minor);

ALTER TABLE sale_order ADD exchanged_from uuid;
ALTER TABLE order_line ADD resale_minor bigint;

ALTER TABLE ticket ADD cancelled_for text, ADD used_at timestamptz, ADD used_at_gate text,
    ADD is_shared boolean NOT NULL DEFAULT false;
UPDATE ticket SET cancelled_for = 'agent' WHERE cancelled_at IS NOT NULL;
ALTER TABLE ticket ADD CONSTRAINT ck_ticket_cancelled CHECK (
        (cancelled_at IS NULL) = (cancelled_for IS NULL)
        AND cancelled_for IN ('agent', 'exchange', 'venue')),
    ADD CONSTRAINT ck_ticket_used CHECK (used_at IS NULL OR cancelled_at IS NULL);
ALTER TABLE ticket DROP CONSTRAINT uq_ticket_code;
CREATE UNIQUE INDEX uq_ticket_code ON ticket (code) WHERE NOT is_shared;
CREATE INDEX ix_ticket_shared_code ON ticket (code) WHERE is_shared;
GRANT UPDATE (cancelled_for, used_at, used_at_gate, code) ON ticket TO hub_app;

CREATE TABLE former_code (
    code text CONSTRAINT pk_former_code PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT fk_former_code_order_id REFERENCES sale_order (id),
    ended_at timestamptz NOT NULL,
    reason text NOT NULL
);
CREATE INDEX ix_former_code_order_id ON former_code (order_id);
GRANT SELECT, INSERT ON former_code TO hub_app;

CREATE TABLE order_person (
    order_id uuid NOT NULL CONSTRAINT fk_order_person_order_id REFERENCES sale_order (id),
    no integer NOT NULL,
    ticket_id uuid,
    performance_id uuid,
    name text NOT NULL,
    id_type text,
    id_number text,
    email text,
    phone text,
    CONSTRAINT pk_order_person PRIMARY KEY (order_id, no)
);
CREATE UNIQUE INDEX uq_order_person_performance_id
    ON order_person (performance_id, id_type, id_number) WHERE performance_id IS NOT NULL;
GRANT SELECT, INSERT, DELETE, UPDATE (performance_id) ON order_person TO hub_app;
"""

NOTICES = """
CREATE TABLE disruption (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_disruption PRIMARY KEY,
    world text NOT NULL,
    performance_id uuid NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL CONSTRAINT ck_disruption_kind
        CHECK (kind IN ('cancelled', 'postponed', 'rescheduled', 'moved', 'reinstated')),
    starts_at_before timestamptz NOT NULL,
    starts_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    told_at timestamptz
);
CREATE INDEX ix_disruption_waiting ON disruption (seq) WHERE told_at IS NULL;
GRANT SELECT, INSERT, UPDATE (told_at) ON disruption TO hub_app;

CREATE TABLE notice (
    id uuid CONSTRAINT pk_notice PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_notice_world REFERENCES world (name),
    disruption_seq bigint NOT NULL
        CONSTRAINT fk_notice_disruption_seq REFERENCES disruption (seq),
    agent_id uuid NOT NULL CONSTRAINT fk_notice_agent_id REFERENCES partner (id),
    performance_id uuid NOT NULL,
    tickets integer NOT NULL,
    made_at timestamptz NOT NULL,
    acknowledge_by timestamptz NOT NULL,
    refund_until timestamptz,
    acknowledged_at timestamptz,
    CONSTRAINT uq_notice_disruption_seq_agent_id UNIQUE (disruption_seq, agent_id)
);
CREATE INDEX ix_notice_agent_id ON notice (agent_id, id);
CREATE INDEX ix_notice_performance_id ON notice (performance_id, agent_id);
GRANT SELECT, INSERT, UPDATE (acknowledged_at) ON notice TO hub_app;

CREATE TABLE refund_run (
    id uuid CONSTRAINT pk_refund_run PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_refund_run_world REFERENCES world (name),
    performance_id uuid NOT NULL
        CONSTRAINT fk_refund_run_performance_id REFERENCES performance (id),
    reason text NOT NULL,
    made_by uuid NOT NULL CONSTRAINT fk_refund_run_made_by REFERENCES credential (id),
    made_at timestamptz NOT NULL,
    orders integer NOT NULL DEFAULT 0,
    tickets integer NOT NULL DEFAULT 0,
    done_at timestamptz
);
CREATE UNIQUE INDEX uq_refund_run_waiting ON refund_run (performance_id)
    WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE (orders, tickets, done_at) ON refund_run TO hub_app;

CREATE FUNCTION note_disruptions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO disruption (world, performance_id, version, kind, starts_at_before,
        starts_at, made_at)
    SELECT n.world, n.id, n.version, CASE
            WHEN n.status = 'cancelled' THEN 'cancelled'
            WHEN n.status = 'postponed' THEN 'postponed'
            WHEN n.starts_at <> o.starts_at THEN 'rescheduled'
            WHEN o.status = 'scheduled' THEN 'moved'
            ELSE 'reinstated' END,
        o.starts_at, n.starts_at, clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN old_rows o ON o.id = n.id JOIN world w ON w.name = n.world
    WHERE n.status <> o.status OR (n.status = 'scheduled'
        AND (n.starts_at, n.auditorium_id) <> (o.starts_at, o.auditorium_id));
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_disruptions FROM PUBLIC;
CREATE TRIGGER performance_disruption_is_noted AFTER UPDATE ON performance
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_disruptions();
"""

# Orders are in the feed too, each for its agent alone.
FEED = """
ALTER TABLE change ADD agent_id uuid;
CREATE INDEX ix_change_public ON change (world, position) WHERE agent_id IS NULL;
CREATE INDEX ix_change_agent_id ON change (agent_id, position)
    WHERE agent_id IS NOT NULL;
CREATE FUNCTION note_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, agent_id, kind, entity_id, version, what, made_at)
    SELECT n.world, n.agent_id, 'order', n.id, n.version, 'changed',
        clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN world w ON w.name = n.world;
    RETURN NULL;
END $$;
CREATE FUNCTION note_notices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, agent_id, kind, entity_id, version, what, made_at)
    SELECT n.world, n.agent_id, 'notice', n.id,
        CASE WHEN n.acknowledged_at IS NULL THEN 1 ELSE 2 END, 'changed',
        clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN world w ON w.name = n.world;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_orders, note_notices FROM PUBLIC;
CREATE TRIGGER order_is_noted AFTER INSERT ON sale_order REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_orders();
CREATE TRIGGER order_change_is_noted AFTER UPDATE ON sale_order
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_orders();
CREATE TRIGGER notice_is_noted AFTER INSERT ON notice REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_notices();
CREATE TRIGGER notice_change_is_noted AFTER UPDATE ON notice
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_notices();

-- What so many cancelled of a line's tickets return of an amount; ties to even.
CREATE FUNCTION returned_of(total bigint, quantity int, cancelled int) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS $$
    SELECT whole + CASE
        WHEN 2 * rest > quantity OR (2 * rest = quantity AND whole % 2 = 1)
        THEN 1 ELSE 0 END
    FROM (SELECT total * cancelled / quantity AS whole,
                 total * cancelled % quantity AS rest) AS divided $$;
-- What remains of a line's amount that only the venue's own cancellations return.
CREATE FUNCTION still_kept(total bigint, line order_line) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT total - coalesce(sum(returned_of(total, line.quantity, before + tickets)
        - returned_of(total, line.quantity, before)), 0)::bigint
    FROM (SELECT e.kind, -e.tickets AS tickets,
            (sum(-e.tickets) OVER (ORDER BY e.sequence) + e.tickets)::int AS before
        FROM journal_entry e WHERE e.order_id = line.order_id AND e.line_no = line.no
        AND e.sequence > 0) facts WHERE kind = 'venue-cancellation' $$;
GRANT EXECUTE ON FUNCTION still_kept, returned_of TO hub_app;
"""

# What a confirm reads and writes beside: who enters by what, and whose names are asked.
READS = [
    ("v_seats json;\n", "v_seats json; v_people json;\n"),
    ("'seats', v_seats)", "'seats', v_seats, 'people', v_people)"),
    (
        "        v_suppliers := v_suppliers || v_sellers;\n",
        (
            "        v_suppliers := v_suppliers || v_sellers;\n"
            "        IF json_array_length(wanted->'people') > 0 THEN\n"
            "            SELECT json_agg(json_build_array(l.performance_id, w.t, w.n)) INTO v_people"
            " FROM json_to_recordset(wanted->'people') AS w(h uuid, t text, n text)\n"
            "            JOIN hold_line l ON l.hold_id = w.h JOIN order_person p"
            " ON (p.performance_id, p.id_type, p.id_number)"
            " = (l.performance_id, w.t, w.n);\n"
            "        END IF;\n"
        ),
    ),
    (
        "SELECT json_object_agg(id, status) INTO v_status FROM performance",
        (
            "SELECT json_object_agg(id, json_build_array(status, admission, names))"
            " INTO v_status FROM performance"
        ),
    ),
    (
        "v.ref, u.ref, s.genre) ORDER BY l.hold_id, l.no),",
        (
            "v.ref, u.ref, s.genre, o.resale_floor_minor, o.resale_ceiling_minor)"
            " ORDER BY l.hold_id, l.no),"
        ),
    ),
]
WRITES = [
    ("totals json)", "totals json, people json)"),
    (
        "INSERT INTO sale_order (id, world, agent_id, hold_id, reference, state, version,",
        (
            "INSERT INTO sale_order (id, world, agent_id, hold_id, reference,"
            " exchanged_from, state, version,"
        ),
    ),
    (
        "SELECT id, world, agent, hold, reference, 'confirmed', 1, at",
        "SELECT id, world, agent, hold, reference, exchanged, 'confirmed', 1, at",
    ),
    (
        "hold uuid, reference text, at timestamptz) ORDER BY agent, reference",
        (
            "hold uuid, reference text, exchanged uuid, at timestamptz)"
            " ORDER BY agent, reference"
        ),
    ),
    (
        "currency, face_minor, booking_fee_minor, caps, quote)",
        "currency, face_minor, booking_fee_minor, caps, quote, resale_minor)",
    ),
    (
        "q.body->>'currency', r.face, r.booking, l.caps, q.body",
        "q.body->>'currency', r.face, r.booking, l.caps, q.body, r.resale",
    ),
    ("face bigint, booking bigint)", "face bigint, booking bigint, resale bigint)"),
    (
        "INSERT INTO ticket (id, order_id, line_no, performance_id, code, seat_id, node_id)",
        (
            "INSERT INTO ticket (id, order_id, line_no, performance_id, code, seat_id,"
            " node_id, is_shared)"
        ),
    ),
    (
        "line_no int, performance_id uuid, code text, seat_id uuid, node_id uuid);",
        (
            "line_no int, performance_id uuid, code text, seat_id uuid, node_id uuid,"
            " is_shared bool);\n"
            "    INSERT INTO order_person (order_id, no, ticket_id, performance_id, name,"
            " id_type, id_number, email, phone)\n"
            "    SELECT * FROM json_to_recordset(place_orders.people) AS p(order_id uuid,"
            " no int, ticket_id uuid, performance_id uuid, name text, id_type text,"
            " id_number text, email text, phone text) ON CONFLICT DO NOTHING;\n"
            "    GET DIAGNOSTICS v_written = ROW_COUNT;\n"
            "    IF v_written < json_array_length(place_orders.people) THEN\n"
            "        RAISE EXCEPTION 'another process was faster with a name'"
            " USING ERRCODE = 'HB002';\n"
            "    END IF;"
        ),
    ),
]


def _change(name: str, pairs: list[tuple[str, str]]) -> None:
    """Replace parts of a function of the database, with its parameters if need be."""
    bind = op.get_bind()
    found = text("SELECT pg_get_functiondef(CAST(:name AS regproc))")
    said = bind.scalar(found, {"name": name})
    op.execute(f"DROP FUNCTION {name}")
    for before, after in pairs:
        if said.count(before) != 1:
            raise RuntimeError(before)
        said = said.replace(before, after)
    bind.exec_driver_sql(said)
    op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO hub_app")


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(NOTICES)
    op.execute(FEED)
    _change("lock_sales", READS)
    _change("place_orders", WRITES)
