"""Statements: approved before they close and paid after; balances; origins of lines."""

from alembic import op
from sqlalchemy import text

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE statement
    ADD COLUMN approved_by uuid
        CONSTRAINT fk_statement_approved_by REFERENCES credential (id),
    ADD COLUMN approved_at timestamptz,
    ADD COLUMN approval_id uuid,
    ADD COLUMN paid_by uuid CONSTRAINT fk_statement_paid_by REFERENCES credential (id),
    ADD COLUMN paid_at timestamptz,
    ADD COLUMN paid_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN opening_minor bigint,
    ADD COLUMN payments_minor bigint,
    ADD COLUMN closing_minor bigint,
    DROP CONSTRAINT ck_statement_state,
    ADD CONSTRAINT ck_statement_state
        CHECK (state IN ('draft', 'reviewed', 'approved', 'closed', 'paid')),
    DROP CONSTRAINT ck_statement_closed,
    ADD CONSTRAINT ck_statement_closed CHECK (state NOT IN ('closed', 'paid')
        OR num_nulls(reviewed_by, reviewed_at, closed_by, closed_at, watermark,
            code_version) = 0
        AND CASE WHEN form < 3 THEN reviewed_by <> closed_by ELSE
            num_nulls(approval_id, opening_minor, payments_minor, closing_minor) = 0
        END),
    ADD CONSTRAINT ck_statement_approved CHECK (
        (state NOT IN ('approved', 'closed', 'paid') OR form < 3)
        OR num_nulls(approved_by, approved_at, approval_id) = 0
        AND approved_by <> reviewed_by AND approved_by <> drafted_by),
    ADD CONSTRAINT ck_statement_paid CHECK (state <> 'paid'
        OR num_nulls(paid_by, paid_at) = 0
        AND paid_by <> coalesce(approved_by, closed_by)),
    ADD CONSTRAINT ck_statement_balances CHECK (closing_minor IS NULL
        OR closing_minor = opening_minor + (totals->>'due_minor')::bigint
            - payments_minor);
ALTER TABLE statement_line ADD COLUMN origin_entry_id uuid,
    ADD COLUMN origin_period text;

CREATE OR REPLACE FUNCTION closed_statement_is_immutable() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('closed', 'paid') AND NOT (TG_OP = 'UPDATE'
        AND OLD.state = 'closed' AND NEW.state IN ('closed', 'paid')
        AND to_jsonb(NEW) - ARRAY['state', 'paid_by', 'paid_at', 'paid_minor']
            = to_jsonb(OLD) - ARRAY['state', 'paid_by', 'paid_at', 'paid_minor']) THEN
        RAISE EXCEPTION 'statement % is closed', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE OR REPLACE FUNCTION statement_goes_its_way() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'draft' OR (TG_OP = 'UPDATE' AND (OLD.state, NEW.state) IN
        (('draft', 'reviewed'), ('reviewed', 'reviewed'), ('reviewed', 'approved'),
         ('approved', 'approved'), ('approved', 'closed'), ('closed', 'closed'),
         ('closed', 'paid'))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a statement goes draft, reviewed, approved, closed, paid'
        USING ERRCODE = 'check_violation';
END $$;

CREATE OR REPLACE FUNCTION line_belongs_to_open_statement() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted JOIN statement s ON s.id = inserted.statement_id
               WHERE s.state IN ('closed', 'paid')) THEN
        RAISE EXCEPTION 'a line cannot be added to a closed statement'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""


CORRECTIONS = """
INSERT INTO account (code) VALUES ('income:adjustment'), ('expense:adjustment');
CREATE TABLE memo (
    id uuid CONSTRAINT pk_memo PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_memo_world REFERENCES world (name),
    legal_entity text NOT NULL
        CONSTRAINT fk_memo_legal_entity REFERENCES legal_entity (code),
    contract_id uuid NOT NULL CONSTRAINT fk_memo_contract_id REFERENCES contract (id),
    statement_id uuid NOT NULL
        CONSTRAINT fk_memo_statement_id REFERENCES statement (id),
    line integer,
    kind text NOT NULL CONSTRAINT ck_memo_kind CHECK (kind IN ('debit', 'credit')),
    corrects text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    amount_minor bigint NOT NULL CONSTRAINT ck_memo_amount CHECK (amount_minor > 0),
    tax_minor bigint NOT NULL
        CONSTRAINT ck_memo_tax CHECK (tax_minor BETWEEN 0 AND amount_minor),
    state text NOT NULL,
    proposed_by uuid NOT NULL
        CONSTRAINT fk_memo_proposed_by REFERENCES credential (id),
    proposed_at timestamptz NOT NULL,
    decided_by uuid CONSTRAINT fk_memo_decided_by REFERENCES credential (id),
    decided_at timestamptz,
    number integer,
    entry_id uuid CONSTRAINT fk_memo_entry_id REFERENCES journal_entry (id),
    CONSTRAINT uq_memo_legal_entity_number UNIQUE (legal_entity, number),
    CONSTRAINT ck_memo_state CHECK (CASE state
        WHEN 'proposed' THEN num_nonnulls(decided_by, decided_at, number, entry_id) = 0
        WHEN 'rejected' THEN num_nulls(decided_by, decided_at) = 0
            AND num_nonnulls(number, entry_id) = 0
        WHEN 'issued' THEN num_nulls(decided_by, decided_at, entry_id) = 0
            AND decided_by <> proposed_by
        ELSE false END)
);
CREATE INDEX ix_memo_statement_id ON memo (statement_id);
CREATE INDEX ix_memo_contract_id ON memo (contract_id, id);
GRANT SELECT, INSERT, UPDATE ON memo TO hub_app;

CREATE TABLE dispute (
    id uuid CONSTRAINT pk_dispute PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_dispute_world REFERENCES world (name),
    statement_id uuid NOT NULL
        CONSTRAINT fk_dispute_statement_id REFERENCES statement (id),
    line integer NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CONSTRAINT ck_dispute_state
        CHECK (state IN ('open', 'upheld', 'rejected')),
    opened_by uuid NOT NULL CONSTRAINT fk_dispute_opened_by REFERENCES credential (id),
    opened_at timestamptz NOT NULL,
    decided_by uuid CONSTRAINT fk_dispute_decided_by REFERENCES credential (id),
    decided_at timestamptz,
    decision text,
    memo_id uuid CONSTRAINT fk_dispute_memo_id REFERENCES memo (id),
    CONSTRAINT fk_dispute_line FOREIGN KEY (statement_id, line)
        REFERENCES statement_line (statement_id, no),
    CONSTRAINT ck_dispute_decided CHECK ((state = 'open')
        = (num_nonnulls(decided_by, decided_at, decision) = 0)
        AND (state = 'open' OR num_nulls(decided_by, decided_at, decision) = 0)
        AND (state = 'upheld') = (memo_id IS NOT NULL))
);
CREATE UNIQUE INDEX uq_dispute_statement_id_line ON dispute (statement_id, line)
    WHERE state = 'open';
GRANT SELECT, INSERT, UPDATE ON dispute TO hub_app;
"""


def upgrade() -> None:
    op.execute(text(STATEMENTS))
    op.execute(text(CORRECTIONS))
