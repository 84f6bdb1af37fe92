"""Releases: a supplier's deferred money and reserves, when their time has come."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel import clock
from partners.models import Contract
from settlement.queries.terms import clauses_of
from settlement.rules.accounts import DEFERRED_SUPPLIER, RESERVE_SUPPLIER
from settlement.rules.events import Contracted
from settlement.rules.postings import Leg
from settlement.services.movements import Booking, book

RELEASED_MAX = 200
_KEPT_BACK = text(
    "SELECT e.supplier_contract_id AS contract_id, e.terms_id, e.performance_id,"
    " p.account, -sum(p.amount_minor)::bigint AS minor,"
    " count(*) FILTER (WHERE e.kind IN ('release', 'reserve-released')) AS times,"
    " f.starts_at, coalesce(f.ends_at, f.starts_at) AS performed_at"
    " FROM (SELECT j.id, j.kind, j.supplier_contract_id, coalesce(j.performance_id,"
    "   (j.detail->>'performance_id')::uuid) AS performance_id,"
    "   coalesce((l.quote->'supplier'->>'terms_id')::uuid,"
    "   (j.detail->>'terms_id')::uuid) AS terms_id FROM journal_entry j"
    "   LEFT JOIN order_line l ON (l.order_id, l.no) = (j.order_id, j.line_no)) e"
    " JOIN posting p ON p.entry_id = e.id"
    " AND p.account IN ('payable:deferred', 'payable:reserve')"
    " JOIN performance f ON f.id = e.performance_id"
    " JOIN world w ON w.name = f.world"
    " WHERE coalesce(f.ends_at, f.starts_at) <= clock_timestamp() + w.clock_offset"
    " AND f.status <> 'cancelled'"
    " GROUP BY 1, 2, 3, 4, f.starts_at, f.ends_at HAVING sum(p.amount_minor) <> 0"
    " ORDER BY 1, 2, 3, 4 LIMIT :most"
)
_KINDS = {DEFERRED_SUPPLIER: "release", RESERVE_SUPPLIER: "reserve-released"}


def release_due(session: Session) -> int:
    """Release what is due by now, per supplier, terms and performance; return how many.

    A cancelled performance releases nothing: its tickets are refunded instead.
    """
    rows = session.execute(_KEPT_BACK, {"most": RELEASED_MAX}).all()
    clauses = clauses_of(session, {row.terms_id for row in rows})
    done = 0
    for row in rows:
        payout = clauses[row.terms_id].payout
        days = payout.days
        if row.account == RESERVE_SUPPLIER:
            days += payout.retention_days
        done += _release(session, row, days)
    return done


def _release(session: Session, row: Row[Any], days: int) -> int:
    contract = session.get_one(Contract, row.contract_id)
    now = clock.now(session, contract.world)
    if (now - row.performed_at).days < days:
        return 0
    kind = _KINDS[row.account]
    detail = {
        "performance_id": str(row.performance_id),
        "terms_id": str(row.terms_id),
        "amount_minor": row.minor,
    }
    reference = f"{row.terms_id}/{row.performance_id}/{row.times}"
    head = Booking(
        *(contract, "supplier", kind, reference, now),
        terms_id=UUID(str(row.terms_id)),
    )
    whose = Contracted("supplier", contract.partner_id, contract.currency)
    made = [
        Leg(row.account, whose.partner_id, kind, whose.currency, row.minor),
        Leg(whose.payable, whose.partner_id, kind, whose.currency, -row.minor),
    ]
    return 0 if book(session, head, made, detail) is None else 1
