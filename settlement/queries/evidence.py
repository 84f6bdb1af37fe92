"""What is exported as evidence: lines of closed statements, and how they came about."""

from collections.abc import Iterator
from typing import Any

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

COLUMNS = (
    "period VARCHAR, partner VARCHAR, side VARCHAR, statement_id UUID,"
    " contract_id UUID, legal_entity VARCHAR, currency VARCHAR, zone VARCHAR,"
    " no INTEGER, entry_id UUID, order_id UUID, order_line INTEGER, kind VARCHAR,"
    " happened_at TIMESTAMPTZ, stated_on DATE, tickets BIGINT, face_minor BIGINT,"
    " booking_fee_minor BIGINT, service_fee_minor BIGINT, commission_minor BIGINT,"
    " other_minor BIGINT, due_minor BIGINT, origin_entry_id UUID,"
    " origin_period VARCHAR, terms_id UUID"
)
_LINES = """
SELECT s.period, p.ref AS partner, s.side, s.id AS statement_id, s.contract_id,
    s.legal_entity, s.currency, c.zone, l.no, l.entry_id, l.order_id, l.order_line,
    l.kind, l.happened_at, (l.stated_at AT TIME ZONE c.zone)::date AS stated_on,
    l.tickets, l.face_minor, l.booking_fee_minor, l.service_fee_minor,
    l.commission_minor, l.other_minor, l.due_minor, l.origin_entry_id,
    l.origin_period, l.terms_id
FROM statement s JOIN contract c ON c.id = s.contract_id
JOIN partner p ON p.id = s.partner_id
JOIN statement_line l ON l.statement_id = s.id
WHERE s.world = {world} AND s.period = {period} AND s.state IN ('closed', 'paid')
"""
TERMS_COLUMNS = "terms_id UUID, side VARCHAR, currency VARCHAR, clauses JSON"
_TERMS = """
SELECT t.id AS terms_id, p.kind AS side, c.currency, t.clauses FROM terms t
JOIN contract c ON c.id = t.contract_id JOIN partner p ON p.id = c.partner_id
WHERE c.world = {world} AND t.state = 'approved'
"""
_ROLLED = text(
    "SELECT contract_id::text AS contract_id, day, sum(tickets)::bigint AS tickets,"
    " sum(face_minor)::bigint AS face_minor,"
    " sum(commission_minor)::bigint AS commission_minor,"
    " sum(due_minor)::bigint AS due_minor FROM (SELECT contract_id, day, tickets,"
    " face_minor, commission_minor, due_minor FROM total UNION ALL SELECT contract_id,"
    " day, tickets, face_minor, commission_minor, due_minor FROM total_delta) t"
    " WHERE contract_id = ANY(SELECT contract_id FROM statement WHERE world = :world"
    "  AND period = :period AND state IN ('closed', 'paid')) AND to_char(day,"
    " 'YYYY-MM') = :period GROUP BY 1, 2 HAVING (sum(tickets), sum(face_minor),"
    " sum(commission_minor), sum(due_minor)) <> (0, 0, 0, 0) ORDER BY 1, 2"
)
_TOTALS = text(
    "SELECT id::text AS id, (totals->>'lines')::bigint AS lines,"
    " (totals->>'tickets')::bigint AS tickets,"
    " (totals->>'face_minor')::bigint AS face_minor,"
    " (totals->>'commission_minor')::bigint AS commission_minor,"
    " (totals->>'due_minor')::bigint AS due_minor FROM statement WHERE world = :world"
    " AND period = :period AND state IN ('closed', 'paid')"
    " AND (totals->>'lines')::bigint > 0 ORDER BY 1"
)


def lines_csv(session: Session, world: str, period: str) -> Iterator[bytes]:
    """Yield the lines of a period's closed statements as CSV, many at a time."""
    by = "statement_id, no / 2000"
    return _lines(session, (_LINES, COLUMNS, by), world=world, period=period)


def terms_csv(session: Session, world: str) -> Iterator[bytes]:
    """Yield every approved version of terms as CSV: by what lines were computed."""
    return _lines(session, (_TERMS, TERMS_COLUMNS, "terms_id"), world=world)


def _lines(
    session: Session, said: tuple[str, str, str], **named: str
) -> Iterator[bytes]:
    """Yield rows as CSV; a row of the reply is many lines, which is far quicker."""
    query, columns, by = said
    driver: Any = session.connection().connection.driver_connection
    literals = {name: sql.Literal(value) for name, value in named.items()}
    made = sql.SQL("SELECT string_agg({line}, E'\\n') FROM ({rows}) AS r GROUP BY {by}")
    asked = made.format(
        line=sql.SQL(" || ',' || ").join(map(_cell, columns.split(", "))),
        rows=sql.SQL(query).format(**literals),
        by=sql.SQL(by),
    )
    with driver.cursor(name="evidence") as cursor:
        cursor.itersize = 20
        for row in cursor.execute(asked):
            yield row[0].encode() + b"\n"


def _cell(column: str) -> sql.Composed:
    """Return a cell of CSV: texts in quotes, so that nothing in them ends the cell."""
    name, kind = column.split()
    text_ = "coalesce({}::text, '')"
    if kind in {"VARCHAR", "JSON"}:
        text_ = "coalesce('\"' || replace({}::text, '\"', '\"\"') || '\"', '')"
    return sql.SQL(text_).format(sql.Identifier(name))


def rolled_up(session: Session, world: str, period: str) -> list[tuple[Any, ...]]:
    """Return what the roll-up says of each contract's days: the fold and the tail."""
    return [
        tuple(r) for r in session.execute(_ROLLED, {"world": world, "period": period})
    ]


def stated_totals(session: Session, world: str, period: str) -> list[tuple[Any, ...]]:
    """Return what the closed statements say they come to."""
    return [
        tuple(r) for r in session.execute(_TOTALS, {"world": world, "period": period})
    ]
