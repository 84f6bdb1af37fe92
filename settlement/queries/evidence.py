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
    " origin_period VARCHAR, quoted_minor BIGINT, base_minor BIGINT, rate VARCHAR,"
    " rule VARCHAR, tax VARCHAR, state VARCHAR"
)
_LINES = """
SELECT s.period, p.ref AS partner, s.side, s.id AS statement_id, s.contract_id,
    s.legal_entity, s.currency, c.zone, l.no, l.entry_id, l.order_id, l.order_line,
    l.kind, l.happened_at, (coalesce(CASE s.side WHEN 'agent' THEN e.agent_stated_at
        ELSE e.supplier_stated_at END, e.happened_at) AT TIME ZONE c.zone)::date
        AS stated_on, l.tickets, l.face_minor, l.booking_fee_minor,
    l.service_fee_minor, l.commission_minor, l.other_minor, l.due_minor,
    l.origin_entry_id, l.origin_period, (q.a->>'minor')::bigint AS quoted_minor,
    (q.a->'inputs'->>'base_minor')::bigint AS base_minor,
    q.a->'inputs'->>'rate' AS rate, q.a->>'rule' AS rule, q.a->>'tax' AS tax,
    coalesce(q.a->>'state', 'final') AS state
FROM statement s JOIN contract c ON c.id = s.contract_id
JOIN partner p ON p.id = s.partner_id
JOIN statement_line l ON l.statement_id = s.id
JOIN journal_entry e ON e.id = l.entry_id
LEFT JOIN order_line o ON e.sequence = 0 AND o.order_id = l.order_id
    AND o.no = l.order_line
LEFT JOIN LATERAL (SELECT a FROM jsonb_array_elements(o.quote->'amounts') AS a
    WHERE a->>'what' = 'commission' AND a->>'side' = s.side LIMIT 1) q ON true
WHERE s.world = {world} AND s.period = {period} AND s.state IN ('closed', 'paid')
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


def evidence_csv(session: Session, world: str, period: str) -> Iterator[bytes]:
    """Yield the lines of a period's closed statements as CSV, block by block."""
    driver: Any = session.connection().connection.driver_connection
    lines = sql.SQL(_LINES).format(world=sql.Literal(world), period=sql.Literal(period))
    copied = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(lines)
    with driver.cursor() as cursor, cursor.copy(copied) as found:
        for block in found:
            yield bytes(block)


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
