"""The journal under a contract: entries with their postings, and balances."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from partners.models import Contract

_ENTRIES = text(
    "SELECT e.id, e.kind, e.happened_at, e.order_id, e.line_no, e.reference, e.detail,"
    " (SELECT json_agg(json_build_object('account', p.account, 'party_id', p.party_id,"
    "  'what', p.what, 'currency', p.currency, 'amount_minor', p.amount_minor)"
    "  ORDER BY p.no) FROM posting p WHERE p.entry_id = e.id) AS postings"
    " FROM journal_entry e WHERE (e.agent_contract_id = :contract"
    " OR e.supplier_contract_id = :contract)"
    " AND (CAST(:after AS uuid) IS NULL OR e.id > :after) ORDER BY e.id LIMIT :most"
)
_BALANCES = text(
    "SELECT p.account, p.currency, sum(p.amount_minor)::bigint AS balance_minor"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " AND p.party_id = :partner WHERE e.agent_contract_id = :contract"
    " OR e.supplier_contract_id = :contract GROUP BY 1, 2 ORDER BY 1, 2"
)
_POSITION = text(
    "SELECT coalesce(sum(p.amount_minor) FILTER (WHERE p.currency = :currency), 0)"
    "::bigint AS foreign_minor, coalesce(sum(p.amount_minor)"
    " FILTER (WHERE p.currency = :home), 0)::bigint AS home_minor FROM posting p"
    " JOIN journal_entry e ON e.id = p.entry_id WHERE e.world = :world"
    " AND e.legal_entity = :entity AND p.account = 'equity:trading'"
    " AND p.what = :what"
)


def list_entries(
    session: Session, contract_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return entries of a contract by id with postings, one more than *limit*."""
    where = {"contract": contract_id, "after": after, "most": limit + 1}
    return session.execute(_ENTRIES, where).all()


def balances(session: Session, contract: Contract) -> Sequence[Row[Any]]:
    """Return what the partner's accounts under a contract stand at."""
    where = {"partner": contract.partner_id, "contract": contract.id}
    return session.execute(_BALANCES, where).all()


def position(
    session: Session, world: str, entity: str, pair: tuple[str, str], what: str
) -> tuple[int, int]:
    """Return what is held of a foreign currency, and what it is booked at at home.

    *pair*: the foreign currency and the home currency.
    """
    currency, home = pair
    where = {
        "world": world,
        "entity": entity,
        "currency": currency,
        "home": home,
        "what": what,
    }
    row = session.execute(_POSITION, where).one()
    return -row.foreign_minor, row.home_minor
