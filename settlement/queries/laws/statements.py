"""The laws of statements: what is closed stays, and says what the journal says."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from settlement.models import Statement
from settlement.queries.laws.closed import broken_by
from settlement.rules.statements import ACCOUNTS, SETTLED, STATED

_MISSING = {  # by side, for the index of its entries; and as sets, not joined
    side: (
        "SELECT e.id AS entry_id FROM statement s JOIN journal_entry e"  # noqa: S608 - our own words
        f" ON e.{side}_contract_id = s.contract_id"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) >= s.starts_at"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) < s.ends_at"
        " AND e.kind = ANY(CAST(:kinds AS text[]))"
        f" WHERE s.side = '{side}' AND s.state IN ('closed', 'paid')"
        f" EXCEPT SELECT l.entry_id FROM statement_line l WHERE l.side = '{side}'"
    )
    for side in ACCOUNTS
}
_NOT_STATED = text(
    f"({_MISSING['agent']}) UNION ALL ({_MISSING['supplier']}) LIMIT 20"
).bindparams(kinds=list(STATED))
_NUMBERS = text(
    "SELECT coalesce(n.legal_entity, s.legal_entity) AS legal_entity, n.last"
    " FROM document_number n FULL JOIN (SELECT legal_entity,"
    "  CASE WHEN count(DISTINCT number) = count(*) THEN count(*) END AS issued,"
    "  min(number) AS low, max(number) AS high FROM (SELECT legal_entity, number"
    "   FROM statement UNION ALL SELECT legal_entity, number FROM memo"
    "   UNION ALL SELECT legal_entity, number FROM invoice) d"
    "  WHERE number IS NOT NULL GROUP BY legal_entity) s"
    " ON s.legal_entity = n.legal_entity"
    " WHERE (n.last, 1, n.last) IS DISTINCT FROM (s.issued::int, s.low, s.high)"
    " LIMIT 20"
)


def broken_statements(session: Session) -> list[dict[str, Any]]:
    """Return closed statements that are not what they were or the journal says."""
    checks = {
        "every entry of a closed time is in a statement of each side": _NOT_STATED,
        "document numbers have no gaps": _NUMBERS,
    }
    found = [
        {"law": law} | {name: str(value) for name, value in row.items()}
        for law, query in checks.items()
        for row in session.execute(query).mappings()
    ]
    return found + _closed(session)


def _closed(session: Session) -> list[dict[str, Any]]:
    closed = select(Statement).where(Statement.state.in_(SETTLED))
    return [
        {"law": law, "statement_id": str(statement.id)}
        for statement in session.scalars(closed.order_by(Statement.id))
        for law in broken_by(session, statement)
    ]
