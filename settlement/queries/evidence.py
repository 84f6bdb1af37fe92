"""What is exported as evidence: lines of closed statements, and how they came about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

# What is said of each line; what all lines of a statement share is said once.
LINES_COLUMNS = (
    "statement_no INTEGER, no INTEGER, entry_id UUID, order_id UUID,"
    " order_line INTEGER, kind VARCHAR, happened_at TIMESTAMPTZ, stated_on DATE,"
    " tickets BIGINT, face_minor BIGINT, booking_fee_minor BIGINT,"
    " service_fee_minor BIGINT, commission_minor BIGINT, other_minor BIGINT,"
    " due_minor BIGINT, origin_entry_id UUID, origin_period VARCHAR, terms_id UUID"
)
STATEMENTS_COLUMNS = (
    "statement_no INTEGER, period VARCHAR, partner VARCHAR, side VARCHAR,"
    " statement_id UUID, contract_id UUID, legal_entity VARCHAR, currency VARCHAR,"
    " zone VARCHAR"
)
_STATEMENTS = """
SELECT row_number() OVER (ORDER BY s.id) AS statement_no, s.period, p.ref AS partner,
    s.side, s.id AS statement_id, s.contract_id, s.legal_entity, s.currency, c.zone,
    (SELECT coalesce(max(l.no), 0) FROM statement_line l
     WHERE l.statement_id = s.id) AS lines
FROM statement s JOIN contract c ON c.id = s.contract_id
JOIN partner p ON p.id = s.partner_id
WHERE s.world = {world} AND s.period = {period} AND s.state IN ('closed', 'paid')
"""
_LINES = """
SELECT {statement_no} AS statement_no, l.no, l.entry_id, l.order_id, l.order_line,
    l.kind, l.happened_at, (l.stated_at AT TIME ZONE {zone})::date AS stated_on,
    l.tickets, l.face_minor, l.booking_fee_minor, l.service_fee_minor,
    l.commission_minor, l.other_minor, l.due_minor, l.origin_entry_id,
    l.origin_period, l.terms_id
FROM statement_line l WHERE l.statement_id = {statement_id}
    AND l.no > {after} AND l.no <= {after} + {chunk}
"""
CHUNK = 5_000  # lines that the database puts into one cell of its reply
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


@dataclass(frozen=True, slots=True)
class Stated:
    """A closed statement whose lines are exported; *no* counts those of its period."""

    no: int
    statement_id: UUID
    zone: str
    lines: int


def stated(session: Session, world: str, period: str) -> list[Stated]:
    """Return the closed statements of a period."""
    rows = session.connection().connection.driver_connection.execute(  # type: ignore[union-attr]
        _formed(_STATEMENTS, {"world": world, "period": period})
    )
    return [Stated(row[0], row[4], row[8], row[9]) for row in rows]


def statements_csv(session: Session, world: str, period: str) -> Iterator[bytes]:
    """Yield what the lines of each closed statement of a period share, as CSV."""
    where = {"world": world, "period": period}
    yield from _csv(session, _formed(_STATEMENTS, where), STATEMENTS_COLUMNS)


def lines_csv(session: Session, statement: Stated) -> Iterator[bytes]:
    """Yield the lines of a statement as CSV, many at a time."""
    for after in range(0, statement.lines, CHUNK):
        said = {
            "statement_no": statement.no,
            "statement_id": statement.statement_id,
            "zone": statement.zone,
            "after": after,
            "chunk": CHUNK,
        }
        yield from _csv(session, _formed(_LINES, said), LINES_COLUMNS)


def terms_csv(session: Session, world: str) -> Iterator[bytes]:
    """Yield every approved version of terms as CSV: by what lines were computed."""
    yield from _csv(session, _formed(_TERMS, {"world": world}), TERMS_COLUMNS)


def _formed(query: str, named: Mapping[str, Any]) -> sql.Composed:
    literals = {name: sql.Literal(value) for name, value in named.items()}
    return sql.SQL(query).format(**literals)


def _csv(session: Session, query: sql.Composed, columns: str) -> Iterator[bytes]:
    """Yield rows as CSV; all of them come in one cell, which is far quicker."""
    driver: Any = session.connection().connection.driver_connection
    made = sql.SQL("SELECT string_agg({line}, E'\\n') FROM ({rows}) AS r")
    line = sql.SQL(" || ',' || ").join(map(_cell, columns.split(", ")))
    for (found,) in driver.execute(made.format(line=line, rows=query)):
        if found is not None:
            yield found.encode() + b"\n"


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
