"""What is kept back of a supplier's money, by performance, and when it is due."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

_KEPT = (
    " FROM (SELECT j.id, j.kind, j.supplier_contract_id AS contract_id,"
    "  coalesce(j.performance_id, (j.detail->>'performance_id')::uuid)"
    "  AS performance_id, (l.quote->'supplier'->>'terms_id')::uuid AS terms_id"
    "  FROM journal_entry j LEFT JOIN order_line l"
    "  ON (l.order_id, l.no) = (j.order_id, j.line_no)"
    "  WHERE j.supplier_contract_id IS NOT NULL) e"
    " JOIN posting p ON p.entry_id = e.id AND p.account IN"
    " ('payable:deferred', 'payable:reserve')"
)
_KEPT_BACK = text(
    "SELECT coalesce(-sum(p.amount_minor), 0)::bigint" + _KEPT + " WHERE"
    " e.contract_id = :contract AND e.performance_id = :performance"
    " AND p.account = :account"
)
# By the latest of the days that the terms of its sales say.
_DUE = text(
    "SELECT * FROM (SELECT e.contract_id, e.performance_id, p.account, f.world,"  # noqa: S608 - our own words
    " -sum(p.amount_minor)::bigint AS minor, count(*) FILTER (WHERE e.kind IN"
    " ('release', 'reserve-released')) AS times,"
    " coalesce(f.ends_at, f.starts_at) + make_interval(days =>"
    "  max((t.clauses->'payout'->>'days')::int + CASE p.account"
    "  WHEN 'payable:reserve' THEN (t.clauses->'payout'->>'retention_days')::int"
    "  ELSE 0 END)) AS due_at"
    + _KEPT
    + " JOIN performance f ON f.id = e.performance_id AND f.status <> 'cancelled'"
    " LEFT JOIN terms t ON t.id = e.terms_id"
    " GROUP BY 1, 2, 3, 4, f.ends_at, f.starts_at HAVING sum(p.amount_minor) <> 0) k"
    " JOIN world w ON w.name = k.world"
    " WHERE k.due_at <= clock_timestamp() + w.clock_offset"
    " ORDER BY k.due_at, 1, 2, 3 LIMIT :most"
)


def kept_back(
    session: Session, contract_id: UUID, performance_id: UUID, account: str
) -> int:
    """Return what an account keeps back of a performance's money; minor units."""
    where = {
        "contract": contract_id,
        "performance": performance_id,
        "account": account,
    }
    return int(session.scalar(_KEPT_BACK, where) or 0)


def due_releases(session: Session, *, most: int) -> Sequence[Row[Any]]:
    """Return what is kept back and due by now, the longest due first."""
    return session.execute(_DUE, {"most": most}).all()
