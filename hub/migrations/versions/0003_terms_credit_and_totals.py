"""Terms as clauses, agreed by two; entries of money alone; credit; running totals."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TERMS = """
DROP TRIGGER terms_only_end ON terms;
ALTER TABLE terms DROP CONSTRAINT ex_terms_valid;
ALTER TABLE terms ADD scope jsonb NOT NULL DEFAULT '{}',
    ADD clauses jsonb, ADD state text NOT NULL DEFAULT 'proposed',
    ADD decided_by uuid CONSTRAINT fk_terms_decided_by REFERENCES credential (id),
    ADD decided_at timestamptz;
ALTER TABLE terms ALTER scope DROP DEFAULT,
    ADD scope_id uuid GENERATED ALWAYS AS (md5(scope::text)::uuid) STORED NOT NULL;
-- Terms agreed before there were two people to it hold on, agreed by who wrote them.
UPDATE terms SET state = 'approved', decided_by = created_by, decided_at = created_at,
    clauses = jsonb_build_object('commission', jsonb_build_object('kind', 'percent',
        'rate', commission_bp))
        || CASE WHEN ticket_fee_minor > 0 THEN jsonb_build_object('service_fees',
            jsonb_build_array(jsonb_build_object('fixed_minor', ticket_fee_minor)))
        ELSE '{}' END;
ALTER TABLE terms ALTER clauses SET NOT NULL,
    DROP CONSTRAINT ck_terms_commission, DROP CONSTRAINT ck_terms_ticket_fee,
    DROP COLUMN commission_bp, DROP COLUMN ticket_fee_minor,
    ADD CONSTRAINT ck_terms_state CHECK (state IN ('proposed', 'approved', 'rejected')
        AND (state = 'proposed') = (decided_by IS NULL)
        AND (decided_by IS NULL) = (decided_at IS NULL)),
    ADD CONSTRAINT ex_terms_valid EXCLUDE USING gist (
        uuidrange(contract_id, contract_id, '[]') WITH &&,
        uuidrange(scope_id, scope_id, '[]') WITH &&, valid WITH &&)
        WHERE (state = 'approved');

CREATE FUNCTION terms_go_their_way() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE same boolean;
BEGIN
    IF TG_OP = 'INSERT' AND NEW.state = 'proposed' THEN
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' THEN
        same := (to_jsonb(NEW) - 'valid' - 'state' - 'decided_by' - 'decided_at'
               - 'scope_id')
              = (to_jsonb(OLD) - 'valid' - 'state' - 'decided_by' - 'decided_at'
               - 'scope_id');
        IF same AND OLD.state = 'proposed' AND NEW.state <> 'proposed'
           AND NEW.valid = OLD.valid THEN
            IF NEW.state = 'approved' AND EXISTS (
                SELECT FROM credential maker, credential checker
                WHERE maker.id = NEW.created_by AND checker.id = NEW.decided_by
                AND (maker.holder_id = checker.holder_id OR maker.name = checker.name))
            THEN
                RAISE EXCEPTION 'maker and checker of terms are two people'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        ELSIF same AND OLD.state = 'approved' AND NEW.state = 'approved'
              AND upper(NEW.valid) >= (
                SELECT clock_timestamp() + w.clock_offset - interval '1 minute'
                FROM contract c JOIN world w ON w.name = c.world
                WHERE c.id = NEW.contract_id)
              AND (NEW.decided_by, NEW.decided_at) = (OLD.decided_by, OLD.decided_at)
              AND upper_inf(OLD.valid) AND NOT upper_inf(NEW.valid)
              AND lower(NEW.valid) = lower(OLD.valid) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'terms are proposed, then decided, and only end after that'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER terms_go_their_way BEFORE INSERT OR UPDATE OR DELETE ON terms
    FOR EACH ROW EXECUTE FUNCTION terms_go_their_way();
DROP FUNCTION terms_only_end;
GRANT UPDATE (state, decided_by, decided_at) ON terms TO hub_app;
"""

TAX_CODES = """
CREATE TABLE tax_code (
    id uuid NOT NULL CONSTRAINT pk_tax_code PRIMARY KEY,
    legal_entity text NOT NULL
        CONSTRAINT fk_tax_code_legal_entity REFERENCES legal_entity (code),
    code text NOT NULL, valid daterange NOT NULL, rate jsonb NOT NULL,
    method text NOT NULL,
    code_id uuid GENERATED ALWAYS AS (md5(legal_entity || '/' || code)::uuid) STORED
        NOT NULL,
    created_by uuid NOT NULL
        CONSTRAINT fk_tax_code_created_by REFERENCES credential (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ex_tax_code_valid EXCLUDE USING gist (
        uuidrange(code_id, code_id, '[]') WITH &&, valid WITH &&),
    CONSTRAINT ck_tax_code_valid CHECK (NOT isempty(valid)),
    CONSTRAINT ck_tax_code_method CHECK (method IN ('included', 'on-top'))
);
CREATE FUNCTION tax_code_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.valid) AND NOT upper_inf(NEW.valid)
       AND lower(NEW.valid) = lower(OLD.valid) AND upper(NEW.valid) > current_date
       AND to_jsonb(NEW) - 'valid' - 'code_id' = to_jsonb(OLD) - 'valid' - 'code_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a tax code is immutable, but for the end of an open-ended one'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER tax_code_only_ends BEFORE UPDATE OR DELETE ON tax_code
    FOR EACH ROW EXECUTE FUNCTION tax_code_only_ends();
GRANT SELECT, INSERT ON tax_code TO hub_app;
GRANT UPDATE (valid) ON tax_code TO hub_app;
"""

JOURNAL = """
ALTER TABLE journal_entry ALTER order_id DROP NOT NULL, ALTER line_no DROP NOT NULL,
    ALTER sequence DROP NOT NULL, ALTER supplier_contract_id DROP NOT NULL,
    ALTER agent_contract_id DROP NOT NULL,
    ADD supplier_stated_at timestamptz, ADD agent_stated_at timestamptz,
    ADD performance_id uuid, ADD reference text, ADD detail jsonb, ADD made_by uuid,
    DROP CONSTRAINT fk_journal_entry_world,
    DROP CONSTRAINT fk_journal_entry_legal_entity,
    DROP CONSTRAINT fk_journal_entry_supplier_contract_id,
    DROP CONSTRAINT fk_journal_entry_agent_contract_id,
    ADD CONSTRAINT ck_journal_entry_named CHECK (
        num_nulls(order_id, line_no, sequence) IN (0, 3)
        AND (order_id IS NULL) = (reference IS NOT NULL)
        AND (order_id IS NULL OR num_nulls(supplier_contract_id, agent_contract_id)
            = 0)
        AND (kind = 'revaluation'
            OR num_nonnulls(supplier_contract_id, agent_contract_id) > 0));
CREATE UNIQUE INDEX uq_journal_entry_reference
    ON journal_entry (world, legal_entity, kind, reference)
    WHERE reference IS NOT NULL;
CREATE FUNCTION entry_is_its_contracts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT world, legal_entity, supplier_contract_id AS s,
                            agent_contract_id AS a FROM inserted) i
               LEFT JOIN contract s ON s.id = i.s LEFT JOIN contract a ON a.id = i.a
               LEFT JOIN partner ps ON ps.id = s.partner_id
               LEFT JOIN partner pa ON pa.id = a.partner_id
               LEFT JOIN world w ON w.name = i.world
               LEFT JOIN legal_entity l ON l.code = i.legal_entity
               WHERE w.name IS NULL OR l.code IS NULL
               OR (i.s IS NULL) <> (s.id IS NULL) OR (i.a IS NULL) <> (a.id IS NULL)
               OR ps.kind <> 'supplier' OR pa.kind <> 'agent'
               OR (i.world, i.legal_entity) IS DISTINCT FROM
                  (coalesce(s.world, i.world), coalesce(s.legal_entity, i.legal_entity))
               OR (i.world, i.legal_entity) IS DISTINCT FROM
                  (coalesce(a.world, i.world), coalesce(a.legal_entity, i.legal_entity)))
    THEN
        RAISE EXCEPTION 'an entry is of its contracts'' world and legal entity'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_is_its_contracts AFTER INSERT ON journal_entry
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION entry_is_its_contracts();
ALTER TABLE idempotency_key DROP CONSTRAINT fk_idempotency_key_world;
DROP INDEX ix_journal_entry_supplier;
DROP INDEX ix_journal_entry_agent;
CREATE INDEX ix_journal_entry_supplier_stated ON journal_entry
    (supplier_contract_id, coalesce(supplier_stated_at, happened_at));
CREATE INDEX ix_journal_entry_agent_stated ON journal_entry
    (agent_contract_id, coalesce(agent_stated_at, happened_at));
CREATE TABLE account (code text NOT NULL CONSTRAINT pk_account PRIMARY KEY);
GRANT SELECT ON account TO hub_app;
-- What a row's keys would say of each posting, a trigger says once a statement.
ALTER TABLE posting DROP CONSTRAINT fk_posting_entry_id,
    DROP CONSTRAINT fk_posting_party_id;
DROP INDEX ix_posting_account;
CREATE INDEX ix_posting_kept ON posting (entry_id)
    WHERE account IN ('payable:deferred', 'payable:reserve');

CREATE OR REPLACE FUNCTION posting_belongs_to_new_entry() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT entry_id FROM inserted) i
               LEFT JOIN journal_entry e ON e.id = i.entry_id
               WHERE e.posted_xid IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a posting belongs to an entry of its own transaction'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT account FROM inserted) i
               LEFT JOIN account a ON a.code = i.account WHERE a.code IS NULL) THEN
        RAISE EXCEPTION 'a posting is on an account of the chart'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT party_id FROM inserted
                            WHERE party_id IS NOT NULL) i
               LEFT JOIN partner p ON p.id = i.party_id WHERE p.id IS NULL) THEN
        RAISE EXCEPTION 'a posting is for a partner or for nobody'
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
ALTER TABLE statement_line ALTER order_id DROP NOT NULL,
    ALTER order_line DROP NOT NULL,
    ADD other_minor bigint NOT NULL DEFAULT 0;
-- Statements so far have the first form; a draft is drafted anew in the second.
ALTER TABLE statement ADD form integer NOT NULL DEFAULT 1;
ALTER TABLE statement ALTER form DROP DEFAULT;
"""

ACCOUNTS = (
    *("asset:bank", "asset:psp", "asset:inventory", "asset:suspense"),
    *("receivable:agent", "receivable:supplier", "payable:supplier", "payable:agent"),
    *("payable:share", "payable:deferred", "payable:reserve", "payable:buyer-refund"),
    *("payable:in-transit", "payable:special-fund", "payable:box-office-tax"),
    *("deposit:agent", "tax:input", "tax:output", "tax:withheld"),
    *("tax:withholding-claim", "income:commission", "income:service-fee"),
    *("income:booking-fee", "income:refund-fee", "income:advertising"),
    *("income:value-added", "income:tickets", "income:guarantee", "income:fx-spread"),
    *("expense:commission", "expense:promotion", "expense:psp-fee"),
    *("expense:chargeback-fee", "expense:guarantee", "expense:tickets", "expense:fx"),
    *("equity:trading", "tickets:agent", "tickets:supplier"),
)

QUOTES = """
CREATE FUNCTION pg_temp.amount(what text, side text, recipient text, minor bigint,
    rule text, inputs jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('what', what, 'minor', minor, 'side',
        nullif(side, ''), 'to', nullif(recipient, ''), 'rule', rule, 'inputs', inputs))
$$;
CREATE FUNCTION pg_temp.side(said jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('contract_id', said->'contract_id', 'terms_id',
        said->'terms_id', 'version', said->'version', 'zone', (SELECT zone FROM contract
        WHERE id = (said->>'contract_id')::uuid)) $$;
CREATE FUNCTION pg_temp.quote(said jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('currency', said->'currency',
        'quantity', said->'quantity', 'legal_entity', said->'legal_entity',
        'supplier_id', said->'supplier_id', 'agent_id', said->'agent_id',
        'supplier', pg_temp.side(said->'supplier'),
        'agent', pg_temp.side(said->'agent'),
        'amounts', (SELECT jsonb_agg(a) FROM (
            SELECT pg_temp.amount('face', '', '', (said->>'face_minor')::bigint,
                'face value', NULL) AS a
            UNION ALL SELECT pg_temp.amount('booking-fee', '', 'supplier',
                (said->>'booking_fee_minor')::bigint, 'the supplier''s own fee', NULL)
                WHERE (said->>'booking_fee_minor')::bigint <> 0
            UNION ALL SELECT pg_temp.amount('service-fee', s, 'hub',
                (said->s->>'service_fee_minor')::bigint, said->s->>'rule',
                jsonb_build_object('fixed_minor', said->s->'ticket_fee_minor'))
                FROM unnest(ARRAY['supplier', 'agent']) s
                WHERE (said->s->>'service_fee_minor')::bigint <> 0
            UNION ALL SELECT pg_temp.amount('commission', s,
                CASE s WHEN 'agent' THEN 'agent' ELSE 'hub' END,
                (said->s->>'commission_minor')::bigint, said->s->>'rule',
                jsonb_build_object('rate', said->s->'commission_bp', 'base_minor',
                    said->s->'commission_base_minor'))
                FROM unnest(ARRAY['supplier', 'agent']) s
                WHERE (said->s->>'commission_minor')::bigint <> 0) amounts)) $$;
UPDATE order_line SET quote = pg_temp.quote(quote) WHERE NOT quote ? 'amounts';
ALTER TABLE hold_line ADD owed_minor bigint NOT NULL DEFAULT 0;
-- A sale as it was priced before: the agent owes price and fee less commission.
UPDATE hold_line SET owed_minor = (quote->>'face_minor')::bigint
    + (quote->>'booking_fee_minor')::bigint
    + (quote->'agent'->>'service_fee_minor')::bigint
    - (quote->'agent'->>'commission_minor')::bigint WHERE NOT quote ? 'amounts';
UPDATE hold_line SET quote = pg_temp.quote(quote) WHERE NOT quote ? 'amounts';
ALTER TABLE hold_line ALTER owed_minor DROP DEFAULT;
"""

CREDIT = """
CREATE TABLE credit (
    contract_id uuid NOT NULL CONSTRAINT pk_credit PRIMARY KEY
        CONSTRAINT fk_credit_contract_id REFERENCES contract (id),
    world text NOT NULL CONSTRAINT fk_credit_world REFERENCES world (name),
    legal_entity text NOT NULL
        CONSTRAINT fk_credit_legal_entity REFERENCES legal_entity (code),
    partner_id uuid NOT NULL CONSTRAINT fk_credit_partner_id REFERENCES partner (id),
    currency text NOT NULL, limit_minor bigint,
    deposit_minor bigint NOT NULL DEFAULT 0, exposure_minor bigint NOT NULL DEFAULT 0,
    reserved_minor bigint NOT NULL DEFAULT 0, alerted_bp integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_credit_limit_minor CHECK (limit_minor >= 0),
    CONSTRAINT ck_credit_reserved_minor CHECK (reserved_minor >= 0)
) WITH (fillfactor = 50);
CREATE TABLE credit_change (
    id uuid NOT NULL CONSTRAINT pk_credit_change PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_credit_change_world REFERENCES world (name),
    contract_id uuid NOT NULL
        CONSTRAINT fk_credit_change_contract_id REFERENCES contract (id),
    before_minor bigint, limit_minor bigint, reason text NOT NULL,
    made_by uuid NOT NULL
        CONSTRAINT fk_credit_change_made_by REFERENCES credential (id),
    made_at timestamptz NOT NULL
);
CREATE INDEX ix_credit_change_contract_id ON credit_change (contract_id, id);
CREATE TABLE credit_alert (
    id uuid NOT NULL CONSTRAINT pk_credit_alert PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_credit_alert_world REFERENCES world (name),
    contract_id uuid NOT NULL
        CONSTRAINT fk_credit_alert_contract_id REFERENCES contract (id),
    threshold_bp integer NOT NULL, used_minor bigint NOT NULL,
    usable_minor bigint NOT NULL, reached_at timestamptz NOT NULL
);
CREATE INDEX ix_credit_alert_contract_id ON credit_alert (contract_id, id);
INSERT INTO credit (contract_id, world, legal_entity, partner_id, currency,
    exposure_minor, reserved_minor)
SELECT c.id, c.world, c.legal_entity, c.partner_id, c.currency,
    coalesce((SELECT sum(p.amount_minor) FROM posting p
        JOIN journal_entry e ON e.id = p.entry_id WHERE p.party_id = c.partner_id
        AND p.account = 'receivable:agent' AND p.currency = c.currency
        AND e.legal_entity = c.legal_entity), 0),
    coalesce((SELECT sum(l.owed_minor) FROM hold_line l JOIN hold h ON h.id = l.hold_id
        WHERE h.state = 'held' AND h.agent_id = c.partner_id
        AND l.quote->>'currency' = c.currency), 0)
FROM contract c JOIN partner a ON a.id = c.partner_id WHERE a.kind = 'agent';
GRANT SELECT,
    UPDATE (limit_minor, deposit_minor, exposure_minor, reserved_minor, alerted_bp)
    ON credit TO hub_app;
CREATE FUNCTION contract_opens_credit() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO credit (contract_id, world, legal_entity, partner_id, currency)
    SELECT NEW.id, NEW.world, NEW.legal_entity, NEW.partner_id, NEW.currency
    FROM partner WHERE id = NEW.partner_id AND kind = 'agent';
    RETURN NULL;
END $$;
CREATE TRIGGER contract_opens_credit AFTER INSERT ON contract
    FOR EACH ROW EXECUTE FUNCTION contract_opens_credit();
GRANT SELECT, INSERT ON credit_change, credit_alert TO hub_app;
"""

_MEASURES = ", ".join(
    f"{name} bigint NOT NULL"
    for name in (
        *("tickets", "face_minor", "booking_fee_minor", "service_fee_minor"),
        *("commission_minor", "other_minor", "due_minor"),
        *("counted", "measured", "base_minor", "accrued_minor"),
    )
)
TOTALS = f"""
CREATE TABLE total_delta (
    id uuid NOT NULL CONSTRAINT pk_total_delta PRIMARY KEY,
    world text NOT NULL, legal_entity text NOT NULL, contract_id uuid NOT NULL,
    day date NOT NULL, terms_id uuid NOT NULL, bucket text NOT NULL, {_MEASURES}
);
CREATE TABLE total (
    contract_id uuid NOT NULL, day date NOT NULL, terms_id uuid NOT NULL,
    bucket text NOT NULL,
    world text NOT NULL CONSTRAINT fk_total_world REFERENCES world (name),
    legal_entity text NOT NULL, {_MEASURES},
    CONSTRAINT pk_total PRIMARY KEY (contract_id, day, terms_id, bucket)
) WITH (fillfactor = 70);
CREATE INDEX ix_total_bucket ON total (contract_id, bucket);
GRANT SELECT, INSERT, DELETE ON total_delta TO hub_app;
GRANT SELECT, INSERT, UPDATE (tickets, face_minor, booking_fee_minor,
    service_fee_minor, commission_minor, other_minor, due_minor, counted, measured,
    base_minor, accrued_minor) ON total TO hub_app;
-- What was sold before: one total a day, contract and terms.
INSERT INTO total (contract_id, day, terms_id, bucket, world, legal_entity, tickets,
    face_minor, booking_fee_minor, service_fee_minor, commission_minor, other_minor,
    due_minor, counted, measured, base_minor, accrued_minor)
SELECT c.id, (e.happened_at AT TIME ZONE c.zone)::date,
    (l.quote->s.side->>'terms_id')::uuid, '', e.world, e.legal_entity,
    sum(e.tickets), sum(s.sign * p.face), sum(s.sign * p.booking), sum(p.fee),
    sum(-s.sign * p.commission), 0,
    sum(s.sign * (p.face + p.booking + p.fee + p.commission)), 0, 0, 0, 0
FROM journal_entry e
JOIN order_line l ON (l.order_id, l.no) = (e.order_id, e.line_no)
CROSS JOIN (VALUES ('agent', 1, 'receivable:agent'),
    ('supplier', -1, 'payable:supplier')) AS s(side, sign, account)
JOIN contract c ON c.id = CASE s.side WHEN 'agent' THEN e.agent_contract_id
    ELSE e.supplier_contract_id END
CROSS JOIN LATERAL (SELECT
    coalesce(sum(amount_minor) FILTER (WHERE what = 'face'), 0) AS face,
    coalesce(sum(amount_minor) FILTER (WHERE what = 'booking-fee'), 0) AS booking,
    coalesce(sum(amount_minor) FILTER (WHERE what = 'service-fee'), 0) AS fee,
    coalesce(sum(amount_minor) FILTER (WHERE what = 'commission'), 0) AS commission
    FROM posting WHERE entry_id = e.id AND account = s.account) p
GROUP BY 1, 2, 3, 5, 6;
"""  # noqa: S608 - our own words

SALES = """
-- Keys lock the rows they look up, row by row: two processes that sell the same
-- performance write its row for each other's sake. One trigger a statement looks
-- instead, and the application may not delete what is referred to.
ALTER TABLE sale_order DROP CONSTRAINT fk_sale_order_world,
    DROP CONSTRAINT fk_sale_order_agent_id;
ALTER TABLE order_line DROP CONSTRAINT fk_order_line_performance_id,
    DROP CONSTRAINT fk_order_line_node_id, DROP CONSTRAINT fk_order_line_offer_id;
ALTER TABLE ticket DROP CONSTRAINT fk_ticket_seat_id;
CREATE FUNCTION order_is_an_agents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT world, agent_id FROM inserted) i
               LEFT JOIN partner p ON p.id = i.agent_id AND p.world = i.world
               AND p.kind = 'agent' WHERE p.id IS NULL) THEN
        RAISE EXCEPTION 'an order is an agent''s of its world'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_is_an_agents AFTER INSERT ON sale_order
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION order_is_an_agents();
CREATE FUNCTION line_is_offered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT performance_id, node_id, offer_id
                            FROM inserted) i
               LEFT JOIN offer o ON o.id = i.offer_id
               LEFT JOIN performance_area a ON a.id = o.performance_area_id
               LEFT JOIN node n ON n.id = i.node_id
               WHERE (i.performance_id, i.performance_id, a.id) IS DISTINCT FROM
                     (a.performance_id, n.performance_id, n.root_id)) THEN
        RAISE EXCEPTION 'a line''s performance, node and offer belong together'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_is_offered AFTER INSERT ON order_line
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION line_is_offered();
CREATE FUNCTION ticket_has_a_seat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted i LEFT JOIN seat s ON s.id = i.seat_id
               WHERE i.seat_id IS NOT NULL AND s.id IS NULL) THEN
        RAISE EXCEPTION 'a ticket is for a seat that is there'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ticket_has_a_seat AFTER INSERT ON ticket
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION ticket_has_a_seat();
REVOKE DELETE, TRUNCATE ON world, legal_entity, partner, contract, venue, auditorium,
    area, seat, production, performance, performance_area, offer, node FROM hub_app;
"""

IMMUTABLE = ("credit_change", "credit_alert")


def upgrade() -> None:
    op.execute(TERMS)
    op.execute(TAX_CODES)
    op.execute(JOURNAL)
    values = ", ".join(f"('{code}')" for code in ACCOUNTS)
    op.execute(f"INSERT INTO account VALUES {values}")  # noqa: S608 - ours
    op.execute(QUOTES)
    op.execute(CREDIT)
    op.execute(TOTALS)
    op.execute(SALES)
    for table in IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER {table}_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION is_immutable()"
        )
