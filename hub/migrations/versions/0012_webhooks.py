"""Changes are pushed: endpoints of agents, and a log of what was delivered."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE webhook_endpoint (
    id uuid CONSTRAINT pk_webhook_endpoint PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_webhook_endpoint_world REFERENCES world (name),
    agent_id uuid NOT NULL
        CONSTRAINT fk_webhook_endpoint_agent_id REFERENCES partner (id),
    url text NOT NULL,
    topics text[] NOT NULL,
    state text NOT NULL CONSTRAINT ck_webhook_endpoint_state
        CHECK (state IN ('active', 'paused', 'removed')),
    paused_because text,
    version bigint NOT NULL,
    position bigint NOT NULL,
    generation integer NOT NULL,
    previous_until timestamptz,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    next_at timestamptz NOT NULL,
    leased_until timestamptz NOT NULL,
    lease bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_webhook_endpoint_agent_id ON webhook_endpoint (agent_id);
GRANT SELECT, INSERT, UPDATE (url, topics, state, paused_because, version, position,
    generation, previous_until, failures, failing_since, next_at, leased_until, lease)
    ON webhook_endpoint TO hub_app;

CREATE TABLE webhook_replay (
    id uuid CONSTRAINT pk_webhook_replay PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_webhook_replay_world REFERENCES world (name),
    endpoint_id uuid NOT NULL
        CONSTRAINT fk_webhook_replay_endpoint_id REFERENCES webhook_endpoint (id),
    position bigint NOT NULL,
    until_position bigint NOT NULL,
    made_at timestamptz NOT NULL,
    done_at timestamptz
);
CREATE INDEX ix_webhook_replay_endpoint_id ON webhook_replay (endpoint_id)
    WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE (position, done_at) ON webhook_replay TO hub_app;

CREATE TABLE webhook_delivery (
    id uuid NOT NULL,
    world text NOT NULL,
    endpoint_id uuid NOT NULL,
    position bigint NOT NULL,
    entity_id uuid NOT NULL,
    kind text NOT NULL,
    what text NOT NULL,
    version bigint NOT NULL,
    made_at timestamptz NOT NULL,
    is_replay boolean NOT NULL,
    state text NOT NULL CONSTRAINT ck_webhook_delivery_state
        CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts integer NOT NULL,
    next_at timestamptz NOT NULL,
    status integer,
    error text,
    took_ms integer,
    tried_at timestamptz,
    CONSTRAINT pk_webhook_delivery PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE webhook_delivery_default PARTITION OF webhook_delivery DEFAULT;
CREATE INDEX ix_webhook_delivery_endpoint_id ON webhook_delivery (endpoint_id, id);
CREATE INDEX ix_webhook_delivery_waiting ON webhook_delivery
    (endpoint_id, entity_id, position) WHERE state = 'waiting';
GRANT SELECT, INSERT, UPDATE (state, attempts, next_at, status, error, took_ms, tried_at)
    ON webhook_delivery TO hub_app;
INSERT INTO partitioned VALUES ('webhook_delivery', 35);

CREATE OR REPLACE FUNCTION is_partition_finished(parent text, part text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE busy boolean;
BEGIN
    IF parent = 'outbox_message' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE done_at IS NULL)', part)
            INTO busy;
    ELSIF parent = 'hold' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE state = ''held'')', part)
            INTO busy;
    ELSIF parent = 'hold_line' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I l JOIN hold h ON h.id = l.hold_id'
            ' WHERE h.state = ''held'')', part) INTO busy;
    ELSIF parent = 'webhook_delivery' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I d JOIN webhook_endpoint e'
            ' ON e.id = d.endpoint_id WHERE d.state = ''waiting'''
            ' AND e.state = ''active'')', part) INTO busy;
    ELSE
        EXECUTE format('SELECT EXISTS (SELECT FROM %I p JOIN delivery d'
            ' ON d.id = p.delivery_id WHERE d.finished_at IS NULL)', part) INTO busy;
    END IF;
    RETURN NOT busy;
END $$;

DO $$ BEGIN
    WHILE make_partitions(8) > 0 LOOP END LOOP;
END $$;

CREATE FUNCTION note_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, agent_id, kind, entity_id, version, what, made_at)
    SELECT NEW.world, NEW.agent_id, 'hold', NEW.id, NEW.version, 'changed',
        clock_timestamp() + w.clock_offset FROM world w WHERE w.name = NEW.world;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_hold FROM PUBLIC;
-- What others decide about a hold; what its agent does itself it knows.
CREATE TRIGGER hold_answer_is_noted AFTER UPDATE OF state ON hold FOR EACH ROW
    WHEN ((OLD.state = 'requested' AND NEW.state <> 'requested')
        OR (NEW.state = 'voided' AND OLD.state <> 'voided'))
    EXECUTE FUNCTION note_hold();

CREATE FUNCTION note_endpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, agent_id, kind, entity_id, version, what, made_at)
    SELECT n.world, n.agent_id, 'endpoint', n.id, n.version, 'changed',
        clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN old_rows o ON o.id = n.id JOIN world w ON w.name = n.world
    WHERE n.state <> o.state;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_endpoints FROM PUBLIC;
CREATE TRIGGER endpoint_change_is_noted AFTER UPDATE ON webhook_endpoint
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_endpoints();
"""


def upgrade() -> None:
    op.execute(TABLES)
