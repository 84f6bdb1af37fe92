"""Trees of any depth, plans with scopes and drafts, blocks, caps, stops, history."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PLANS = """
ALTER TABLE plan DISABLE TRIGGER plan_is_immutable;
ALTER TABLE plan ADD name text NOT NULL DEFAULT '', ADD scope jsonb NOT NULL DEFAULT '{}';
ALTER TABLE plan ALTER name DROP DEFAULT, ALTER scope DROP DEFAULT;
ALTER TABLE plan RENAME published_at TO created_at;
ALTER TABLE plan RENAME published_by TO created_by;
ALTER TABLE plan RENAME CONSTRAINT fk_plan_published_by TO fk_plan_created_by;
-- A plan named channels with agents in them; now it names rules with rules in them.
UPDATE plan SET rules = jsonb_build_object('keep_shared_bp', rules->'keep_shared_bp',
    'rules', (SELECT jsonb_agg(CASE WHEN c ? 'agents' AND c->'agents' <> '[]'
        THEN (c - 'agents') || jsonb_build_object('rules', c->'agents')
        ELSE c - 'agents' END)
     FROM jsonb_array_elements(rules->'channels') AS c));
ALTER TABLE plan ENABLE TRIGGER plan_is_immutable;

CREATE TABLE plan_publication (
    id uuid NOT NULL CONSTRAINT pk_plan_publication PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_plan_publication_world REFERENCES world (name),
    supplier_id uuid NOT NULL
        CONSTRAINT fk_plan_publication_supplier_id REFERENCES partner (id),
    no integer NOT NULL,
    plan_id uuid NOT NULL CONSTRAINT fk_plan_publication_plan_id REFERENCES plan (id),
    kind text NOT NULL,
    made_at timestamptz NOT NULL,
    made_by uuid NOT NULL
        CONSTRAINT fk_plan_publication_made_by REFERENCES credential (id),
    CONSTRAINT uq_plan_publication_supplier_id_no UNIQUE (supplier_id, no),
    CONSTRAINT ck_plan_publication_kind CHECK (kind IN ('published', 'withdrawn'))
);
INSERT INTO plan_publication SELECT gen_random_uuid(), world, supplier_id,
    version, id, 'published', created_at, created_by FROM plan;
GRANT SELECT, INSERT ON plan_publication TO hub_app;
"""

TREES = """
CREATE TABLE tree (
    performance_id uuid NOT NULL CONSTRAINT pk_tree PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_tree_world REFERENCES world (name),
    supplier_id uuid NOT NULL CONSTRAINT fk_tree_supplier_id REFERENCES partner (id),
    plan_id uuid CONSTRAINT fk_tree_plan_id REFERENCES plan (id),
    publication integer NOT NULL DEFAULT 0,
    epoch integer NOT NULL DEFAULT 0,
    bounds jsonb NOT NULL DEFAULT '{}',
    adjusted jsonb NOT NULL DEFAULT '{}',
    next_stage_at timestamptz,
    rebalanced_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX ix_tree_supplier_id ON tree (supplier_id, publication, performance_id);
CREATE INDEX ix_tree_next_stage_at ON tree (next_stage_at)
    WHERE next_stage_at IS NOT NULL;
-- Split anew by the plan in force when the next job comes by: publication is 0.
INSERT INTO tree (performance_id, world, supplier_id)
    SELECT id, world, supplier_id FROM performance;
GRANT SELECT, INSERT, UPDATE ON tree TO hub_app;

ALTER TABLE node RENAME root_id TO performance_area_id;
ALTER TABLE node ALTER performance_area_id DROP NOT NULL,
    ADD key text, ADD level text, ADD pool_id uuid, ADD channel text,
    ADD unmade integer NOT NULL DEFAULT 0, ADD overbooking integer NOT NULL DEFAULT 0,
    ADD created_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE FUNCTION pg_temp.label(level text, said text) RETURNS text LANGUAGE sql AS $$
    SELECT level || ':' || replace(replace(said, '%', '%25'), '/', '%2F') $$;
UPDATE node SET
    level = CASE depth WHEN 0 THEN 'area' WHEN 1 THEN 'channel' ELSE 'agent' END,
    channel = CASE depth WHEN 0 THEN NULL WHEN 1 THEN holder
        ELSE left(holder, -37) END,
    key = coalesce((SELECT pg_temp.label('area', a.ref) FROM performance_area pa
        JOIN area a ON a.id = pa.area_id WHERE pa.id = performance_area_id),
        performance_area_id::text) || CASE depth WHEN 0 THEN ''
        WHEN 1 THEN '/' || pg_temp.label('channel', holder)
        ELSE '/' || pg_temp.label('channel', left(holder, -37))
            || '/' || pg_temp.label('agent', (SELECT ref FROM partner
                WHERE id = right(holder, 36)::uuid)) END;
ALTER TABLE node ALTER key SET NOT NULL, ALTER level SET NOT NULL,
    DROP CONSTRAINT uq_node_root_id_holder, DROP CONSTRAINT fk_node_plan_id,
    DROP COLUMN holder, DROP COLUMN depth, DROP COLUMN plan_id,
    DROP COLUMN split_capacity,
    DROP CONSTRAINT ck_node_counts,
    ADD CONSTRAINT ck_node_counts
        CHECK (guarantee >= 0 AND taken >= 0 AND unmade >= 0
            AND overbooking >= 0),
    ADD CONSTRAINT uq_node_performance_id_key UNIQUE (performance_id, key);
DROP INDEX ix_node_performance_id, ix_node_to_mend;
CREATE INDEX ix_node_to_mend ON node (performance_id) WHERE is_cut;
CREATE INDEX ix_node_overcommitted ON node (performance_id) WHERE overcommitted > 0;

CREATE TABLE node_change (
    id uuid NOT NULL CONSTRAINT pk_node_change PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_node_change_world REFERENCES world (name),
    performance_id uuid NOT NULL, node_id uuid NOT NULL, key text NOT NULL,
    cause text NOT NULL, reason text NOT NULL,
    plan_id uuid CONSTRAINT fk_node_change_plan_id REFERENCES plan (id),
    guarantee_before integer NOT NULL, guarantee_after integer NOT NULL,
    ceiling_before integer, ceiling_after integer,
    unmade_before integer NOT NULL, unmade_after integer NOT NULL, taken integer NOT NULL,
    made_at timestamptz NOT NULL,
    made_by uuid CONSTRAINT fk_node_change_made_by REFERENCES credential (id)
);
CREATE INDEX ix_node_change_performance_id ON node_change (performance_id);
CREATE INDEX ix_node_change_node_id ON node_change (node_id, id);
GRANT SELECT, INSERT ON node_change TO hub_app;
"""

BLOCKS = """
CREATE TABLE block (
    id uuid NOT NULL CONSTRAINT pk_block PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_block_world REFERENCES world (name),
    performance_id uuid NOT NULL, performance_area_id uuid NOT NULL,
    kind text NOT NULL,
    agent_id uuid CONSTRAINT fk_block_agent_id REFERENCES partner (id),
    reason text NOT NULL, made_at timestamptz NOT NULL,
    made_by uuid NOT NULL CONSTRAINT fk_block_made_by REFERENCES credential (id),
    CONSTRAINT ck_block_kind CHECK (kind IN ('agent', 'house', 'kill')),
    CONSTRAINT ck_block_agent CHECK ((kind = 'agent') = (agent_id IS NOT NULL))
);
CREATE INDEX ix_block_performance_id ON block (performance_id);
CREATE TABLE block_seat (
    performance_id uuid NOT NULL,
    seat_id uuid NOT NULL CONSTRAINT fk_block_seat_seat_id REFERENCES seat (id),
    block_id uuid NOT NULL CONSTRAINT fk_block_seat_block_id REFERENCES block (id),
    CONSTRAINT pk_block_seat PRIMARY KEY (performance_id, seat_id)
);
CREATE INDEX ix_block_seat_block_id ON block_seat (block_id);
GRANT SELECT, INSERT ON block TO hub_app;
GRANT SELECT, INSERT, DELETE ON block_seat TO hub_app;
"""

LIMITS = """
CREATE TABLE recall (
    id uuid NOT NULL CONSTRAINT pk_recall PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_recall_world REFERENCES world (name),
    performance_id uuid NOT NULL, area text NOT NULL,
    agent_id uuid NOT NULL CONSTRAINT fk_recall_agent_id REFERENCES partner (id),
    seats integer NOT NULL, is_forced boolean NOT NULL, reason text NOT NULL,
    effective_at timestamptz NOT NULL, done_at timestamptz, taken integer,
    made_at timestamptz NOT NULL,
    made_by uuid NOT NULL CONSTRAINT fk_recall_made_by REFERENCES credential (id),
    CONSTRAINT ck_recall_seats CHECK (seats > 0 AND taken BETWEEN 0 AND seats),
    CONSTRAINT ck_recall_done CHECK ((done_at IS NULL) = (taken IS NULL))
);
CREATE INDEX ix_recall_effective_at ON recall (effective_at) WHERE done_at IS NULL;
CREATE INDEX ix_recall_performance_id ON recall (performance_id);
GRANT SELECT, INSERT, UPDATE (done_at, taken) ON recall TO hub_app;
CREATE TABLE stop (
    id uuid NOT NULL CONSTRAINT pk_stop PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_stop_world REFERENCES world (name),
    supplier_id uuid NOT NULL CONSTRAINT fk_stop_supplier_id REFERENCES partner (id),
    performance_id uuid, production_id uuid, area text, channel text,
    agent_id uuid CONSTRAINT fk_stop_agent_id REFERENCES partner (id),
    price_type text, is_hard boolean NOT NULL, reason text NOT NULL,
    made_at timestamptz NOT NULL,
    made_by uuid NOT NULL CONSTRAINT fk_stop_made_by REFERENCES credential (id),
    lifted_at timestamptz,
    lifted_by uuid CONSTRAINT fk_stop_lifted_by REFERENCES credential (id),
    CONSTRAINT ck_stop_lifted_by_somebody
        CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX ix_stop_supplier_id ON stop (supplier_id) WHERE lifted_at IS NULL;
GRANT SELECT, INSERT, UPDATE (lifted_at, lifted_by) ON stop TO hub_app;

CREATE TABLE cap_count (
    id uuid NOT NULL CONSTRAINT pk_cap_count PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_cap_count_world REFERENCES world (name),
    kind text NOT NULL, subject text NOT NULL, performance_id uuid,
    taken integer NOT NULL,
    CONSTRAINT ck_cap_count_taken CHECK (taken >= 0)
) WITH (fillfactor = 70);
CREATE INDEX ix_cap_count_performance_id ON cap_count (performance_id);
GRANT SELECT, INSERT, UPDATE ON cap_count TO hub_app;
"""

# What a sale stands on and is kept in memory: each change of it moves its world on.
EPOCHS = """
ALTER TABLE world ADD epoch bigint NOT NULL DEFAULT 0;
CREATE FUNCTION world_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE world SET epoch = epoch + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER terms_move_the_world AFTER INSERT OR UPDATE ON terms
    FOR EACH STATEMENT EXECUTE FUNCTION world_moves_on();
CREATE TRIGGER tax_codes_move_the_world AFTER INSERT OR UPDATE ON tax_code
    FOR EACH STATEMENT EXECUTE FUNCTION world_moves_on();
CREATE TRIGGER contracts_move_the_world AFTER INSERT OR UPDATE ON contract
    FOR EACH STATEMENT EXECUTE FUNCTION world_moves_on();
CREATE FUNCTION clock_moves_the_world() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.epoch := OLD.epoch + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER clock_moves_the_world BEFORE UPDATE OF clock_offset ON world
    FOR EACH ROW EXECUTE FUNCTION clock_moves_the_world();
"""

SALES = """
ALTER TABLE partner ADD parent_id uuid
    CONSTRAINT fk_partner_parent_id REFERENCES partner (id),
    ADD CONSTRAINT ck_partner_parent CHECK (parent_id IS NULL OR kind = 'agent');
ALTER TABLE seat ADD pair text, ADD is_before_aisle boolean NOT NULL DEFAULT false;
ALTER TABLE seat_taken ADD taken_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE INDEX ix_seat_taken_taken_at ON seat_taken (performance_id, taken_at);
DROP TRIGGER line_is_offered ON order_line;
DROP FUNCTION line_is_offered;
CREATE FUNCTION line_is_offered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT performance_id, node_id, offer_id
                            FROM inserted) i
               LEFT JOIN offer o ON o.id = i.offer_id
               LEFT JOIN performance_area a ON a.id = o.performance_area_id
               LEFT JOIN node n ON n.id = i.node_id
               WHERE (i.performance_id, i.performance_id, a.id) IS DISTINCT FROM
                     (a.performance_id, n.performance_id, n.performance_area_id)) THEN
        RAISE EXCEPTION 'a line''s performance, node and offer belong together'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_is_offered AFTER INSERT ON order_line
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION line_is_offered();

ALTER TABLE hold DROP CONSTRAINT ck_hold_state,
    ADD ended_at timestamptz, ADD kind text NOT NULL DEFAULT 'hold',
    ADD extensions integer NOT NULL DEFAULT 0, ADD extendable_until timestamptz,
    ADD extensions_most integer NOT NULL DEFAULT 0,
    ADD ttl_s integer NOT NULL DEFAULT 0, ADD reason text,
    ADD CONSTRAINT ck_hold_state CHECK (state IN ('requested', 'held', 'confirmed',
        'released', 'lapsed', 'rejected', 'voided')),
    ADD CONSTRAINT ck_hold_kind CHECK (kind IN ('hold', 'option', 'request', 'report'));
ALTER TABLE hold_line ADD seat_nodes uuid[] NOT NULL DEFAULT '{}',
    ADD caps uuid[] NOT NULL DEFAULT '{}', ADD held_caps uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE order_line ADD caps uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE ticket ADD node_id uuid;
CREATE INDEX ix_ticket_node_id ON ticket (node_id) WHERE node_id IS NOT NULL;
CREATE INDEX ix_hold_agent_id ON hold (agent_id, id) WHERE state = 'held';
"""

IMMUTABLE = ("plan_publication", "node_change", "block")


def upgrade() -> None:
    for step in (PLANS, TREES, BLOCKS, LIMITS, EPOCHS, SALES):
        op.execute(step)
    for table in IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER {table}_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION is_immutable()"
        )
