"""Invoices, what they say of companies, and what they call a tax code."""

from alembic import op
from sqlalchemy import text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE billing_profile (
    id uuid CONSTRAINT pk_billing_profile PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_billing_profile_world REFERENCES world (name),
    legal_entity text
        CONSTRAINT fk_billing_profile_legal_entity REFERENCES legal_entity (code),
    partner_id uuid CONSTRAINT fk_billing_profile_partner_id REFERENCES partner (id),
    name text NOT NULL, street text NOT NULL, postcode text NOT NULL,
    city text NOT NULL, country text NOT NULL, vat_id text, registration_id text,
    self_billing jsonb NOT NULL DEFAULT '{}',
    set_by uuid NOT NULL CONSTRAINT fk_billing_profile_set_by REFERENCES credential (id),
    set_at timestamptz NOT NULL,
    CONSTRAINT uq_billing_profile_world_legal_entity UNIQUE (world, legal_entity),
    CONSTRAINT uq_billing_profile_partner_id UNIQUE (partner_id),
    CONSTRAINT ck_billing_profile_whose
        CHECK (num_nonnulls(legal_entity, partner_id) = 1)
);
GRANT SELECT, INSERT, UPDATE ON billing_profile TO hub_app;

ALTER TABLE tax_code ADD COLUMN category text, ADD COLUMN exemption text
    NOT NULL DEFAULT '';
ALTER TABLE tax_code DISABLE TRIGGER tax_code_only_ends;
UPDATE tax_code SET category = CASE WHEN rate::text ~ '^"?0+(/|"|$)' THEN 'Z' ELSE 'S'
    END;
ALTER TABLE tax_code ENABLE TRIGGER tax_code_only_ends;
ALTER TABLE tax_code ALTER COLUMN category SET NOT NULL,
    ALTER COLUMN exemption DROP DEFAULT,
    ADD CONSTRAINT ck_tax_code_category
        CHECK (category IN ('S', 'Z', 'E', 'AE', 'O'));

CREATE INDEX ix_journal_entry_agent_alone ON journal_entry (agent_contract_id,
    coalesce(agent_stated_at, happened_at)) WHERE order_id IS NULL;
CREATE INDEX ix_journal_entry_supplier_alone ON journal_entry (supplier_contract_id,
    coalesce(supplier_stated_at, happened_at)) WHERE order_id IS NULL;

CREATE TABLE invoice (
    id uuid CONSTRAINT pk_invoice PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_invoice_world REFERENCES world (name),
    legal_entity text NOT NULL
        CONSTRAINT fk_invoice_legal_entity REFERENCES legal_entity (code),
    partner_id uuid NOT NULL CONSTRAINT fk_invoice_partner_id REFERENCES partner (id),
    statement_id uuid NOT NULL
        CONSTRAINT fk_invoice_statement_id REFERENCES statement (id),
    memo_id uuid CONSTRAINT fk_invoice_memo_id REFERENCES memo (id),
    seller text NOT NULL CONSTRAINT ck_invoice_seller CHECK (seller IN ('hub', 'partner')),
    is_taxed boolean NOT NULL, type_code text NOT NULL, number integer,
    document_id text NOT NULL, currency text NOT NULL, net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL, gross_minor bigint NOT NULL, document bytea NOT NULL,
    issued_by uuid NOT NULL CONSTRAINT fk_invoice_issued_by REFERENCES credential (id),
    issued_at timestamptz NOT NULL,
    CONSTRAINT uq_invoice_legal_entity_number UNIQUE (legal_entity, number),
    CONSTRAINT uq_invoice_memo_id UNIQUE (memo_id),
    CONSTRAINT ck_invoice_sums CHECK (gross_minor = net_minor + tax_minor),
    CONSTRAINT ck_invoice_number CHECK ((number IS NULL) = (world <> 'live'))
);
CREATE UNIQUE INDEX uq_invoice_statement ON invoice (statement_id, seller, is_taxed)
    WHERE memo_id IS NULL;
GRANT SELECT, INSERT ON invoice TO hub_app;
CREATE TRIGGER invoice_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice
    FOR EACH STATEMENT EXECUTE FUNCTION is_immutable();
"""


def upgrade() -> None:
    op.execute(text(STATEMENTS.replace(":", "\\:")))
