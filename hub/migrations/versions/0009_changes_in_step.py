"""What changes in the catalogue is noted, numbered and read in that order."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE change (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_change PRIMARY KEY,
    world text NOT NULL,
    position bigint,
    kind text NOT NULL,
    entity_id uuid NOT NULL,
    version bigint NOT NULL,
    what text NOT NULL CONSTRAINT ck_change_what
        CHECK (what IN ('changed', 'withdrawn', 'announced')),
    made_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX uq_change_position ON change (world, position);
CREATE INDEX ix_change_waiting ON change (seq) WHERE position IS NULL;
CREATE TABLE change_feed (
    world text CONSTRAINT pk_change_feed PRIMARY KEY
        CONSTRAINT fk_change_feed_world REFERENCES world (name),
    last bigint NOT NULL DEFAULT 0,
    pruned_until bigint NOT NULL DEFAULT 0,
    announced_until timestamptz NOT NULL
);
INSERT INTO change_feed (world, announced_until)
SELECT name, clock_timestamp() + clock_offset FROM world;
GRANT SELECT, INSERT, DELETE, UPDATE (position) ON change TO hub_app;
GRANT SELECT, INSERT, UPDATE (last, pruned_until, announced_until) ON change_feed
    TO hub_app;
CREATE FUNCTION begin_change_feed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change_feed (world, announced_until)
    VALUES (NEW.name, clock_timestamp() + NEW.clock_offset);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION begin_change_feed FROM PUBLIC;
CREATE TRIGGER world_has_a_feed AFTER INSERT ON world
    FOR EACH ROW EXECUTE FUNCTION begin_change_feed();
"""

# A change of a row is noted while the row is locked: for one row the order of ``seq``
# is the order of commits. Numbers are given to what is committed, by one at a time.
NOTE = """
CREATE FUNCTION note_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, kind, entity_id, version, what, made_at)
    SELECT n.world, TG_TABLE_NAME, n.id, n.version, 'changed',
        clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN world w ON w.name = n.world;
    RETURN NULL;
END $$;

CREATE FUNCTION note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, kind, entity_id, version, what, made_at)
    SELECT n.world, TG_TABLE_NAME, n.id, n.version, 'changed',
        clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN old_rows o ON o.id = n.id JOIN world w ON w.name = n.world
    WHERE n.version <> o.version;
    RETURN NULL;
END $$;

CREATE FUNCTION note_performances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (world, kind, entity_id, version, what, made_at)
    SELECT n.world, TG_TABLE_NAME, n.id, n.version,
        CASE WHEN n.withdrawn_at IS NULL THEN 'changed' ELSE 'withdrawn' END,
        clock_timestamp() + w.clock_offset
    FROM new_rows n JOIN old_rows o ON o.id = n.id JOIN world w ON w.name = n.world
    WHERE (n.version, n.withdrawn_at IS NULL) <> (o.version, o.withdrawn_at IS NULL);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_added, note_changed, note_performances FROM PUBLIC;
"""
NOTED = {
    "venue": "note_changed",
    "auditorium": "note_changed",
    "production": "note_changed",
    "performance": "note_performances",
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(NOTE)
    for table, function in NOTED.items():
        op.execute(
            f"CREATE TRIGGER {table}_is_noted AFTER INSERT ON {table} REFERENCING NEW"
            " TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_added()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_change_is_noted AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )


def downgrade() -> None:
    for table in NOTED:
        op.execute(f"DROP TRIGGER {table}_is_noted ON {table}")
        op.execute(f"DROP TRIGGER {table}_change_is_noted ON {table}")
    op.execute("DROP TRIGGER world_has_a_feed ON world")
    op.execute(
        "DROP FUNCTION note_added, note_changed, note_performances, begin_change_feed"
    )
    op.execute("DROP TABLE change, change_feed")
