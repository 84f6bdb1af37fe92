"""Writing the journal: in the fact's own transaction, many rows a statement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from hub.kernel.db import rows
from hub.kernel.ids import new_id
from hub.kernel.pipeline import send
from settlement.models import MEASURES
from settlement.rules.accounts import RECEIVABLE_AGENT
from settlement.rules.adding import Added, added
from settlement.rules.postings import Fact, Leg, postings

_ADD_ENTRIES = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no,"
    " sequence, tickets, happened_at, supplier_contract_id, agent_contract_id,"
    " supplier_stated_at, agent_stated_at, performance_id) SELECT * FROM"
    " json_to_recordset(CAST(:rows AS json)) AS r(id uuid, world text, entity text,"
    " kind text, order_id uuid, line_no int, sequence int, tickets int,"
    " at timestamptz, supplier uuid, agent uuid, supplier_at timestamptz,"
    " agent_at timestamptz, performance uuid)"
)
_ADD_ENTRY = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, tickets, happened_at,"
    " supplier_contract_id, agent_contract_id, reference, detail, made_by)"
    " VALUES (:id, :world, :entity, :kind, 0, :at, :supplier, :agent, :reference,"
    " CAST(:detail AS jsonb), :made_by) ON CONFLICT DO NOTHING RETURNING id"
)
_ADD_POSTINGS = text(
    "INSERT INTO posting (entry_id, no, account, party_id, what, currency,"
    " amount_minor) SELECT * FROM json_to_recordset(CAST(:rows AS json))"
    " AS r(entry_id uuid, no int, account text, party_id uuid, what text,"
    " currency text, amount_minor bigint)"
)
_ADD_TOTALS = text(
    "INSERT INTO total_delta (id, world, legal_entity, contract_id, day, terms_id,"  # noqa: S608 - our own words
    f" bucket, {', '.join(MEASURES)}) SELECT * FROM"
    " json_to_recordset(CAST(:rows AS json)) AS r(id uuid, world text, entity text,"
    " contract_id uuid, day date, terms_id uuid, bucket text,"
    f" {', '.join(f'{name} bigint' for name in MEASURES)})"
)


def post(
    session: Session, facts: Sequence[Fact], worlds: Sequence[str]
) -> dict[UUID, int]:
    """Post the entries of facts, each of a world, with what they add to totals.

    The database refuses an entry that does not balance. Returns what each agent's
    contract owes more by it (less: negative), for the caller to put on its credit.
    """
    return _post(session.execute, facts, worlds)


def send_post(
    session: Session, facts: Sequence[Fact], worlds: Sequence[str]
) -> dict[UUID, int]:
    """Post the entries of facts inside a pipeline; as ``post``."""
    return _post(partial(send, session), facts, worlds)


def _post(
    execute: Callable[[TextClause, dict[str, str]], object],
    facts: Sequence[Fact],
    worlds: Sequence[str],
) -> dict[UUID, int]:
    if not facts:
        return {}
    ids = [new_id() for _ in facts]
    legs = [postings(fact) for fact in facts]
    own = list(zip(ids, facts, worlds, strict=True))
    execute(_ADD_ENTRIES, {"rows": rows(_entry(*one) for one in own)})
    execute(_ADD_POSTINGS, _postings(zip(ids, legs, strict=True)))
    totals = (
        _total(world, fact.quote.legal_entity, row)
        for (_, fact, world), made in zip(own, legs, strict=True)
        for row in added(fact, made)
    )
    execute(_ADD_TOTALS, {"rows": rows(totals)})
    owed: dict[UUID, int] = {}
    for fact, made in zip(facts, legs, strict=True):
        contract_id = fact.quote.agent_contract_id
        owed[contract_id] = owed.get(contract_id, 0) + debt(made)
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
    session.execute(_ADD_POSTINGS, _postings([(entry_id, legs)]))
    return entry_id


def add_totals(
    session: Session, world: str, entity: str, found: Iterable[Added]
) -> None:
    """Add to the totals of contracts what an entry without a sale adds."""
    totals = (_total(world, entity, row) for row in found)
    session.execute(_ADD_TOTALS, {"rows": rows(totals)})


def _entry(entry_id: UUID, fact: Fact, world: str) -> dict[str, Any]:
    quote = fact.quote
    return {
        "id": entry_id,
        "world": world,
        "entity": quote.legal_entity,
        "kind": fact.kind,
        "order_id": fact.order_id,
        "line_no": fact.line_no,
        "sequence": fact.sequence,
        "tickets": fact.tickets,
        "at": fact.happened_at,
        "supplier": quote.supplier_contract_id,
        "agent": quote.agent_contract_id,
        "supplier_at": fact.stated_at("supplier"),
        "agent_at": fact.stated_at("agent"),
        "performance": quote.place.performance or None,
    }


def _postings(entries: Iterable[tuple[UUID, Sequence[Leg]]]) -> dict[str, str]:
    found = (
        {
            "entry_id": entry_id,
            "no": no,
            "account": leg.account,
            "party_id": leg.party_id,
            "what": leg.what,
            "currency": leg.currency,
            "amount_minor": leg.amount_minor,
        }
        for entry_id, legs in entries
        for no, leg in enumerate(legs, start=1)
    )
    return {"rows": rows(found)}


def _total(world: str, entity: str, row: Added) -> dict[str, Any]:
    return {
        "id": new_id(),
        "world": world,
        "entity": entity,
        "contract_id": row.contract_id,
        "day": row.day,
        "terms_id": row.terms_id,
        "bucket": row.bucket,
        **row.measures,
    }
