"""Sales and cancellations of order lines, as their entries tell them."""

from typing import Any

from sqlalchemy import Row

from settlement.rules.facts import VENUE_CANCELLATION, Fact
from settlement.rules.quotes import Quote

# Of an entry e, its line l and its order o.
TOLD = (
    "e.id, e.kind, e.happened_at, e.order_id, e.line_no, e.sequence, e.tickets,"
    " l.quote::text AS quote, o.confirmed_at,"
    " coalesce((SELECT -sum(b.tickets) FROM journal_entry b"
    "  WHERE e.sequence > 1 AND b.order_id = e.order_id AND b.line_no = e.line_no"
    "  AND b.sequence > 0 AND b.sequence < e.sequence), 0)::int AS cancelled_before"
)
JOINED = (
    " LEFT JOIN order_line l ON l.order_id = e.order_id AND l.no = e.line_no"
    " LEFT JOIN sale_order o ON o.id = e.order_id"
)
LEGS = (
    "(SELECT json_agg(json_build_array(p.account, p.party_id, p.what, p.currency,"
    " p.amount_minor) ORDER BY p.no) FROM posting p WHERE p.entry_id = e.id)"
)


def fact_of(row: Row[Any]) -> Fact:
    """Return the fact of an entry of an order line, read as TOLD."""
    before = row.cancelled_before
    after = before - row.tickets if row.sequence else 0
    return Fact(
        *(row.order_id, row.line_no, row.sequence),
        *(Quote.decoded(row.quote), (before, after), row.happened_at),
        *(row.confirmed_at, row.kind == VENUE_CANCELLATION),
    )
