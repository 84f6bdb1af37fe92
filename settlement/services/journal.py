"""Writing the journal: in the fact's own transaction, as arrays."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.ids import new_id
from settlement.models import MEASURES
from settlement.rules.accounts import RECEIVABLE_AGENT
from settlement.rules.adding import Added, added
from settlement.rules.postings import Fact, Leg, postings
from settlement.rules.quotes import Quote

_ADD_ENTRIES = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no,"
    " sequence, tickets, happened_at, supplier_contract_id, agent_contract_id,"
    " supplier_stated_at, agent_stated_at, performance_id)"
    " SELECT * FROM unnest("
    " CAST(:ids AS uuid[]), CAST(:worlds AS text[]), CAST(:entities AS text[]),"
    " CAST(:kinds AS text[]),"
    " CAST(:orders AS uuid[]), CAST(:lines AS int[]), CAST(:sequences AS int[]),"
    " CAST(:tickets AS int[]), CAST(:moments AS timestamptz[]),"
    " CAST(:suppliers AS uuid[]), CAST(:agents AS uuid[]),"
    " CAST(:supplier_at AS timestamptz[]), CAST(:agent_at AS timestamptz[]),"
    " CAST(:performances AS uuid[]))"
)
_ADD_ENTRY = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, tickets, happened_at,"
    " supplier_contract_id, agent_contract_id, reference, detail, made_by)"
    " VALUES (:id, :world, :entity, :kind, 0, :at, :supplier, :agent, :reference,"
    " CAST(:detail AS jsonb), :made_by) ON CONFLICT DO NOTHING RETURNING id"
)
_ADD_POSTINGS = text(
    "INSERT INTO posting (entry_id, no, account, party_id, what, currency,"
    " amount_minor) SELECT * FROM unnest(CAST(:entries AS uuid[]),"
    " CAST(:nos AS int[]), CAST(:accounts AS text[]), CAST(:parties AS uuid[]),"
    " CAST(:whats AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS bigint[]))"
)
_ADD_TOTALS = text(
    "INSERT INTO total_delta (id, world, legal_entity, contract_id, day, terms_id,"  # noqa: S608 - our own words
    f" bucket, {', '.join(MEASURES)}) SELECT * FROM unnest(CAST(:ids AS uuid[]),"
    " CAST(:worlds AS text[]), CAST(:entities AS text[]),"
    " CAST(:contracts AS uuid[]), CAST(:days AS date[]), CAST(:terms AS uuid[]),"
    " CAST(:buckets AS text[]), "
    + ", ".join(f"CAST(:{name} AS bigint[])" for name in MEASURES)
    + ")"
)


def post(
    session: Session, facts: Sequence[Fact], worlds: Sequence[str]
) -> dict[UUID, int]:
    """Post the entries of facts, each of a world, with what they add to totals.

    The database refuses an entry that does not balance. Returns what each agent's
    contract owes more by it (less: negative), for the caller to put on its credit.
    """
    if not facts:
        return {}
    ids = [new_id() for _ in facts]
    legs = [postings(fact) for fact in facts]
    session.execute(_ADD_ENTRIES, _entry_columns(ids, facts, worlds))
    session.execute(_ADD_POSTINGS, _posting_columns(ids, legs))
    rows = [
        (fact, world, row)
        for fact, world, own in zip(facts, worlds, legs, strict=True)
        for row in added(fact, own)
    ]
    session.execute(_ADD_TOTALS, _total_columns(rows))
    owed: dict[UUID, int] = {}
    for fact, own in zip(facts, legs, strict=True):
        contract_id = fact.quote.agent_contract_id
        owed[contract_id] = owed.get(contract_id, 0) + debt(own)
    return owed


def debt(legs: Sequence[Leg]) -> int:
    """Return what legs add to an agent's debt."""
    return sum(leg.amount_minor for leg in legs if leg.account == RECEIVABLE_AGENT)


def post_event(
    session: Session,
    legs: Sequence[Leg],
    *,
    entry: Mapping[str, Any],
    detail: Mapping[str, Any],
) -> UUID | None:
    """Post an entry of money alone; None if its kind has the reference already.

    *entry*: world, entity, kind, at, supplier and agent contracts, reference, made_by.
    """
    entry_id = new_id()
    told = msgspec.json.encode(detail).decode()
    made = session.scalar(_ADD_ENTRY, {"id": entry_id, **entry, "detail": told})
    if made is None:
        return None
    session.execute(_ADD_POSTINGS, _posting_columns([entry_id], [legs]))
    return entry_id


def add_totals(
    session: Session, world: str, entity: str, rows: Sequence[Added]
) -> None:
    """Add to the totals of contracts what an entry without a sale adds."""
    columns = _columns(rows)
    columns["worlds"] = [world] * len(rows)
    columns["entities"] = [entity] * len(rows)
    session.execute(_ADD_TOTALS, columns)


def _entry_columns(
    ids: Sequence[UUID], facts: Sequence[Fact], worlds: Sequence[str]
) -> dict[str, Any]:
    quotes = [fact.quote for fact in facts]
    return {
        "ids": list(ids),
        "worlds": list(worlds),
        "entities": [quote.legal_entity for quote in quotes],
        "kinds": [fact.kind for fact in facts],
        "orders": [fact.order_id for fact in facts],
        "lines": [fact.line_no for fact in facts],
        "sequences": [fact.sequence for fact in facts],
        "tickets": [fact.tickets for fact in facts],
        "moments": [fact.happened_at for fact in facts],
        "suppliers": [quote.supplier_contract_id for quote in quotes],
        "agents": [quote.agent_contract_id for quote in quotes],
        "supplier_at": [fact.stated_at("supplier") for fact in facts],
        "agent_at": [fact.stated_at("agent") for fact in facts],
        "performances": [_performance(quote) for quote in quotes],
    }


def _performance(quote: Quote) -> UUID | None:
    found = quote.place.performance
    return UUID(found) if found else None


def _posting_columns(
    ids: Sequence[UUID], legs: Sequence[Sequence[Leg]]
) -> dict[str, list[Any]]:
    rows = [
        (entry_id, no, leg)
        for entry_id, own in zip(ids, legs, strict=True)
        for no, leg in enumerate(own, start=1)
    ]
    return {
        "entries": [entry_id for entry_id, _, _ in rows],
        "nos": [no for _, no, _ in rows],
        "accounts": [leg.account for _, _, leg in rows],
        "parties": [leg.party_id for _, _, leg in rows],
        "whats": [leg.what for _, _, leg in rows],
        "currencies": [leg.currency for _, _, leg in rows],
        "amounts": [leg.amount_minor for _, _, leg in rows],
    }


def _total_columns(rows: Sequence[tuple[Fact, str, Added]]) -> dict[str, list[Any]]:
    columns = _columns([row for _, _, row in rows])
    columns["worlds"] = [world for _, world, _ in rows]
    columns["entities"] = [fact.quote.legal_entity for fact, _, _ in rows]
    return columns


def _columns(rows: Sequence[Added]) -> dict[str, list[Any]]:
    return {
        "ids": [new_id() for _ in rows],
        "contracts": [UUID(row.contract_id) for row in rows],
        "days": [row.day for row in rows],
        "terms": [UUID(row.terms_id) for row in rows],
        "buckets": [row.bucket for row in rows],
        **{name: [row.measures[name] for row in rows] for name in MEASURES},
    }
