"""What moved on a contract's running totals, and what they lack at a period's end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.queries.terms import clauses_of
from settlement.rules.clauses import Clauses
from settlement.rules.facts import VENUE_CANCELLATION, Fact, moved
from settlement.rules.periods import Period
from settlement.rules.quotes import Quote, Running, Side
from settlement.rules.running import (
    Meter,
    Movement,
    Total,
    clause_of,
    has_running_total,
    meter_of,
    settle,
)

_STATED = {
    "agent": "coalesce(e.agent_stated_at, e.happened_at)",
    "supplier": "coalesce(e.supplier_stated_at, e.happened_at)",
}
_FACTS = {
    side: text(
        "SELECT e.order_id, e.line_no, e.sequence, e.kind, e.tickets, e.happened_at,"  # noqa: S608 - our own words
        f" {stated} AS stated_at, l.quote::text AS quote, o.confirmed_at,"
        " (SELECT coalesce(-sum(b.tickets), 0) FROM journal_entry b"
        "  WHERE b.order_id = e.order_id AND b.line_no = e.line_no"
        "  AND b.sequence > 0 AND b.sequence < e.sequence) AS returned"
        " FROM journal_entry e JOIN order_line l"
        " ON (l.order_id, l.no) = (e.order_id, e.line_no)"
        " JOIN sale_order o ON o.id = e.order_id"
        f" WHERE e.{side}_contract_id = :contract AND e.{side}_terms_id = ANY(:terms)"
        f" AND l.quote->'{side}' ? 'running' AND {stated} < :until"
        " ORDER BY e.posted_xid, e.id"
    )
    for side, stated in _STATED.items()
}
_TRUED_UP = {
    side: text(
        "SELECT detail->>'what' AS what, (detail->>'terms_id')::uuid AS terms_id,"  # noqa: S608 - our own words
        " detail->>'bucket' AS bucket,"
        " sum((detail->>'amount_minor')::bigint)::bigint AS minor, count(*) AS times"
        " FROM journal_entry WHERE kind = 'true-up' AND detail->>'period' = :period"
        f" AND {side}_contract_id = :contract GROUP BY 1, 2, 3"
    )
    for side in _STATED
}

_APPROVED = text(
    "SELECT id FROM terms WHERE contract_id = :contract AND state = 'approved'"
)

Key = tuple[str, UUID, str]  # what, terms, bucket


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement on a running total, what was accrued for it, and when it is stated."""

    what: str
    terms_id: UUID
    movement: Movement
    accrued_minor: int
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a running total has earned in a period beyond what is posted for it."""

    what: str
    terms_id: UUID
    bucket: str
    minor: int
    times: int


def lacking(
    session: Session, contract_id: UUID, side: str, period: Period
) -> list[Lacking]:
    """Return what a period's running totals lack, after what was trued up before."""
    terms = _running_terms(session, contract_id)
    if not terms:
        return []  # as most have none: their sales are not read
    found = list(_movements(session, contract_id, side, period, terms))
    earned: dict[Key, int] = {}
    for what in {one.what for one in found}:
        own = [one for one in found if one.what == what]
        first = own[0].movement
        assert first.meter is not None  # noqa: S101 - each has its terms' own
        done = settle(first.meter, (one.movement for one in own), refunds="true-up")
        for one, amount in zip(own, done.amounts, strict=True):
            if one.stated_at >= period.starts_at:
                key = (what, one.terms_id, one.movement.bucket)
                earned[key] = earned.get(key, 0) + amount - one.accrued_minor
    where = {"contract": contract_id, "period": period.name}
    before: dict[Key, tuple[int, int]] = {
        (row.what, row.terms_id, row.bucket): (row.minor, row.times)
        for row in session.execute(_TRUED_UP[side], where)
    }
    keys = sorted({*earned, *before}, key=str)
    sums = [(key, earned.get(key, 0), *before.get(key, (0, 0))) for key in keys]
    return [
        Lacking(*key, minor - booked, times)
        for key, minor, booked, times in sums
        if minor != booked
    ]


def _running_terms(session: Session, contract_id: UUID) -> list[UUID]:
    """Return the versions of a contract's terms that depend on a running total."""
    ids = session.scalars(_APPROVED, {"contract": contract_id}).all()
    read = clauses_of(session, ids)
    return [terms_id for terms_id in ids if has_running_total(read[terms_id])]


def _movements(
    session: Session,
    contract_id: UUID,
    side: str,
    period: Period,
    terms: Sequence[UUID],
) -> Iterator[Moved]:
    """Yield what moved on running totals up to a period's end, in posting order."""
    where = {"contract": contract_id, "until": period.ends_at, "terms": list(terms)}
    rows = session.execute(_FACTS[side], where).all()
    quotes = [Quote.decoded(row.quote) for row in rows]
    sides = [q.agent if side == "agent" else q.supplier for q in quotes]
    clauses = clauses_of(session, {UUID(s.terms_id) for s in sides if s})
    for row, quote, own in zip(rows, quotes, sides, strict=True):
        if own is not None:
            read = clauses[UUID(own.terms_id)]
            for running in own.running:
                one = _moved(row, quote, own, running, read)
                if one is not None:
                    yield one


def _moved(
    row: Row[Any], quote: Quote, own: Side, running: Running, read: Clauses
) -> Moved | None:
    side = "agent" if own is quote.agent else "supplier"
    before = int(row.returned)
    cancelled = (before, before - row.tickets) if row.sequence else (0, 0)
    fact = Fact(
        *(row.order_id, row.line_no, row.sequence, quote, cancelled),
        *(row.happened_at, row.confirmed_at, row.kind == VENUE_CANCELLATION),
    )
    amounts = [a for a in quote.of(running.what, side) if not fact.leaves(a)]
    if not amounts:
        return None
    meter = meter_of(read, clause_of(read, running.what))
    return Moved(
        running.what,
        UUID(own.terms_id),
        _movement(fact, running, meter, own.refunds),
        sum(moved(amount.earned_minor, fact) for amount in amounts),
        row.stated_at,
    )


def _movement(fact: Fact, running: Running, meter: Meter, refunds: str) -> Movement:
    place = fact.quote.place
    sold_at = fact.sold_at or fact.happened_at
    key = running.key(sold_at, place.performance_at, place.performance)
    line = f"{fact.order_id}/{fact.line_no}"
    whole = running.total(fact.quote.quantity)
    if not fact.sequence:
        return Movement(line, key, whole, None, meter, refunds)
    part = Total(
        -fact.tickets, -moved(whole.measured, fact), -moved(whole.base_minor, fact)
    )
    return Movement(line, key, part, fact.cancelled, meter, refunds)
