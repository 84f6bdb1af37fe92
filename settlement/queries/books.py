"""The books of a legal entity's period: entries, balances, and what they must come to.

What they must come to is told by order lines, tickets and events, another way than the
postings went: a sale's legs are made anew from its quote and its tickets.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.queries.laws.journal import made_from
from settlement.rules.events import Contracted
from settlement.rules.exports.journals import Books, Entry
from settlement.rules.facts import Fact, Leg
from settlement.rules.postings import postings
from settlement.rules.quotes import Quote

Sums = Counter[tuple[str, str | None, str]]
_ENTRIES = text(
    "SELECT e.id, e.kind, e.happened_at, e.order_id, e.line_no, e.reference,"
    " (SELECT json_agg(json_build_array(p.account, p.party_id, p.what, p.currency,"
    " p.amount_minor) ORDER BY p.no) FROM posting p WHERE p.entry_id = e.id) AS legs"
    " FROM journal_entry e WHERE e.world = :world AND e.legal_entity = :entity"
    " AND e.happened_at >= :starts AND e.happened_at < :ends"
    " ORDER BY e.happened_at, e.id"
)
_BEFORE = text(
    "SELECT p.account, p.party_id::text AS party, p.currency,"
    " sum(p.amount_minor)::bigint AS minor FROM journal_entry e JOIN posting p"
    " ON p.entry_id = e.id WHERE e.world = :world AND e.legal_entity = :entity"
    " AND e.happened_at < :starts GROUP BY 1, 2, 3 HAVING sum(p.amount_minor) <> 0"
)
_SOLD = text(
    "SELECT l.order_id, l.no, l.quote, o.confirmed_at, c.cancelled FROM order_line l"
    " JOIN sale_order o ON o.id = l.order_id LEFT JOIN LATERAL (SELECT json_agg("
    "  json_build_array(t.at, t.is_venues, t.tickets) ORDER BY t.at, t.is_venues)"
    "  AS cancelled FROM (SELECT cancelled_at AS at, count(*) AS tickets,"
    "   coalesce(cancelled_for = 'venue', false) AS is_venues FROM ticket"
    "   WHERE order_id = l.order_id AND line_no = l.no AND cancelled_at < :ends"
    "   GROUP BY 1, 3) t) c ON true"
    " WHERE o.world = :world AND l.quote->>'legal_entity' = :entity"
    " AND o.confirmed_at < :ends AND (o.confirmed_at >= :starts OR EXISTS"
    "  (SELECT FROM ticket t WHERE t.order_id = l.order_id AND t.line_no = l.no"
    "   AND t.cancelled_at >= :starts AND t.cancelled_at < :ends))"
)
_ALONE = text(
    "SELECT e.id, e.detail, c.currency, c.partner_id, r.kind AS side,"
    " (SELECT json_agg(json_build_array(p.account, p.party_id, p.what, p.currency,"
    " p.amount_minor) ORDER BY p.no) FROM posting p WHERE p.entry_id = e.id) AS legs"
    " FROM journal_entry e LEFT JOIN contract c"
    " ON c.id = coalesce(e.agent_contract_id, e.supplier_contract_id)"
    " LEFT JOIN partner r ON r.id = c.partner_id"
    " WHERE e.world = :world AND e.legal_entity = :entity AND e.order_id IS NULL"
    " AND e.happened_at >= :starts AND e.happened_at < :ends"
)
_PARTNERS = text("SELECT id::text AS id, ref FROM partner WHERE world = :world")
_ENTITIES = text(
    "SELECT DISTINCT legal_entity FROM contract WHERE world = :world ORDER BY 1"
)
BATCH = 1_000


def entities_of(session: Session, world: str) -> list[str]:
    """Return the legal entities that have contracts in a world."""
    return list(session.scalars(_ENTITIES, {"world": world}))


def _where(world: str, entity: str, starts: datetime, ends: datetime) -> dict[str, Any]:
    return {"world": world, "entity": entity, "starts": starts, "ends": ends}


def books_of(
    session: Session,
    *,
    world: str,
    entity: str,
    zone: str,
    period: tuple[datetime, datetime],
) -> Books:
    """Return what a legal entity's books open with, and must close with."""
    where = _where(world, entity, *period)
    rows = session.execute(_BEFORE, where)
    opening = {(row.account, row.party, row.currency): row.minor for row in rows}
    closing: Sums = Counter(opening)
    for leg in _told(session, where):
        party = None if leg.party_id is None else str(leg.party_id)
        closing[leg.account, party, leg.currency] += leg.amount_minor
    partners = session.execute(_PARTNERS, {"world": world})
    return Books(
        *(entity, world, zone, *period),
        {row.id: row.ref for row in partners},
        opening,
        dict(closing),
    )


def entries_of(session: Session, books: Books) -> Iterator[Entry]:
    """Yield the entries of the books' period, oldest first; a book may be large."""
    where = _where(books.world, books.entity, books.starts_at, books.ends_at)
    rows = session.execute(_ENTRIES, where, execution_options={"yield_per": BATCH})
    for row in rows:
        order = f"order {row.order_id}, line {row.line_no}"
        about = row.reference or order if row.order_id is None else order
        legs = [Leg(*leg) for leg in row.legs or ()]
        yield Entry(str(row.id), row.kind, row.happened_at, about, legs)


def _told(session: Session, where: Mapping[str, Any]) -> Iterator[Leg]:
    """Yield the legs that order lines, tickets and events make."""
    starts = where["starts"]
    rows = session.execute(_SOLD, where, execution_options={"yield_per": BATCH})
    for row in rows:
        for fact in _facts(row):
            if fact.happened_at >= starts:
                yield from postings(fact)
    rows = session.execute(_ALONE, where, execution_options={"yield_per": BATCH})
    for row in rows:
        yield from _legs_alone(row)


def _facts(row: Row[Any]) -> Iterator[Fact]:
    """Yield a line's sale and cancellations as its tickets tell them."""
    quote = Quote.loaded(row.quote)
    yield Fact(row.order_id, row.no, 0, quote, (0, 0), row.confirmed_at)
    before = 0
    for sequence, (at, is_venues, count) in enumerate(row.cancelled or (), start=1):
        after = before + count
        yield Fact(
            row.order_id,
            row.no,
            sequence,
            quote,
            (before, after),
            datetime.fromisoformat(at),
            row.confirmed_at,
            is_venues,
        )
        before = after


def _legs_alone(row: Row[Any]) -> list[Leg]:
    """Return the legs of an entry of money alone.

    True-ups and guarantees are made of running totals, and revaluations of positions:
    theirs are as posted.
    """
    if row.side is not None and "event" in (row.detail or {}):
        whose = Contracted(row.side, row.partner_id, row.currency)
        return made_from(row.detail, whose)
    return [Leg(*leg) for leg in row.legs or ()]
