"""What tables alone cannot say: no overlap, balance, immutability, roles, partitions."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TERMS_DO_NOT_OVERLAP = """
CREATE TYPE uuidrange AS RANGE (subtype = uuid);
ALTER TABLE terms ADD CONSTRAINT ex_terms_valid EXCLUDE USING gist
    (uuidrange(contract_id, contract_id, '[]') WITH &&, valid WITH &&);
ALTER TABLE terms ADD CONSTRAINT ck_terms_valid CHECK (NOT isempty(valid));
"""

ENTRIES_BALANCE = """
ALTER TABLE journal_entry ALTER posted_xid SET DEFAULT pg_current_xact_id();

CREATE FUNCTION journal_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE unbalanced text;
BEGIN
    SELECT string_agg(format('%s %s', currency, total), ', ') INTO unbalanced
    FROM (SELECT currency, sum(amount_minor) AS total FROM posting
          WHERE entry_id = NEW.id GROUP BY currency) sums WHERE total <> 0;
    IF unbalanced IS NOT NULL
       OR NOT EXISTS (SELECT FROM posting WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'entry % does not balance: %', NEW.id,
            coalesce(unbalanced, 'no postings') USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT ON journal_entry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION journal_entry_balances();

CREATE FUNCTION posting_belongs_to_new_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted JOIN journal_entry e ON e.id = inserted.entry_id
               WHERE e.posted_xid <> pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a posting cannot be added to an older entry'
            USING ERRCODE = 'check_violation';
    END IF;
    -- All legs of an entry come in one statement: it leaves the entry balanced.
    IF EXISTS (SELECT FROM posting p JOIN (SELECT DISTINCT entry_id FROM inserted) i
               ON i.entry_id = p.entry_id
               GROUP BY p.entry_id, p.currency HAVING sum(p.amount_minor) <> 0) THEN
        RAISE EXCEPTION 'an entry does not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posting_belongs_to_new_entry AFTER INSERT ON posting
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION posting_belongs_to_new_entry();
"""

FACTS_ARE_IMMUTABLE = """
CREATE FUNCTION is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is immutable', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
"""

TERMS_ONLY_END = """
CREATE FUNCTION terms_only_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.valid) AND NOT upper_inf(NEW.valid)
       AND lower(NEW.valid) = lower(OLD.valid)
       AND to_jsonb(NEW) - 'valid' = to_jsonb(OLD) - 'valid' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'terms is immutable, but for the end of open-ended ones'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER terms_only_end BEFORE UPDATE OR DELETE ON terms
    FOR EACH ROW EXECUTE FUNCTION terms_only_end();
CREATE TRIGGER terms_is_not_truncated BEFORE TRUNCATE ON terms
    FOR EACH STATEMENT EXECUTE FUNCTION is_immutable();
"""

IMMUTABLE = ("journal_entry", "posting", "seal_block", "statement_line", "plan")
PARTITIONED = (
    "outbox_message",
    "hold",
    "hold_line",
    "delivery_part",
    "delivery_ref",
    "delivery_refusal",
)

STATEMENTS_CLOSE = """
CREATE FUNCTION closed_statement_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'statement % is closed', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER closed_statement_is_immutable BEFORE UPDATE OR DELETE ON statement
    FOR EACH ROW EXECUTE FUNCTION closed_statement_is_immutable();

CREATE FUNCTION statement_goes_its_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'draft' OR (TG_OP = 'UPDATE' AND (OLD.state, NEW.state) IN
        (('draft', 'reviewed'), ('reviewed', 'reviewed'), ('reviewed', 'closed'))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a statement goes draft, reviewed, closed'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER statement_goes_its_way BEFORE INSERT OR UPDATE ON statement
    FOR EACH ROW EXECUTE FUNCTION statement_goes_its_way();

CREATE FUNCTION line_belongs_to_open_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted JOIN statement s ON s.id = inserted.statement_id
               WHERE s.state = 'closed') THEN
        RAISE EXCEPTION 'a line cannot be added to a closed statement'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_belongs_to_open_statement AFTER INSERT ON statement_line
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION line_belongs_to_open_statement();
"""

STILL_SOLD = """
-- What remains of a line's amount, told from the line alone; ties to even.
CREATE FUNCTION still_sold(total bigint, line order_line) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS $$
    SELECT total - whole - CASE
        WHEN 2 * rest > line.quantity OR (2 * rest = line.quantity AND whole % 2 = 1)
        THEN 1 ELSE 0 END
    FROM (SELECT total * line.cancelled / line.quantity AS whole,
                 total * line.cancelled % line.quantity AS rest) AS divided $$;
"""

PARTITIONS = """
CREATE TABLE partitioned (name text PRIMARY KEY, keep_days int NOT NULL);
INSERT INTO partitioned VALUES ('outbox_message', 14), ('hold', 35), ('hold_line', 35),
    ('delivery_part', 14), ('delivery_ref', 14), ('delivery_refusal', 90);

CREATE FUNCTION first_id_at(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid $$;

CREATE FUNCTION make_partitions(weeks int) RETURNS int LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE parent text; week timestamptz; part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_partitions'));
    FOR parent IN SELECT name FROM partitioned LOOP
        FOR ahead IN -1..weeks LOOP
            week := date_trunc('week', clock_timestamp(), 'UTC') + ahead * interval '7 days';
            part := parent || '_p' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            BEGIN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part,
                    parent, first_id_at(week), first_id_at(week + interval '7 days'));
                RETURN 1;  -- one a transaction: each locks its parent to the end
            EXCEPTION WHEN check_violation THEN
                -- Rows of that week lie in the default partition and stay there.
                RAISE WARNING 'no partition % is made: %', part, SQLERRM;
            END;
        END LOOP;
    END LOOP;
    RETURN 0;
END $$;

CREATE FUNCTION is_partition_finished(parent text, part text) RETURNS boolean
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
    ELSE
        EXECUTE format('SELECT EXISTS (SELECT FROM %I p JOIN delivery d'
            ' ON d.id = p.delivery_id WHERE d.finished_at IS NULL)', part) INTO busy;
    END IF;
    RETURN NOT busy;
END $$;

CREATE FUNCTION drop_partitions(at timestamptz) RETURNS int LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE parent text; part text; days int;
BEGIN
    FOR parent, days, part IN
        SELECT p.name, p.keep_days, c.relname FROM partitioned p
        JOIN pg_inherits i ON i.inhparent = p.name::regclass
        JOIN pg_class c ON c.oid = i.inhrelid
        WHERE c.relname ~ '_p[0-9]{8}$' ORDER BY c.relname
    LOOP
        CONTINUE WHEN to_date(right(part, 8), 'YYYYMMDD') + 7 + days > at::date;
        CONTINUE WHEN NOT is_partition_finished(parent, part);
        EXECUTE format('DROP TABLE %I', part);
        RETURN 1;
    END LOOP;
    RETURN 0;
END $$;
"""

APPLICATION_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hub_app') THEN
        CREATE ROLE hub_app LOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO hub_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO hub_app;
REVOKE INSERT, UPDATE, DELETE ON partitioned, alembic_version FROM hub_app;
REVOKE UPDATE, DELETE ON contract, terms, order_line, sale_order, ticket FROM hub_app;
GRANT UPDATE (valid) ON terms TO hub_app;
GRANT UPDATE (cancelled) ON order_line TO hub_app;
GRANT UPDATE (state, version) ON sale_order TO hub_app;
GRANT UPDATE (cancelled_at) ON ticket TO hub_app;
REVOKE EXECUTE ON FUNCTION make_partitions, drop_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_partitions, drop_partitions TO hub_app;
"""


def upgrade() -> None:
    op.execute(TERMS_DO_NOT_OVERLAP)
    op.execute(ENTRIES_BALANCE)
    op.execute(FACTS_ARE_IMMUTABLE)
    op.execute(STATEMENTS_CLOSE)
    op.execute(TERMS_ONLY_END)
    op.execute(STILL_SOLD)
    op.execute(PARTITIONS)
    op.execute("DO $$ BEGIN WHILE make_partitions(8) = 1 LOOP END LOOP; END $$")
    for parent in PARTITIONED:
        op.execute(f"CREATE TABLE {parent}_default PARTITION OF {parent} DEFAULT")
    op.execute(APPLICATION_ROLE)
    for table in IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER {table}_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION is_immutable()"
        )
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM hub_app")
    op.execute("INSERT INTO world (name) VALUES ('live')")
