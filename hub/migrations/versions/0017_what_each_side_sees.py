"""What each side sees of an entry is on the entry: statements read no postings."""

from alembic import op
from sqlalchemy import text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SEEN = """(SELECT ARRAY[{sign} * face, {sign} * booking, fee, -{sign} * commission,
    {sign} * (total - face - booking - fee - commission), {sign} * total]
    FROM (SELECT
        coalesce(sum(amount_minor) FILTER (WHERE what = 'face'), 0)::bigint AS face,
        coalesce(sum(amount_minor) FILTER (WHERE what = 'booking-fee'), 0)::bigint
            AS booking,
        coalesce(sum(amount_minor) FILTER (WHERE what = 'service-fee'), 0)::bigint
            AS fee,
        coalesce(sum(amount_minor) FILTER (WHERE what = 'commission'), 0)::bigint
            AS commission, coalesce(sum(amount_minor), 0)::bigint AS total
        FROM posting p JOIN contract c ON c.partner_id = p.party_id
        WHERE p.entry_id = e.id AND c.id = e.{side}_contract_id
        AND p.account IN ('receivable:{side}', 'payable:{side}')) x)"""
_TERMS = """(SELECT coalesce((l.quote->'{side}'->>'terms_id')::uuid,
    (e.detail->>'terms_id')::uuid) FROM (SELECT) one LEFT JOIN order_line l
    ON l.order_id = e.order_id AND l.no = e.line_no)"""
COLUMNS = f"""
ALTER TABLE journal_entry ADD COLUMN agent_amounts bigint[],
    ADD COLUMN supplier_amounts bigint[], ADD COLUMN agent_terms_id uuid,
    ADD COLUMN supplier_terms_id uuid;
ALTER TABLE journal_entry DISABLE TRIGGER journal_entry_is_immutable;
UPDATE journal_entry e SET agent_amounts = {_SEEN.format(sign="1", side="agent")},
    agent_terms_id = {_TERMS.format(side="agent")} WHERE agent_contract_id IS NOT NULL;
UPDATE journal_entry e SET supplier_amounts =
    {_SEEN.format(sign="(-1)", side="supplier")},
    supplier_terms_id = {_TERMS.format(side="supplier")}
    WHERE supplier_contract_id IS NOT NULL;
ALTER TABLE journal_entry ENABLE TRIGGER journal_entry_is_immutable;
ALTER TABLE journal_entry ADD CONSTRAINT ck_journal_entry_amounts CHECK (
    (agent_contract_id IS NULL) = (agent_amounts IS NULL)
    AND (supplier_contract_id IS NULL) = (supplier_amounts IS NULL)
    AND coalesce(cardinality(agent_amounts), 6) = 6
    AND coalesce(cardinality(supplier_amounts), 6) = 6);
ALTER TABLE statement_line DROP CONSTRAINT fk_statement_line_entry_id,
    DROP CONSTRAINT fk_statement_line_statement_id,
    DROP CONSTRAINT uq_statement_line_entry_id_side,
    ADD COLUMN stated_at timestamptz, ADD COLUMN terms_id uuid;
ALTER TABLE statement_line DISABLE TRIGGER statement_line_is_immutable;
UPDATE statement_line l SET stated_at = coalesce(CASE l.side WHEN 'agent'
        THEN e.agent_stated_at ELSE e.supplier_stated_at END, e.happened_at),
    terms_id = CASE l.side WHEN 'agent' THEN e.agent_terms_id
        ELSE e.supplier_terms_id END
    FROM journal_entry e WHERE e.id = l.entry_id;
ALTER TABLE statement_line ENABLE TRIGGER statement_line_is_immutable;
"""  # noqa: S608 - our own words
# Lines are made of the journal by one statement of the database, so what keys would say
# of each follows: they are of entries, and by contract and moment on one statement only.
LINES = """
CREATE OR REPLACE FUNCTION line_belongs_to_open_statement() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT statement_id, side FROM inserted) i
               LEFT JOIN statement s ON s.id = i.statement_id AND s.side = i.side
               WHERE s.id IS NULL OR s.state IN ('closed', 'paid')) THEN
        RAISE EXCEPTION 'a line cannot be added to a closed statement'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
PLACED = [
    (
        (
            "supplier_stated_at, agent_stated_at, performance_id)\n"
            "    SELECT * FROM json_to_recordset(place_orders.entries)"
        ),
        (
            "supplier_stated_at, agent_stated_at, performance_id, agent_amounts,\n"
            "        supplier_amounts, agent_terms_id, supplier_terms_id)\n"
            "    SELECT * FROM json_to_recordset(place_orders.entries)"
        ),
    ),
    (
        "agent_at timestamptz, performance uuid);",
        (
            "agent_at timestamptz, performance uuid, agent_amounts bigint[],\n"
            "        supplier_amounts bigint[], agent_terms uuid, supplier_terms uuid);"
        ),
    ),
]


def upgrade() -> None:
    op.execute(text(COLUMNS.replace(":", "\\:")))
    op.execute(text(LINES.replace(":", "\\:")))
    bind = op.get_bind()
    found = text("SELECT pg_get_functiondef(CAST('place_orders' AS regproc))")
    said = bind.scalar(found)
    for before, after in PLACED:
        if said.count(before) != 1:
            raise RuntimeError(before)
        said = said.replace(before, after)
    bind.exec_driver_sql(said)
