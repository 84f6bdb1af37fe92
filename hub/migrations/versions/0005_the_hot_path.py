"""Holds in two calls: all that a batch locks and reads, and all that it writes."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The same few quotes stand on most holds: each is stored once, under its own hash.
QUOTES = """
CREATE TABLE frozen_quote (
    id uuid NOT NULL CONSTRAINT pk_frozen_quote PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_frozen_quote_world REFERENCES world (name),
    agent_contract_id uuid NOT NULL CONSTRAINT fk_frozen_quote_agent_contract_id
        REFERENCES contract (id),
    body jsonb NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_frozen_quote_seen_at ON frozen_quote (seen_at);
ALTER TABLE hold_line ADD quote_id uuid;
UPDATE hold_line SET quote_id = md5(quote::text)::uuid;
INSERT INTO frozen_quote (id, world, agent_contract_id, body)
    SELECT DISTINCT ON (l.quote_id) l.quote_id, h.world,
        (l.quote->'agent'->>'contract_id')::uuid, l.quote
    FROM hold_line l JOIN hold h ON h.id = l.hold_id ORDER BY l.quote_id;
ALTER TABLE hold_line ALTER quote_id SET NOT NULL, DROP COLUMN quote;
GRANT SELECT, INSERT, DELETE, UPDATE (seen_at) ON frozen_quote TO hub_app;
"""

# Statements of a volatile function see what was committed before each began: what is
# read after a lock was waited for is as it is then, as if the statements came alone.
LOCK = """
CREATE FUNCTION lock_holds(wanted json) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v_performances uuid[] := ARRAY(SELECT json_array_elements_text(
        wanted->'performances')::uuid);
    v_suppliers uuid[] := ARRAY(SELECT json_array_elements_text(
        wanted->'suppliers')::uuid);
    v_busy json; v_keys json; v_states json; v_stops json; v_over json; v_nodes json;
    v_taken json; v_among json; v_caps json; v_credit json; v_times json;
BEGIN
    SELECT json_agg(k::text) INTO v_busy FROM json_array_elements_text(wanted->'share') k
    WHERE NOT pg_try_advisory_xact_lock_shared(k::bigint);
    SELECT json_agg(json_build_object('world', i.world, 'owner', i.owner_id,
            'key', i.key, 'digest', encode(i.digest, 'hex'), 'status', i.status,
            'reply', i.reply)) INTO v_keys
    FROM json_to_recordset(wanted->'keys') AS k(w text, o uuid, k text)
    JOIN idempotency_key i ON (i.world, i.owner_id, i.key) = (k.w, k.o, k.k);
    SELECT json_agg(json_build_array(p.id, p.version, p.status,
            p.withdrawn_at IS NOT NULL, p.announce_at, p.on_sale_at, p.cut_off_at,
            p.starts_at, p.ends_at, p.is_open_dated, r.version, t.epoch,
            p.supplier_id)) INTO v_states
    FROM performance p JOIN auditorium r ON r.id = p.auditorium_id
    JOIN tree t ON t.performance_id = p.id WHERE p.id = ANY(v_performances);
    SELECT json_agg(json_build_array(id, supplier_id, performance_id, production_id,
            area, channel, agent_id, price_type, is_hard, reason)) INTO v_stops
    FROM stop WHERE lifted_at IS NULL AND supplier_id = ANY(v_suppliers);
    SELECT json_object_agg(id, overcommitted) INTO v_over FROM node
    WHERE performance_id = ANY(v_performances) AND overcommitted > 0;
    SELECT json_agg(json_build_array(id, path, guarantee, ceiling, taken,
            overcommitted, level, pool_id)) INTO v_nodes
    FROM (SELECT * FROM node
          WHERE id = ANY(ARRAY(SELECT json_array_elements_text(wanted->'nodes')::uuid))
          ORDER BY cardinality(path) DESC, id FOR NO KEY UPDATE) locked;
    IF json_array_length(wanted->'since') > 0 THEN
        SELECT json_agg(json_build_array(t.performance_id, t.seat_id, t.taken_at))
        INTO v_taken FROM json_to_recordset(wanted->'since') AS w(p uuid, at timestamptz)
        JOIN seat_taken t ON t.performance_id = w.p AND t.taken_at >= w.at;
    END IF;
    IF json_array_length(wanted->'among') > 0 THEN
        SELECT json_agg(json_build_array(t.performance_id, t.seat_id)) INTO v_among
        FROM json_to_recordset(wanted->'among') AS w(p uuid, s uuid)
        JOIN seat_taken t ON (t.performance_id, t.seat_id) = (w.p, w.s);
    END IF;
    IF json_array_length(wanted->'caps') > 0 THEN
        INSERT INTO cap_count (id, world, kind, subject, performance_id, taken)
        SELECT id, world, kind, subject, performance_id, 0
        FROM json_to_recordset(wanted->'caps') AS r(id uuid, world text, kind text,
            subject text, performance_id uuid) ORDER BY id ON CONFLICT DO NOTHING;
        SELECT json_object_agg(id, locked.taken) INTO v_caps FROM (
            SELECT c.id, c.taken FROM cap_count c WHERE c.id IN (
                SELECT id FROM json_to_recordset(wanted->'caps') AS r(id uuid))
            ORDER BY c.id FOR NO KEY UPDATE) locked;
    END IF;
    SELECT json_agg(json_build_array(contract_id, world, currency, limit_minor,
            deposit_minor, exposure_minor, reserved_minor, alerted_bp)) INTO v_credit
    FROM (SELECT * FROM credit WHERE contract_id = ANY(ARRAY(
              SELECT json_array_elements_text(wanted->'credit')::uuid))
          ORDER BY contract_id FOR NO KEY UPDATE) locked;
    SELECT json_agg(json_build_array(name, clock_timestamp() + clock_offset, epoch))
    INTO v_times FROM world WHERE name = ANY(ARRAY(
        SELECT json_array_elements_text(wanted->'worlds')));
    RETURN json_build_object('busy', v_busy, 'keys', v_keys, 'states', v_states,
        'stops', v_stops, 'over', v_over, 'nodes', v_nodes, 'taken', v_taken,
        'among', v_among, 'caps', v_caps, 'credit', v_credit, 'times', v_times);
END $$;
"""

WRITE = """
CREATE FUNCTION place_holds(seats json, nodes json, caps json, holds json, lines json,
    keys json, credit json, alerts json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_lost json; v_written int;
BEGIN
    IF json_array_length(place_holds.seats) > 0 THEN
        WITH asked AS (
            SELECT * FROM json_to_recordset(place_holds.seats) AS s(p uuid, s uuid, h uuid)
        ), ours AS (
            INSERT INTO seat_taken (performance_id, seat_id, hold_id)
            SELECT p, s, h FROM asked ORDER BY p, s ON CONFLICT DO NOTHING
            RETURNING performance_id, seat_id)
        SELECT json_agg(json_build_array(p, s)) INTO v_lost FROM asked
        WHERE (p, s) NOT IN (SELECT performance_id, seat_id FROM ours);
        IF v_lost IS NOT NULL THEN
            RAISE EXCEPTION 'another process was faster with a seat'
                USING ERRCODE = 'HB001', DETAIL = v_lost::text;
        END IF;
    END IF;
    UPDATE node SET taken = c.taken, overcommitted = c.over
    FROM json_to_recordset(place_holds.nodes) AS c(id uuid, taken int, over int)
    WHERE node.id = c.id;
    IF json_array_length(place_holds.caps) > 0 THEN
        UPDATE cap_count SET taken = c.taken
        FROM json_to_recordset(place_holds.caps) AS c(id uuid, taken int)
        WHERE cap_count.id = c.id;
    END IF;
    INSERT INTO hold (id, world, agent_id, state, version, expires_at, ttl_s,
        extensions_most, extendable_until, created_at, kind)
    SELECT id, world, agent, 'held', 1, expires_at, ttl, most, until, at, kind
    FROM json_to_recordset(place_holds.holds) AS r(id uuid, world text, agent uuid,
        expires_at timestamptz, ttl int, most int, until timestamptz, at timestamptz,
        kind text)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = hold.version + 1,
        expires_at = excluded.expires_at, created_at = excluded.created_at,
        extendable_until = excluded.extendable_until WHERE hold.state = 'requested';
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written < json_array_length(place_holds.holds) THEN
        RAISE EXCEPTION 'a request was answered before' USING ERRCODE = 'HB002';
    END IF;
    INSERT INTO hold_line (hold_id, no, performance_id, node_id, offer_id, quantity,
        seat_ids, seat_nodes, caps, held_caps, quote_id, owed_minor)
    SELECT hold, no, performance, node, offer, quantity, r.seats, r.nodes, r.caps, held,
        quote, owed FROM json_to_recordset(place_holds.lines) AS r(hold uuid, no int,
        performance uuid, node uuid, offer uuid, quantity int, seats uuid[],
        nodes uuid[], caps uuid[], held uuid[], quote uuid, owed bigint)
    ON CONFLICT (hold_id, no) DO UPDATE SET seat_ids = excluded.seat_ids,
        seat_nodes = excluded.seat_nodes, caps = excluded.caps,
        held_caps = excluded.held_caps, quote_id = excluded.quote_id,
        owed_minor = excluded.owed_minor;
    INSERT INTO idempotency_key (world, owner_id, key, digest, status, reply)
    SELECT w, o, k, decode(d, 'hex'), 201, r FROM json_to_recordset(place_holds.keys)
        AS k(w text, o uuid, k text, d text, r jsonb) ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written < json_array_length(place_holds.keys) THEN
        RAISE EXCEPTION 'another process was faster with a key' USING ERRCODE = 'HB002';
    END IF;
    UPDATE credit AS c SET reserved_minor = r.reserved, alerted_bp = r.alerted
    FROM json_to_recordset(place_holds.credit) AS r(id uuid, reserved bigint, alerted int)
    WHERE c.contract_id = r.id;
    IF json_array_length(place_holds.alerts) > 0 THEN
        INSERT INTO credit_alert (id, world, contract_id, threshold_bp, used_minor,
            usable_minor, reached_at)
        SELECT id, world, contract, bp, used, usable, at
        FROM json_to_recordset(place_holds.alerts) AS a(id uuid, world text, contract uuid,
            bp int, used bigint, usable bigint, at timestamptz);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION lock_holds, place_holds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_holds, place_holds TO hub_app;
"""


def upgrade() -> None:
    op.execute(QUOTES)
    op.execute(LOCK)
    op.execute(WRITE)
