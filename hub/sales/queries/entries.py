"""Whether each entry of a sale is, leg for leg, what its line's quote makes it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.rules.facts import Fact
from settlement.rules.postings import postings
from settlement.rules.quotes import Quote

_LINES = text(
    "SELECT l.order_id, l.no, l.quote, o.world, o.confirmed_at,"
    " (SELECT array_agg(t.cancelled_at ORDER BY t.cancelled_at) FROM ticket t"
    " WHERE (t.order_id, t.line_no) = (l.order_id, l.no)"
    " AND t.cancelled_at IS NOT NULL) AS cancelled,"
    " (SELECT array_agg(DISTINCT t.cancelled_at) FROM ticket t"
    " WHERE (t.order_id, t.line_no) = (l.order_id, l.no)"
    " AND t.cancelled_for = 'venue') AS by_venue"
    " FROM order_line l JOIN sale_order o ON o.id = l.order_id"
    " ORDER BY l.order_id, l.no"
)
_ENTRIES = text(
    "SELECT e.order_id, e.line_no AS no, e.sequence, e.kind, e.tickets, e.happened_at,"
    " e.world, e.legal_entity, e.supplier_contract_id, e.agent_contract_id,"
    " e.supplier_stated_at, e.agent_stated_at,"
    " array_agg(ARRAY[p.account, p.party_id::text, p.what, p.currency,"
    " p.amount_minor::text] ORDER BY p.no) AS legs"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " WHERE e.order_id = ANY(:orders) GROUP BY e.id"
    " ORDER BY e.order_id, e.line_no, e.sequence"
)
BATCH = 500


def broken_entries(session: Session) -> Iterator[dict[str, Any]]:
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


Sums = dict[tuple[str, str | None, str, str], int]


def _said(entry: Row[Any]) -> tuple[object, ...]:
    sums: Sums = {}
    for account, party, what, currency, minor in entry.legs:
        key = (account, party, what, currency)
        sums[key] = sums.get(key, 0) + int(minor)
    contracts = (entry.supplier_contract_id, entry.agent_contract_id)
    where = (entry.world, entry.legal_entity, *contracts)
    what_ = (entry.sequence, entry.kind, entry.tickets, entry.happened_at)
    stated = (entry.supplier_stated_at, entry.agent_stated_at)
    return (*what_, *where, *stated, {key: n for key, n in sums.items() if n})


def _expected(line: Row[Any], entries: Sequence[Row[Any]]) -> list[tuple[object, ...]]:
    try:
        quote = Quote.loaded(line.quote)
        contracts = (quote.supplier_contract_id, quote.agent_contract_id)
    except (AssertionError, TypeError, ValueError):
        return []  # not a quote any more: no entry can be what it says
    return [
        (
            *(fact.sequence, fact.kind, fact.tickets, fact.happened_at),
            *(line.world, quote.legal_entity, *contracts),
            *(fact.stated_at("supplier"), fact.stated_at("agent")),
            _sums(fact),
        )
        for fact in _facts(line, quote, entries)
    ]


def _sums(fact: Fact) -> Sums:
    sums: Sums = {}
    for leg in postings(fact):
        party = None if leg.party_id is None else str(leg.party_id)
        key = (leg.account, party, leg.what, leg.currency)
        sums[key] = sums.get(key, 0) + leg.amount_minor
    return {key: minor for key, minor in sums.items() if minor}


def _facts(line: Row[Any], quote: Quote, entries: Sequence[Row[Any]]) -> Iterator[Fact]:
    """Yield what happened to a line, as its tickets tell it.

    Which cancellations came in which order is told by the entries; how many tickets
    were cancelled at which moment by the tickets.
    """
    yield Fact(line.order_id, line.no, 0, quote, (0, 0), line.confirmed_at)
    left, by_venue = Counter(line.cancelled or ()), set(line.by_venue or ())
    before = 0
    for sequence, entry in enumerate(entries[1:], start=1):
        count = min(-entry.tickets, left[entry.happened_at])
        left[entry.happened_at] -= count
        after = before + count
        at = entry.happened_at
        yield Fact(
            *(line.order_id, line.no, sequence, quote, (before, after)),
            *(at, line.confirmed_at, at in by_venue),
        )
        before = after
    for at, count in (+left).items():  # cancelled, and posted by no entry
        yield Fact(line.order_id, line.no, -1, quote, (before, before + count), at)
