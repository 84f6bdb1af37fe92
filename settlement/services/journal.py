"""Writing the journal: in the fact's own transaction, many rows a statement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.db import rows
from hub.kernel.ids import new_id
from settlement.models import MEASURES
from settlement.rules.accounts import RECEIVABLE_AGENT
from settlement.rules.adding import Added, added
from settlement.rules.facts import Fact, Leg
from settlement.rules.postings import postings
from settlement.rules.statements import ACCOUNTS, Seen, amounts_of, seen_by

_ADD_ENTRIES = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no,"
    " sequence, tickets, happened_at, supplier_contract_id, agent_contract_id,"
    " supplier_stated_at, agent_stated_at, performance_id, agent_amounts,"
    " supplier_amounts, agent_terms_id, supplier_terms_id) SELECT * FROM"
    " json_to_recordset(CAST(:rows AS json)) AS r(id uuid, world text, entity text,"
    " kind text, order_id uuid, line_no int, sequence int, tickets int,"
    " at timestamptz, supplier uuid, agent uuid, supplier_at timestamptz,"
    " agent_at timestamptz, performance uuid, agent_amounts bigint[],"
    " supplier_amounts bigint[], agent_terms uuid, supplier_terms uuid)"
)
_ADD_ENTRY = text(
    "INSERT INTO journal_entry (id, world, legal_entity, kind, tickets, happened_at,"
    " supplier_contract_id, agent_contract_id, reference, detail, made_by,"
    " agent_amounts, supplier_amounts, agent_terms_id, supplier_terms_id)"
    " VALUES (:id, :world, :entity, :kind, 0, :at, :supplier, :agent, :reference,"
    " CAST(:detail AS jsonb), :made_by, CAST(:agent_amounts AS bigint[]),"
    " CAST(:supplier_amounts AS bigint[]), CASE WHEN :is_agents THEN"
    " CAST(:terms AS uuid) END, CASE WHEN NOT :is_agents THEN CAST(:terms AS uuid) END)"
    " ON CONFLICT DO NOTHING RETURNING id"
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


@dataclass(frozen=True, slots=True)
class Posted:
    """A fact with its legs, posted under an entry in a world."""

    entry_id: UUID
    fact: Fact
    legs: Sequence[Leg]
    world: str


def post(
    session: Session, facts: Sequence[Fact], worlds: Sequence[str]
) -> dict[UUID, int]:
    """Post the entries of facts, each of a world, with what they add to totals.

    The database refuses an entry that does not balance. Returns what each agent's
    contract owes more by it (less: negative), for the caller to put on its credit.
    """
    if not facts:
        return {}
    posted = [
        Posted(new_id(), fact, postings(fact), world)
        for fact, world in zip(facts, worlds, strict=True)
    ]
    statements = (_ADD_ENTRIES, _ADD_POSTINGS, _ADD_TOTALS)
    for statement, said in zip(statements, said_of_facts(posted), strict=True):
        session.execute(statement, {"rows": rows(said)})
    owed: dict[UUID, int] = {}
    for one in posted:
        contract_id = one.fact.quote.agent_contract_id
        owed[contract_id] = owed.get(contract_id, 0) + debt(one.legs)
    return owed


def said_of_facts(posted: Sequence[Posted]) -> list[list[dict[str, Any]]]:
    """Return the rows of what is posted: entries, postings, what totals add."""
    seen = [seen_by(one.legs) for one in posted]
    return [
        [_entry(*pair) for pair in zip(posted, seen, strict=True)],
        [row for one in posted for row in _postings(one.entry_id, one.legs)],
        [
            _total(one.world, one.fact.quote.legal_entity, row)
            for one, by_side in zip(posted, seen, strict=True)
            for row in added(one.fact, by_side)
        ],
    ]


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
    by_side = seen_by(legs)
    amounts = {
        f"{side}_amounts": amounts_of(by_side[side]) if entry[side] else None
        for side in ACCOUNTS
    }
    said = {
        "id": entry_id,
        **entry,
        **amounts,
        "detail": told,
        "is_agents": entry["agent"] is not None,
        "terms": detail.get("terms_id"),
    }
    made = session.scalar(_ADD_ENTRY, said)
    if made is None:
        return None
    session.execute(_ADD_POSTINGS, {"rows": rows(_postings(entry_id, legs))})
    return entry_id


def add_totals(
    session: Session, world: str, entity: str, found: Iterable[Added]
) -> None:
    """Add to the totals of contracts what an entry without a sale adds."""
    totals = (_total(world, entity, row) for row in found)
    session.execute(_ADD_TOTALS, {"rows": rows(totals)})


def _entry(posted: Posted, by_side: Seen) -> dict[str, Any]:
    fact = posted.fact
    quote = fact.quote
    return {
        "id": posted.entry_id,
        "world": posted.world,
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
        "agent_amounts": amounts_of(by_side["agent"]),
        "supplier_amounts": amounts_of(by_side["supplier"]),
        "agent_terms": quote.agent and quote.agent.terms_id,
        "supplier_terms": quote.supplier and quote.supplier.terms_id,
    }


def _postings(entry_id: UUID, legs: Sequence[Leg]) -> Iterator[dict[str, Any]]:
    for no, leg in enumerate(legs, start=1):
        yield {
            "entry_id": entry_id,
            "no": no,
            "account": leg.account,
            "party_id": leg.party_id,
            "what": leg.what,
            "currency": leg.currency,
            "amount_minor": leg.amount_minor,
        }


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
