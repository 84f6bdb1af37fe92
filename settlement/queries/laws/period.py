"""The laws of one period, checked in the database: set by set, not row by row."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.queries.laws.closed import LAWS, broken_by
from settlement.queries.statements import of_period
from settlement.rules.statements import ACCOUNTS, SETTLED, STATED

# Counted, not joined: how a join would go depends on what is known of a table, and of
# one that a closing has just filled nothing is. By side, for the index of its entries.
_ON = {
    side: (
        f"SELECT x.entry_id, '{side}' AS side, sum(x.times) AS times FROM ("  # noqa: S608 - our own words
        " SELECT e.id AS entry_id, 0 AS times, 1 AS wanted FROM statement s"
        f" JOIN journal_entry e ON e.{side}_contract_id = s.contract_id"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) >= s.starts_at"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) < s.ends_at"
        " AND e.kind = ANY(:kinds) WHERE s.world = :world AND s.period = :period"
        f" AND s.side = '{side}' AND s.state IN ('closed', 'paid')"
        " UNION ALL SELECT l.entry_id, 1, 0 FROM statement_line l"
        f" WHERE l.side = '{side}') x GROUP BY x.entry_id"
        " HAVING sum(x.wanted) > 0 AND sum(x.times) <> 1"
    )
    for side in ACCOUNTS
}
_ONCE = text(f"{_ON['agent']} UNION ALL {_ON['supplier']} LIMIT 20")
_CARRIED = text(
    "SELECT s.id AS statement_id, b.closing_minor AS before, s.opening_minor"
    " FROM statement s JOIN LATERAL (SELECT closing_minor FROM statement b"
    "  WHERE b.contract_id = s.contract_id AND b.ends_at = s.starts_at"
    "  AND b.state IN ('closed', 'paid') AND b.closing_minor IS NOT NULL"
    "  ORDER BY b.ends_at DESC LIMIT 1) b ON true"
    " WHERE s.world = :world AND s.period = :period AND s.opening_minor IS NOT NULL"
    " AND b.closing_minor <> s.opening_minor LIMIT 20"
)
_UNBALANCED = text(
    "SELECT p.entry_id, p.currency, sum(p.amount_minor) AS off_by FROM posting p"
    " JOIN (SELECT DISTINCT l.entry_id FROM statement s JOIN statement_line l"
    "  ON l.statement_id = s.id WHERE s.world = :world AND s.period = :period) l"
    " ON l.entry_id = p.entry_id"
    " GROUP BY p.entry_id, p.currency HAVING sum(p.amount_minor) <> 0 LIMIT 20"
)
_TICKETS = text(
    "SELECT s.contract_id, sum((s.totals->>'tickets')::bigint) AS stated,"
    " coalesce(sum(t.tickets), 0) AS posted FROM statement s LEFT JOIN LATERAL ("
    "  SELECT sum(p.amount_minor) * CASE s.side WHEN 'agent' THEN 1 ELSE -1 END"
    "  AS tickets FROM statement_line l JOIN posting p ON p.entry_id = l.entry_id"
    "  AND p.currency = 'TKT' AND p.party_id = s.partner_id"
    "  WHERE l.statement_id = s.id) t ON true"
    " WHERE s.world = :world AND s.period = :period AND s.state IN ('closed', 'paid')"
    " GROUP BY 1 HAVING sum((s.totals->>'tickets')::bigint)"
    " <> coalesce(sum(t.tickets), 0) LIMIT 20"
)
_OPEN = text(
    "SELECT c.id AS contract_id, coalesce(s.state, 'not drafted') AS state"
    " FROM contract c LEFT JOIN statement s ON s.contract_id = c.id"
    " AND s.period = :period WHERE c.world = :world"
    " AND coalesce(s.state, 'none') NOT IN ('closed', 'paid') AND (s.id IS NOT NULL"
    "  OR EXISTS (SELECT FROM total t WHERE t.contract_id = c.id"
    "   AND to_char(t.day, 'YYYY-MM') = :period"
    "   AND (t.tickets, t.due_minor) <> (0, 0)))"
    " LIMIT 20"
)
QUERIES = {
    "every contract's statement of the period is closed": _OPEN,
    "every entry of the period is on exactly one statement of each side": _ONCE,
    "a statement opens with what the one before it closed with": _CARRIED,
    "every entry sums to zero in every currency": _UNBALANCED,
    "tickets stated are tickets posted": _TICKETS,
}


def period_laws(
    session: Session, world: str, period: str
) -> Iterator[tuple[str, list[str]]]:
    """Yield each law of a period with the first facts that break it."""
    where = {"world": world, "period": period, "kinds": list(STATED)}
    for law, query in QUERIES.items():
        rows = session.execute(query, where).mappings()
        yield law, [str(dict(row)) for row in rows]
    found: dict[str, list[str]] = {law: [] for law in LAWS}
    for statement in of_period(session, world=world, period=period):
        if statement.state in SETTLED:
            for law in broken_by(session, statement):
                found[law].append(str(statement.id))
    yield from found.items()
