"""The laws of the sale, checked on the database."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.rules.postings import Fact, postings
from settlement.rules.quotes import Quote

_LINES_LAW = text(
    "SELECT l.order_id, l.no, l.quantity, l.cancelled FROM order_line l"
    " LEFT JOIN LATERAL (SELECT count(*) AS made, count(t.cancelled_at) AS undone"
    " FROM ticket t WHERE t.order_id = l.order_id AND t.line_no = l.no) t ON true"
    " WHERE (t.made, t.undone) <> (l.quantity, l.cancelled) LIMIT 20"
)
_STATE_LAW = text(
    "SELECT o.id AS order_id, o.state FROM sale_order o JOIN ("
    " SELECT order_id, sum(quantity) AS made, sum(cancelled) AS undone"
    " FROM order_line GROUP BY order_id) s ON s.order_id = o.id"
    " WHERE o.state <> CASE WHEN s.undone = 0 THEN 'confirmed'"
    " WHEN s.undone = s.made THEN 'cancelled' ELSE 'partly_cancelled' END LIMIT 20"
)
_HOLD_LAW = text(
    "SELECT o.id AS order_id, o.hold_id FROM sale_order o JOIN hold h"
    " ON h.id = o.hold_id WHERE h.state <> 'confirmed' OR h.agent_id <> o.agent_id"
    " OR h.world <> o.world LIMIT 20"
)
_POSTED_LAW = text(
    "WITH told AS (SELECT l.order_id, l.no, l.quantity - l.cancelled AS tickets,"
    " still_sold(l.face_minor, l) AS face,"
    " still_sold(l.booking_fee_minor, l) AS booking,"
    " still_sold((l.quote->'agent'->>'commission_minor')::bigint, l) AS paid,"
    " still_sold((l.quote->'supplier'->>'commission_minor')::bigint, l) AS earned,"
    " still_sold((l.quote->'agent'->>'service_fee_minor')::bigint, l)"
    " + still_sold((l.quote->'supplier'->>'service_fee_minor')::bigint, l) AS fee"
    " FROM order_line l), posted AS (SELECT e.order_id, e.line_no AS no,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'tickets:agent') AS tickets,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'receivable:agent'"
    "   AND p.what = 'face') AS face,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'receivable:agent'"
    "   AND p.what = 'booking-fee') AS booking,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'expense:commission') AS paid,"
    " -sum(p.amount_minor) FILTER (WHERE p.account = 'income:commission') AS earned,"
    " -sum(p.amount_minor) FILTER (WHERE p.account = 'income:service-fee') AS fee"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " GROUP BY e.order_id, e.line_no)"
    " SELECT coalesce(t.order_id, p.order_id) AS order_id, coalesce(t.no, p.no) AS no"
    " FROM told t FULL JOIN posted p ON (p.order_id, p.no) = (t.order_id, t.no)"
    " WHERE t.order_id IS NULL OR p.order_id IS NULL"
    " OR (t.tickets, t.face, t.booking, t.paid, t.earned, t.fee) IS DISTINCT FROM"
    " (coalesce(p.tickets, 0), coalesce(p.face, 0), coalesce(p.booking, 0),"
    " coalesce(p.paid, 0), coalesce(p.earned, 0), coalesce(p.fee, 0)) LIMIT 20"
)
_SAME_LAW = text(
    "SELECT l.order_id, l.no FROM order_line l JOIN sale_order o ON o.id = l.order_id"
    " LEFT JOIN node n ON n.id = l.node_id LEFT JOIN offer f ON f.id = l.offer_id"
    " LEFT JOIN performance_area pa ON pa.id = f.performance_area_id"
    " WHERE (l.performance_id, l.performance_id, pa.id, o.world, l.currency,"
    " l.quantity, l.face_minor, l.booking_fee_minor) IS DISTINCT FROM"
    " (n.performance_id, pa.performance_id, n.root_id, n.world,"
    " l.quote->>'currency', (l.quote->>'quantity')::int,"
    " (l.quote->>'face_minor')::bigint, (l.quote->>'booking_fee_minor')::bigint)"
    " OR EXISTS (SELECT FROM ticket t WHERE t.order_id = l.order_id"
    " AND t.line_no = l.no AND t.performance_id <> l.performance_id) LIMIT 20"
)
_LINES = text(
    "SELECT l.order_id, l.no, l.quote, o.world, o.confirmed_at,"
    " (SELECT array_agg(t.cancelled_at ORDER BY t.cancelled_at) FROM ticket t"
    " WHERE (t.order_id, t.line_no) = (l.order_id, l.no)"
    " AND t.cancelled_at IS NOT NULL) AS cancelled"
    " FROM order_line l JOIN sale_order o ON o.id = l.order_id"
    " ORDER BY l.order_id, l.no"
)
_ENTRIES = text(
    "SELECT e.order_id, e.line_no AS no, e.sequence, e.kind, e.tickets, e.happened_at,"
    " e.world, e.legal_entity, e.supplier_contract_id, e.agent_contract_id,"
    " array_agg(ARRAY[p.account, p.party_id::text, p.what, p.currency,"
    " p.amount_minor::text] ORDER BY p.no) AS legs"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " WHERE e.order_id = ANY(:orders) GROUP BY e.id"
    " ORDER BY e.order_id, e.line_no, e.sequence"
)
BATCH = 500


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of the sale: tickets, states, postings."""
    checks = {
        "a line has a ticket for each of its quantity": _LINES_LAW,
        "an order's state is what its tickets say": _STATE_LAW,
        "an order comes from a confirmed hold of the same agent": _HOLD_LAW,
        "a line, its tickets, its offer and its node are one performance's": _SAME_LAW,
        "postings are what the order lines say": _POSTED_LAW,
    }
    found = [
        {"law": law} | {name: str(value) for name, value in row._mapping.items()}  # noqa: SLF001 - documented
        for law, query in checks.items()
        for row in session.execute(query)
    ]
    return found + list(_broken_entries(session))


def _broken_entries(session: Session) -> Iterator[dict[str, Any]]:
    """Yield lines whose entries are not, leg for leg, what their quote makes them."""
    rows = session.execute(_LINES, execution_options={"yield_per": BATCH})
    for lines in rows.partitions():
        orders = list({line.order_id for line in lines})
        entries = session.execute(_ENTRIES, {"orders": orders}).all()
        keyed = groupby(entries, key=attrgetter("order_id", "no"))
        posted = {key: list(group) for key, group in keyed}
        for line in lines:
            own = posted.get((line.order_id, line.no), [])
            if [_said(entry) for entry in own] != _expected(line, own):
                law = "each entry has, leg for leg, what its line's quote says"
                yield {"law": law, "order_id": str(line.order_id), "no": line.no}


def _said(entry: Row[Any]) -> tuple[object, ...]:
    legs = [tuple(leg) for leg in entry.legs]
    contracts = (entry.supplier_contract_id, entry.agent_contract_id)
    where = (entry.world, entry.legal_entity, *contracts)
    what = (entry.sequence, entry.kind, entry.tickets, entry.happened_at)
    return (*what, *where, legs)


def _expected(line: Row[Any], entries: Sequence[Row[Any]]) -> list[tuple[object, ...]]:
    try:
        quote = Quote.loaded(line.quote)
    except (KeyError, TypeError, ValueError):
        return []  # not a quote any more: no entry can be what it says
    return [
        (
            *(fact.sequence, fact.kind, fact.tickets, fact.happened_at),
            *(line.world, quote.legal_entity),
            *(quote.supplier.contract_id, quote.agent.contract_id),
            [
                (
                    *(leg.account, leg.party_id and str(leg.party_id)),
                    *(leg.what, leg.currency, str(leg.amount_minor)),
                )
                for leg in postings(fact)
            ],
        )
        for fact in _facts(line, quote, entries)
    ]


def _facts(line: Row[Any], quote: Quote, entries: Sequence[Row[Any]]) -> Iterator[Fact]:
    """Yield what happened to a line, as its tickets tell it.

    Which cancellations came in which order is told by the entries; how many tickets
    were cancelled at which moment by the tickets.
    """
    yield Fact(line.order_id, line.no, 0, quote, (0, 0), line.confirmed_at)
    left = Counter(line.cancelled or ())
    before = 0
    for sequence, entry in enumerate(entries[1:], start=1):
        count = min(-entry.tickets, left[entry.happened_at])
        left[entry.happened_at] -= count
        after = before + count
        yield Fact(
            line.order_id, line.no, sequence, quote, (before, after), entry.happened_at
        )
        before = after
    for at, count in (+left).items():  # cancelled, and posted by no entry
        yield Fact(line.order_id, line.no, -1, quote, (before, before + count), at)
