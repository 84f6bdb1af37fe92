"""The journal as it is read: entries of a book."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_LATER_COLUMNS = (
    *("supplier_stated_at", "agent_stated_at", "performance_id"),
    *("reference", "detail", "made_by"),
)
_BOOK = text(
    "SELECT e.id, e.kind, e.order_id, e.line_no, e.sequence, e.tickets, e.happened_at,"  # noqa: S608 - our own words
    " e.posted_at, e.supplier_contract_id, e.agent_contract_id,"
    f" {', '.join('e.' + name for name in _LATER_COLUMNS)},"
    " (SELECT json_agg(json_build_array(p.no, p.account, p.party_id, p.what,"
    " p.currency, p.amount_minor) ORDER BY p.no) FROM posting p"
    " WHERE p.entry_id = e.id) AS postings, e.posted_xid::text AS xid"
    " FROM journal_entry e WHERE e.world = :world AND e.legal_entity = :entity"
    " AND e.posted_xid >= CAST(:low AS xid8) AND e.posted_xid < CAST(:high AS xid8)"
    " ORDER BY e.posted_xid, e.id"
)


def book_entries(
    session: Session,
    world: str,
    entity: str,
    low: int,
    high: int,
    *,
    has_xid: bool = False,
) -> Iterator[dict[str, Any]]:
    """Yield a book's entries posted by transactions of [low, high), with postings.

    They are streamed: a book may be larger than memory.
    """
    where = {"world": world, "entity": entity, "low": str(low), "high": str(high)}
    rows = session.execute(_BOOK, where, execution_options={"yield_per": 1_000})
    for row in rows.mappings():
        # Blocks sealed before there were these columns say nothing of them.
        entry = {
            name: value
            for name, value in row.items()
            if value is not None or name not in _LATER_COLUMNS
        }
        if not has_xid:
            del entry["xid"]
        yield entry
