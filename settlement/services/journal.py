"""Writing the journal: in the sale's own transaction, as arrays."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.ids import new_id
from settlement.rules.postings import Fact, Leg, postings

_ADD_ENTRIES = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no,"
    " sequence, tickets, happened_at, supplier_contract_id, agent_contract_id)"
    " SELECT i, :world, l, k, o, n, s, t, h, sc, ac FROM unnest("
    " CAST(:ids AS uuid[]), CAST(:entities AS text[]), CAST(:kinds AS text[]),"
    " CAST(:orders AS uuid[]), CAST(:lines AS int[]), CAST(:sequences AS int[]),"
    " CAST(:tickets AS int[]), CAST(:moments AS timestamptz[]),"
    " CAST(:suppliers AS uuid[]), CAST(:agents AS uuid[]))"
    " AS e(i, l, k, o, n, s, t, h, sc, ac)"
)
_ADD_POSTINGS = text(
    "INSERT INTO posting (entry_id, no, account, party_id, what, currency,"
    " amount_minor) SELECT * FROM unnest(CAST(:entries AS uuid[]),"
    " CAST(:nos AS int[]), CAST(:accounts AS text[]), CAST(:parties AS uuid[]),"
    " CAST(:whats AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS bigint[]))"
)


def post(session: Session, world: str, facts: Sequence[Fact]) -> None:
    """Post the entries of facts; the database refuses one that does not balance."""
    ids = [new_id() for _ in facts]
    entries: dict[str, list[Any]] = {
        "ids": ids,
        "entities": [fact.quote.legal_entity for fact in facts],
        "kinds": [fact.kind for fact in facts],
        "orders": [fact.order_id for fact in facts],
        "lines": [fact.line_no for fact in facts],
        "sequences": [fact.sequence for fact in facts],
        "tickets": [fact.tickets for fact in facts],
        "moments": [fact.happened_at for fact in facts],
        "suppliers": [fact.quote.supplier.contract_id for fact in facts],
        "agents": [fact.quote.agent.contract_id for fact in facts],
    }
    session.execute(_ADD_ENTRIES, {"world": world, **entries})
    legs = [
        (entry_id, no, leg)
        for entry_id, fact in zip(ids, facts, strict=True)
        for no, leg in enumerate(postings(fact), start=1)
    ]
    session.execute(_ADD_POSTINGS, _columns(legs))


def _columns(legs: Sequence[tuple[UUID, int, Leg]]) -> dict[str, list[Any]]:
    return {
        "entries": [entry_id for entry_id, _, _ in legs],
        "nos": [no for _, no, _ in legs],
        "accounts": [leg.account for _, _, leg in legs],
        "parties": [leg.party_id for _, _, leg in legs],
        "whats": [leg.what for _, _, leg in legs],
        "currencies": [leg.currency for _, _, leg in legs],
        "amounts": [leg.amount_minor for _, _, leg in legs],
    }
