"""The laws of the journal and of statements, checked on the database."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from partners.models import Contract, Partner
from settlement.models import Statement
from settlement.queries.journal import statement_rows
from settlement.queries.seals import broken_seals
from settlement.queries.statements import stored_rows
from settlement.rules.periods import Period
from settlement.rules.statements import digest, totals

_UNBALANCED = text(
    "SELECT entry_id, currency, sum(amount_minor) AS off_by FROM posting"
    " GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0 LIMIT 20"
)
_WITHOUT_POSTINGS = text(
    "SELECT e.id AS entry_id FROM journal_entry e WHERE NOT EXISTS"
    " (SELECT FROM posting p WHERE p.entry_id = e.id) LIMIT 20"
)
_NOT_STATED = text(
    "SELECT e.id AS entry_id, s.contract_id FROM statement s JOIN journal_entry e"
    " ON CASE s.side WHEN 'agent' THEN e.agent_contract_id"
    " ELSE e.supplier_contract_id END = s.contract_id"
    " AND e.happened_at >= s.starts_at AND e.happened_at < s.ends_at"
    " WHERE s.state = 'closed' AND NOT EXISTS (SELECT FROM statement_line l"
    " WHERE l.entry_id = e.id AND l.side = s.side) LIMIT 20"
)
_NUMBERS = text(
    "SELECT coalesce(n.legal_entity, s.legal_entity) AS legal_entity, n.last"
    " FROM document_number n FULL JOIN (SELECT legal_entity, count(*) AS issued,"
    " min(number) AS low, max(number) AS high FROM statement"
    " WHERE number IS NOT NULL GROUP BY legal_entity) s"
    " ON s.legal_entity = n.legal_entity"
    " WHERE (n.last, 1, n.last) IS DISTINCT FROM (s.issued::int, s.low, s.high)"
    " LIMIT 20"
)
_TERMS_USED = text(
    "SELECT l.order_id, l.no, said.side FROM order_line l CROSS JOIN LATERAL"
    " (VALUES ('agent', l.quote->'agent'), ('supplier', l.quote->'supplier'))"
    " AS said(side, quote)"
    " LEFT JOIN terms t ON t.id = (said.quote->>'terms_id')::uuid"
    " WHERE ((said.quote->>'contract_id')::uuid, (said.quote->>'version')::int,"
    " (said.quote->>'commission_bp')::int,"
    " (said.quote->>'ticket_fee_minor')::bigint,"
    " (said.quote->>'service_fee_minor')::bigint,"
    " (said.quote->>'commission_base_minor')::bigint) IS DISTINCT FROM"
    " (t.contract_id, t.version, t.commission_bp, t.ticket_fee_minor,"
    " t.ticket_fee_minor * l.quantity, l.face_minor) LIMIT 20"
)


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of settlement: balance, seals, statements."""
    checks = {
        "every entry sums to zero in every currency": _UNBALANCED,
        "every entry has postings": _WITHOUT_POSTINGS,
        "every entry of a closed time is in a statement of each side": _NOT_STATED,
        "document numbers have no gaps": _NUMBERS,
        "a sale has the terms its contract says": _TERMS_USED,
    }
    found = [
        {"law": law} | {name: str(value) for name, value in row.items()}
        for law, query in checks.items()
        for row in session.execute(query).mappings()
    ]
    return found + _broken_statements(session) + broken_seals(session)


def _broken_statements(session: Session) -> list[dict[str, Any]]:
    closed = (
        select(Statement, Contract, Partner)
        .join(Contract, Contract.id == Statement.contract_id)
        .join(Partner, Partner.id == Contract.partner_id)
        .where(Statement.state == "closed")
        .order_by(Statement.id)
    )
    return [
        {"law": law, "statement_id": str(statement.id)}
        for statement, contract, partner in session.execute(closed)
        for law in _broken(session, statement, contract, partner)
    ]


def _broken(
    session: Session, statement: Statement, contract: Contract, partner: Partner
) -> list[str]:
    lines = stored_rows(session, statement.id)
    period = Period(statement.period, statement.starts_at, statement.ends_at)
    said = (statement.partner_id, statement.currency, statement.legal_entity)
    agreed = (contract.partner_id, contract.currency, contract.legal_entity)
    held = {
        "a closed statement's lines are those that were closed": digest(lines)
        == statement.lines_digest,
        "a closed statement's totals are the sums of its lines": totals(lines)
        == statement.totals,
        "a closed statement says what the journal says": lines
        == statement_rows(session, contract, statement.side, period),
        "a statement is its contract's": (*said, statement.side)
        == (*agreed, partner.kind),
    }
    return [law for law, is_held in held.items() if not is_held]
