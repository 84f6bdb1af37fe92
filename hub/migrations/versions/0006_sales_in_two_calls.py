"""Holds and confirms in one transaction of two calls, and what plans carry over."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What a request is for is kept as its agent said it; where a node stood and whose it
# was is history too, and of changes so far it is what it is now. A bound is of seats
# kept in all, with the moment of its last stage: what was kept beyond the confirmed is
# counted from what is confirmed now, and what has fired has fired.
COLUMNS = """
ALTER TABLE hold ADD wanted jsonb;
UPDATE hold SET wanted = jsonb_build_object('lines', (
    SELECT jsonb_agg(CASE WHEN l.seat_ids = '{}'
        THEN jsonb_build_object('offer_id', l.offer_id, 'quantity', l.quantity)
        ELSE jsonb_build_object('offer_id', l.offer_id, 'seat_ids', l.seat_ids) END
        ORDER BY l.no)
    FROM hold_line l WHERE l.hold_id = hold.id)) WHERE state = 'requested';
ALTER TABLE node_change DISABLE TRIGGER node_change_is_immutable;
ALTER TABLE node_change ADD agent_before uuid, ADD path_before uuid[],
    ADD pool_before uuid;
UPDATE node_change AS c SET agent_before = n.agent_id, path_before = n.path,
    pool_before = n.pool_id FROM node n WHERE n.id = c.node_id;
UPDATE node_change SET path_before = '{}' WHERE path_before IS NULL;
ALTER TABLE node_change ALTER path_before SET NOT NULL;
ALTER TABLE node_change ENABLE TRIGGER node_change_is_immutable;
UPDATE tree AS t SET bounds = (
    SELECT jsonb_object_agg(b.key, jsonb_build_object(
        'keep', least((b.value->>'keep')::int, (b.value->>'unsold')::int + (
            SELECT coalesce(sum(l.quantity - l.cancelled), 0)::int FROM node n
            JOIN order_line l ON l.node_id = n.id
            WHERE n.performance_id = t.performance_id
            AND (n.key = b.key OR starts_with(n.key, b.key || '/')))),
        'at', clock_timestamp() + w.clock_offset,
        'plan', coalesce(t.plan_id::text, '')))
    FROM jsonb_each(t.bounds) b) FROM world w
WHERE w.name = t.world AND t.bounds <> '{}';
"""

# As allocation.queries.locks.lock_key: 63 bits of the id.
LOCK_KEY = """
CREATE FUNCTION lock_key(id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (('x' || right(replace(id::text, '-', ''), 16))::bit(64)::bigint >> 1)
        & 9223372036854775807
$$;
"""

# Order of locks: performances and suppliers, shared, and holds that are confirmed or
# granted, neither of them waited for; nodes, deepest first; counters; credit. What is
# busy is said in "shut": one that is locked for long would hold up the whole batch. Each statement of a volatile
# function sees what was committed before it began: what is read after a lock was waited
# for is as it is then, as if the statements came alone.
LOCK = """
DROP FUNCTION lock_holds;
CREATE FUNCTION lock_sales(wanted json) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v_performances uuid[] := ARRAY(SELECT json_array_elements_text(
        wanted->'performances')::uuid);
    v_suppliers uuid[] := ARRAY(SELECT json_array_elements_text(
        wanted->'suppliers')::uuid);
    v_confirm uuid[] := ARRAY(SELECT json_array_elements_text(
        wanted->'confirm')::uuid);
    v_grant uuid[] := ARRAY(SELECT json_array_elements_text(wanted->'grant')::uuid);
    v_locked uuid[] := '{}'; v_held uuid[] := '{}';
    v_sold uuid[]; v_sellers uuid[]; v_shut uuid[];
    v_capped uuid[]; v_owing uuid[]; v_is_seated bool; v_is_capped bool;
    v_busy json; v_keys json; v_states json; v_stops json; v_over json; v_nodes json;
    v_taken json; v_among json; v_caps json; v_credit json; v_times json;
    v_holds json; v_lines json; v_references json; v_status json; v_seats json;
BEGIN
    SELECT json_agg(k::text) INTO v_busy FROM json_array_elements_text(wanted->'share') k
    WHERE NOT pg_try_advisory_xact_lock_shared(k::bigint);
    IF v_busy IS NOT NULL THEN
        RETURN json_build_object('busy', v_busy);  -- its rows are not waited for
    END IF;
    IF v_confirm <> '{}' THEN
        SELECT array_agg(DISTINCT p.id), array_agg(DISTINCT p.supplier_id),
            bool_or(l.seat_ids <> '{}'), bool_or(l.held_caps <> '{}')
        INTO v_sold, v_sellers, v_is_seated, v_is_capped FROM hold_line l
        JOIN performance p ON p.id = l.performance_id WHERE l.hold_id = ANY(v_confirm);
        SELECT array_agg(id) INTO v_shut FROM unnest(v_sold || v_sellers) AS id
        WHERE NOT pg_try_advisory_xact_lock_shared(lock_key(id));
        IF v_shut IS NOT NULL THEN
            v_shut := ARRAY(SELECT l.hold_id FROM hold_line l
                JOIN performance p ON p.id = l.performance_id
                WHERE l.hold_id = ANY(v_confirm)
                AND (p.id = ANY(v_shut) OR p.supplier_id = ANY(v_shut)));
            v_confirm := ARRAY(SELECT unnest(v_confirm) EXCEPT SELECT unnest(v_shut));
        END IF;
    END IF;
    IF v_confirm <> '{}' OR v_grant <> '{}' THEN
        SELECT json_agg(json_build_array(h.id, h.world, h.agent_id, h.state,
                h.expires_at, h.kind, coalesce(a.parent_id, a.id))),
            coalesce(array_agg(h.id), '{}'),
            coalesce(array_agg(h.id) FILTER (WHERE h.state = 'held'), '{}')
        INTO v_holds, v_locked, v_held
        FROM (SELECT * FROM hold WHERE id = ANY(v_confirm || v_grant)
              ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) h
        JOIN partner a ON a.id = h.agent_id;
        IF cardinality(v_locked) < cardinality(v_confirm || v_grant) THEN
            v_shut := v_shut || ARRAY(SELECT id FROM hold
                WHERE id = ANY(v_confirm || v_grant) AND NOT id = ANY(v_locked));
        END IF;
    END IF;
    IF v_confirm <> '{}' THEN
        v_confirm := ARRAY(SELECT unnest(v_confirm) INTERSECT SELECT unnest(v_held));
        SELECT json_agg(json_build_array(l.hold_id, l.no, l.performance_id, l.node_id,
                l.offer_id, l.quantity, l.seat_ids, l.seat_nodes, l.held_caps,
                l.quote_id, l.owed_minor, o.price_type, a.ref, p.supplier_id,
                p.production_id) ORDER BY l.hold_id, l.no),
            array_agg(DISTINCT q.agent_contract_id)
        INTO v_lines, v_owing FROM hold_line l JOIN offer o ON o.id = l.offer_id
        JOIN performance_area pa ON pa.id = o.performance_area_id
        JOIN performance p ON p.id = l.performance_id JOIN area a ON a.id = pa.area_id
        JOIN frozen_quote q ON q.id = l.quote_id WHERE l.hold_id = ANY(v_confirm);
        IF v_is_capped THEN
            SELECT array_agg(DISTINCT cap) INTO v_capped FROM hold_line l,
                unnest(l.held_caps) AS cap WHERE l.hold_id = ANY(v_confirm);
        END IF;
        IF v_is_seated THEN
            SELECT json_agg(json_build_array(s.id, s.row_name, s.number)) INTO v_seats
            FROM hold_line l, unnest(l.seat_ids) AS chosen JOIN seat s ON s.id = chosen
            WHERE l.hold_id = ANY(v_confirm);
        END IF;
        SELECT json_agg(json_build_array(o.agent_id, o.reference)) INTO v_references
        FROM json_to_recordset(wanted->'references') AS w(a uuid, r text)
        JOIN sale_order o ON (o.agent_id, o.reference) = (w.a, w.r);
        SELECT json_object_agg(id, status) INTO v_status FROM performance
        WHERE id = ANY(v_sold);
        v_suppliers := v_suppliers || v_sellers;
    END IF;
    SELECT json_agg(json_build_object('world', i.world, 'owner', i.owner_id,
            'key', i.key, 'digest', encode(i.digest, 'hex'), 'status', i.status,
            'reply', i.reply)) INTO v_keys
    FROM json_to_recordset(wanted->'keys') AS k(w text, o uuid, k text)
    JOIN idempotency_key i ON (i.world, i.owner_id, i.key) = (k.w, k.o, k.k);
    SELECT json_agg(json_build_array(id, supplier_id, performance_id, production_id,
            area, channel, agent_id, price_type, is_hard, reason)) INTO v_stops
    FROM stop WHERE lifted_at IS NULL AND supplier_id = ANY(v_suppliers);
    IF v_performances <> '{}' THEN
        SELECT json_agg(json_build_array(p.id, p.version, p.status,
                p.withdrawn_at IS NOT NULL, p.announce_at, p.on_sale_at, p.cut_off_at,
                p.starts_at, p.ends_at, p.is_open_dated, r.version, t.epoch,
                p.supplier_id)) INTO v_states
        FROM performance p JOIN auditorium r ON r.id = p.auditorium_id
        JOIN tree t ON t.performance_id = p.id WHERE p.id = ANY(v_performances);
        SELECT json_object_agg(id, overcommitted) INTO v_over FROM node
        WHERE performance_id = ANY(v_performances) AND overcommitted > 0;
        SELECT json_agg(json_build_array(id, path, guarantee, ceiling, taken,
                overcommitted, level, pool_id)) INTO v_nodes
        FROM (SELECT * FROM node WHERE id = ANY(ARRAY(
                  SELECT json_array_elements_text(wanted->'nodes')::uuid))
              ORDER BY cardinality(path) DESC, id FOR NO KEY UPDATE) locked;
    END IF;
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
        v_capped := v_capped || ARRAY(
            SELECT id FROM json_to_recordset(wanted->'caps') AS r(id uuid));
    END IF;
    IF v_capped IS NOT NULL THEN
        SELECT json_object_agg(id, locked.taken) INTO v_caps FROM (
            SELECT c.id, c.taken FROM cap_count c WHERE c.id = ANY(v_capped)
            ORDER BY c.id FOR NO KEY UPDATE) locked;
    END IF;
    SELECT json_agg(json_build_array(contract_id, world, currency, limit_minor,
            deposit_minor, exposure_minor, reserved_minor, alerted_bp)) INTO v_credit
    FROM (SELECT * FROM credit WHERE contract_id = ANY(v_owing || ARRAY(
              SELECT json_array_elements_text(wanted->'credit')::uuid))
          ORDER BY contract_id FOR NO KEY UPDATE) locked;
    SELECT json_agg(json_build_array(name, clock_timestamp() + clock_offset, epoch))
    INTO v_times FROM world WHERE name = ANY(ARRAY(
        SELECT json_array_elements_text(wanted->'worlds')));
    RETURN json_build_object('busy', v_busy, 'keys', v_keys, 'states', v_states,
        'stops', v_stops, 'over', v_over, 'nodes', v_nodes, 'taken', v_taken,
        'among', v_among, 'caps', v_caps, 'credit', v_credit, 'times', v_times,
        'shut', v_shut, 'holds', v_holds, 'lines', v_lines, 'references', v_references,
        'status', v_status, 'seats', v_seats);
END $$;
"""

PLACE = """
DROP FUNCTION place_holds;
CREATE FUNCTION place_holds(seats json, nodes json, holds json, lines json, keys json)
RETURNS void LANGUAGE plpgsql AS $$
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
    ON CONFLICT (hold_id, no) DO UPDATE SET node_id = excluded.node_id,
        seat_ids = excluded.seat_ids,
        seat_nodes = excluded.seat_nodes, caps = excluded.caps,
        held_caps = excluded.held_caps, quote_id = excluded.quote_id,
        owed_minor = excluded.owed_minor;
    PERFORM claim_answered(place_holds.keys);
END $$;

CREATE FUNCTION claim_answered(keys json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_written int;
BEGIN
    INSERT INTO idempotency_key (world, owner_id, key, digest, status, reply)
    SELECT w, o, k, decode(d, 'hex'), 201, r
    FROM json_to_recordset(claim_answered.keys)
        AS k(w text, o uuid, k text, d text, r jsonb) ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written < json_array_length(claim_answered.keys) THEN
        RAISE EXCEPTION 'another process was faster with a key' USING ERRCODE = 'HB002';
    END IF;
END $$;

CREATE FUNCTION place_orders(orders json, lines json, tickets json, keys json,
    entries json, postings json, totals json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_written int;
BEGIN
    UPDATE hold AS h SET state = 'confirmed', version = version + 1, ended_at = r.at
    FROM json_to_recordset(place_orders.orders) AS r(hold uuid, at timestamptz)
    WHERE h.id = r.hold;
    INSERT INTO sale_order (id, world, agent_id, hold_id, reference, state, version,
        confirmed_at)
    SELECT id, world, agent, hold, reference, 'confirmed', 1, at
    FROM json_to_recordset(place_orders.orders) AS r(id uuid, world text, agent uuid,
        hold uuid, reference text, at timestamptz) ORDER BY agent, reference
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written < json_array_length(place_orders.orders) THEN
        RAISE EXCEPTION 'another process was faster with a reference'
            USING ERRCODE = 'HB002';
    END IF;
    INSERT INTO order_line (order_id, no, performance_id, node_id, offer_id, quantity,
        currency, face_minor, booking_fee_minor, caps, quote)
    SELECT r.id, l.no, l.performance_id, l.node_id, l.offer_id, l.quantity,
        q.body->>'currency', r.face, r.booking, l.caps, q.body
    FROM json_to_recordset(place_orders.lines) AS r(id uuid, hold uuid, no int,
        face bigint, booking bigint)
    JOIN hold_line l ON (l.hold_id, l.no) = (r.hold, r.no)
    JOIN frozen_quote q ON q.id = l.quote_id;
    INSERT INTO ticket (id, order_id, line_no, performance_id, code, seat_id, node_id)
    SELECT * FROM json_to_recordset(place_orders.tickets) AS r(id uuid, order_id uuid,
        line_no int, performance_id uuid, code text, seat_id uuid, node_id uuid);
    PERFORM claim_answered(place_orders.keys);
    INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no,
        sequence, tickets, happened_at, supplier_contract_id, agent_contract_id,
        supplier_stated_at, agent_stated_at, performance_id)
    SELECT * FROM json_to_recordset(place_orders.entries) AS r(id uuid, world text,
        entity text, kind text, order_id uuid, line_no int, sequence int, tickets int,
        at timestamptz, supplier uuid, agent uuid, supplier_at timestamptz,
        agent_at timestamptz, performance uuid);
    INSERT INTO posting (entry_id, no, account, party_id, what, currency, amount_minor)
    SELECT * FROM json_to_recordset(place_orders.postings) AS r(entry_id uuid, no int,
        account text, party_id uuid, what text, currency text, amount_minor bigint);
    INSERT INTO total_delta (id, world, legal_entity, contract_id, day, terms_id,
        bucket, tickets, face_minor, booking_fee_minor, service_fee_minor, commission_minor,
        other_minor, due_minor, counted, measured, base_minor, accrued_minor)
    SELECT * FROM json_to_recordset(place_orders.totals) AS r(id uuid, world text,
        entity text, contract_id uuid, day date, terms_id uuid, bucket text,
        tickets bigint, face_minor bigint, booking_fee_minor bigint, service_fee_minor
        bigint, commission_minor bigint, other_minor bigint, due_minor bigint,
        counted bigint, measured bigint, base_minor bigint, accrued_minor
        bigint);
END $$;

CREATE FUNCTION count_sales(caps json, credit json, alerts json) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF json_array_length(count_sales.caps) > 0 THEN
        UPDATE cap_count SET taken = c.taken
        FROM json_to_recordset(count_sales.caps) AS c(id uuid, taken int)
        WHERE cap_count.id = c.id;
    END IF;
    UPDATE credit AS c SET exposure_minor = r.exposure, reserved_minor = r.reserved,
        alerted_bp = r.alerted
    FROM json_to_recordset(count_sales.credit) AS r(id uuid, exposure bigint,
        reserved bigint, alerted int)
    WHERE c.contract_id = r.id;
    IF json_array_length(count_sales.alerts) > 0 THEN
        INSERT INTO credit_alert (id, world, contract_id, threshold_bp, used_minor,
            usable_minor, reached_at)
        SELECT id, world, contract, bp, used, usable, at
        FROM json_to_recordset(count_sales.alerts) AS a(id uuid, world text,
            contract uuid, bp int, used bigint, usable bigint, at timestamptz);
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION lock_key, lock_sales, place_holds, claim_answered,
    place_orders, count_sales FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_key, lock_sales, place_holds, claim_answered,
    place_orders, count_sales TO hub_app;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(LOCK_KEY)
    op.execute(LOCK)
    op.execute(PLACE)
