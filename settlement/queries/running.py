"""What moved on the running totals of terms, in posting order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.rules.periods import Period
from settlement.rules.postings import Fact, moved
from settlement.rules.quotes import Quote, Running, Side
from settlement.rules.running import Movement, Total

_STATED = {
    "agent": "coalesce(e.agent_stated_at, e.happened_at)",
    "supplier": "coalesce(e.supplier_stated_at, e.happened_at)",
}
_FACTS = {
    side: text(
        "SELECT e.order_id, e.line_no, e.sequence, e.tickets, e.happened_at,"  # noqa: S608
        f" {stated} AS stated_at, l.quote::text AS quote, o.confirmed_at,"
        " (SELECT coalesce(-sum(b.tickets), 0) FROM journal_entry b"
        "  WHERE b.order_id = e.order_id AND b.line_no = e.line_no"
        "  AND b.sequence > 0 AND b.sequence < e.sequence) AS returned"
        " FROM journal_entry e JOIN order_line l"
        " ON (l.order_id, l.no) = (e.order_id, e.line_no)"
        " JOIN sale_order o ON o.id = e.order_id"
        f" WHERE e.{side}_contract_id = :contract"
        f" AND l.quote->'{side}'->>'terms_id' = CAST(:terms AS text)"
        f" AND {stated} < :until"
        " ORDER BY e.posted_xid, e.id"
    )
    for side, stated in _STATED.items()
}
_TERMS = text(
    "SELECT DISTINCT terms_id, split_part(bucket, '/', 1) AS what FROM ("
    " SELECT terms_id, bucket FROM total WHERE contract_id = :contract AND bucket <> ''"
    " UNION ALL SELECT terms_id, bucket FROM total_delta WHERE contract_id = :contract"
    " AND bucket <> '') b ORDER BY 1, 2"
)
_TRUED_UP = {
    side: text(
        "SELECT detail->>'bucket' AS bucket,"  # noqa: S608
        " sum((detail->>'amount_minor')::bigint)::bigint AS minor, count(*) AS times"
        " FROM journal_entry WHERE kind = 'true-up' AND detail->>'terms_id' = :terms"
        " AND detail->>'what' = :what AND detail->>'period' = :period"
        f" AND {side}_contract_id = :contract GROUP BY 1"
    )
    for side in _STATED
}


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement on a running total, what was accrued for it, and when it is stated."""

    movement: Movement
    accrued_minor: int
    stated_at: datetime


def running_terms(session: Session, contract_id: UUID) -> list[tuple[UUID, str]]:
    """Return (terms, what) of a contract that have added to running totals."""
    rows = session.execute(_TERMS, {"contract": contract_id})
    return [(row.terms_id, row.what) for row in rows]


def movements(
    session: Session,
    contract_id: UUID,
    side: str,
    *,
    terms_id: UUID,
    what: str,
    period: Period,
) -> Iterator[Moved]:
    """Yield what moved on a running total of terms up to a period's end, in order."""
    where = {"contract": contract_id, "terms": terms_id, "until": period.ends_at}
    for row in session.execute(_FACTS[side], where):
        found = _moved(row, side, what)
        if found is not None:
            yield found


def _moved(row: Row[Any], side: str, what: str) -> Moved | None:
    quote = Quote.decoded(row.quote)
    own: Side | None = quote.agent if side == "agent" else quote.supplier
    running = next((r for r in own.running if r.what == what), None) if own else None
    amounts = [a for a in quote.of(what, side) if not (row.sequence and a.is_kept)]
    if running is None or not amounts:
        return None
    before = int(row.returned)
    cancelled = (before, before - row.tickets) if row.sequence else (0, 0)
    fact = Fact(
        *(row.order_id, row.line_no, row.sequence, quote, cancelled),
        *(row.happened_at, row.confirmed_at),
    )
    movement = _movement(fact, running)
    accrued = sum(moved(amount.minor, fact) for amount in amounts)
    return Moved(movement, accrued, row.stated_at)


def _movement(fact: Fact, running: Running) -> Movement:
    place = fact.quote.place
    sold_at = fact.sold_at or fact.happened_at
    key = running.key(sold_at, place.performance_at, place.performance)
    line = f"{fact.order_id}/{fact.line_no}"
    whole = running.total(fact.quote.quantity)
    if not fact.sequence:
        return Movement(line, key, whole)
    back = -fact.tickets
    part = Total(back, -moved(whole.measured, fact), -moved(whole.base_minor, fact))
    return Movement(line, key, part, fact.cancelled)


def trued_up(
    session: Session, contract_id: UUID, side: str, detail: dict[str, str]
) -> dict[str, tuple[int, int]]:
    """Return what a period was trued up by before: (minor units, times) by bucket."""
    rows = session.execute(_TRUED_UP[side], {"contract": contract_id, **detail})
    return {row.bucket: (row.minor, row.times) for row in rows}
