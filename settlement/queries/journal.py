"""The journal as it is read: entries of a contract, entries of a book."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from partners.models import Contract
from settlement.rules.periods import Period
from settlement.rules.statements import ACCOUNTS, STATED, StatementRow, seen

_ROWS = (
    "SELECT e.id AS entry_id, e.order_id, e.line_no AS order_line, e.kind,"
    " e.happened_at, e.tickets,"
    " coalesce(sum(p.amount_minor) FILTER (WHERE p.what = 'face'), 0) AS face,"
    " coalesce(sum(p.amount_minor) FILTER (WHERE p.what = 'booking-fee'), 0)"
    " AS booking,"
    " coalesce(sum(p.amount_minor) FILTER (WHERE p.what = 'service-fee'), 0) AS fee,"
    " coalesce(sum(p.amount_minor) FILTER (WHERE p.what = 'commission'), 0)"
    " AS commission, coalesce(sum(p.amount_minor), 0) AS total"
    " FROM journal_entry e LEFT JOIN posting p ON p.entry_id = e.id"
    " AND p.account = ANY(:accounts) AND p.party_id = :party"
    " WHERE e.{side}_contract_id = :contract AND e.kind = ANY(:kinds)"
    " AND coalesce(e.{side}_stated_at, e.happened_at) >= :starts"
    " AND coalesce(e.{side}_stated_at, e.happened_at) < :ends"
    " GROUP BY e.id ORDER BY e.posted_xid, e.id"
)
_SIDES = {side: text(_ROWS.format(side=side)) for side in ACCOUNTS}
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


def statement_rows(
    session: Session, contract: Contract, side: str, period: Period
) -> list[StatementRow]:
    """Return a contract's lines of a period in posting order, as its side sees them."""
    where = {
        "accounts": list(ACCOUNTS[side]),
        "kinds": list(STATED),
        "party": contract.partner_id,
        "contract": contract.id,
        "starts": period.starts_at,
        "ends": period.ends_at,
    }
    return [
        StatementRow(
            no=no,
            entry_id=row.entry_id,
            order_id=row.order_id,
            order_line=row.order_line,
            kind=row.kind,
            happened_at=row.happened_at,
            tickets=row.tickets,
            **_seen(row, side),
        )
        for no, row in enumerate(session.execute(_SIDES[side], where), start=1)
    ]


def _seen(row: Row[Any], side: str) -> dict[str, int]:
    named = {
        "face": int(row.face),
        "booking-fee": int(row.booking),
        "service-fee": int(row.fee),
        "commission": int(row.commission),
    }
    return seen(named | {"": int(row.total) - sum(named.values())}, side)


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
