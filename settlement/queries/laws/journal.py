"""The laws of the journal: balance, what events say, credit, totals."""

from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.rules.events import (
    Bill,
    BookedEvent,
    Charge,
    Contracted,
    bill_legs,
    legs,
)
from settlement.rules.facts import Leg
from settlement.rules.statements import ACCOUNTS, SIGNS, STATED

_UNBALANCED = text(
    "SELECT entry_id, currency, sum(amount_minor) AS off_by FROM posting"
    " GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0 LIMIT 20"
)
_WITHOUT_POSTINGS = text(
    "SELECT e.id AS entry_id FROM journal_entry e WHERE NOT EXISTS"
    " (SELECT FROM posting p WHERE p.entry_id = e.id) LIMIT 20"
)
_CREDIT = text(
    "SELECT c.contract_id, c.exposure_minor, x.exposure, c.deposit_minor, x.deposit,"
    " c.reserved_minor, h.reserved FROM credit c CROSS JOIN LATERAL (SELECT"
    " coalesce(sum(p.amount_minor) FILTER (WHERE p.account = 'receivable:agent'), 0)"
    " AS exposure,"
    " coalesce(-sum(p.amount_minor) FILTER (WHERE p.account = 'deposit:agent'), 0)"
    " AS deposit FROM posting p JOIN journal_entry e ON e.id = p.entry_id"
    " WHERE p.party_id = c.partner_id AND p.currency = c.currency"
    " AND e.legal_entity = c.legal_entity AND e.world = c.world) x"
    " CROSS JOIN LATERAL (SELECT coalesce(sum(l.owed_minor), 0) AS reserved"
    " FROM hold_line l JOIN hold h ON h.id = l.hold_id JOIN frozen_quote q"
    " ON q.id = l.quote_id WHERE h.state = 'held'"
    " AND q.agent_contract_id = c.contract_id) h"
    " WHERE (c.exposure_minor, c.deposit_minor, c.reserved_minor) IS DISTINCT FROM"
    " (x.exposure, x.deposit, h.reserved) LIMIT 20"
)
_SIDED = {
    side: (
        f"SELECT e.{side}_contract_id AS contract_id,"  # noqa: S608 - our own words
        f" (coalesce(e.{side}_stated_at, e.happened_at) AT TIME ZONE c.zone)::date"
        " AS day, sum(e.tickets) AS tickets,"
        f" {SIGNS[side]} * coalesce(sum(p.due), 0) AS due,"
        f" {-SIGNS[side]} * coalesce(sum(p.commission), 0) AS commission,"
        f" {SIGNS[side]} * coalesce(sum(p.face), 0) AS face"
        f" FROM journal_entry e JOIN contract c ON c.id = e.{side}_contract_id"
        " CROSS JOIN LATERAL (SELECT sum(amount_minor) AS due,"
        " sum(amount_minor) FILTER (WHERE what = 'commission') AS commission,"
        " sum(amount_minor) FILTER (WHERE what = 'face') AS face FROM posting"
        " WHERE entry_id = e.id AND party_id = c.partner_id"
        f" AND account IN {ACCOUNTS[side]}) p"
        " WHERE e.kind = ANY(CAST(:kinds AS text[])) GROUP BY 1, 2"
    )
    for side in ACCOUNTS
}
_TOTALS = text(
    "WITH told AS (SELECT contract_id, day, sum(tickets) AS tickets,"  # noqa: S608 - our own words
    " sum(due_minor) AS due, sum(commission_minor) AS commission,"
    " sum(face_minor) AS face FROM (SELECT contract_id, day, tickets, due_minor,"
    " commission_minor, face_minor FROM total UNION ALL SELECT contract_id, day,"
    " tickets, due_minor, commission_minor, face_minor FROM total_delta) t"
    f" GROUP BY 1, 2), posted AS ({_SIDED['agent']} UNION ALL {_SIDED['supplier']})"
    " SELECT coalesce(t.contract_id, p.contract_id) AS contract_id,"
    " coalesce(t.day, p.day) AS day FROM told t FULL JOIN posted p"
    " ON (p.contract_id, p.day) = (t.contract_id, t.day)"
    " WHERE (coalesce(t.tickets, 0), coalesce(t.due, 0), coalesce(t.commission, 0),"
    " coalesce(t.face, 0)) IS DISTINCT FROM (coalesce(p.tickets, 0),"
    " coalesce(p.due, 0), coalesce(p.commission, 0), coalesce(p.face, 0)) LIMIT 20"
).bindparams(kinds=list(STATED))
_SEES = {
    side: (
        f"SELECT e.id AS entry_id, '{side}' AS side FROM journal_entry e"  # noqa: S608 - our own words
        f" JOIN contract c ON c.id = e.{side}_contract_id CROSS JOIN LATERAL (SELECT"
        " coalesce(sum(amount_minor) FILTER (WHERE what = 'face'), 0) AS face,"
        " coalesce(sum(amount_minor) FILTER (WHERE what = 'booking-fee'), 0)"
        "  AS booking,"
        " coalesce(sum(amount_minor) FILTER (WHERE what = 'service-fee'), 0) AS fee,"
        " coalesce(sum(amount_minor) FILTER (WHERE what = 'commission'), 0)"
        "  AS commission, coalesce(sum(amount_minor), 0) AS total FROM posting"
        "  WHERE entry_id = e.id AND party_id = c.partner_id"
        f"  AND account IN {ACCOUNTS[side]}) p"
        f" WHERE e.{side}_amounts IS DISTINCT FROM CAST(ARRAY[{SIGNS[side]} * p.face,"
        f" {SIGNS[side]} * p.booking, p.fee, {-SIGNS[side]} * p.commission,"
        f" {SIGNS[side]} * (p.total - p.face - p.booking - p.fee - p.commission),"
        f" {SIGNS[side]} * p.total] AS bigint[])"
    )
    for side in ACCOUNTS
}
_SEEN_ALIKE = text(f"{_SEES['agent']} UNION ALL {_SEES['supplier']} LIMIT 20")
_ONE_PERSON = text(
    "SELECT t.id AS terms_id FROM terms t JOIN credential m ON m.id = t.created_by"
    " JOIN credential c ON c.id = t.decided_by WHERE t.state = 'approved'"
    " AND t.decided_at <> t.created_at"
    " AND (m.holder_id = c.holder_id OR m.name = c.name) LIMIT 20"
)
_ACCOUNTS = text(
    "SELECT p.entry_id, p.no FROM posting p LEFT JOIN account a ON a.code = p.account"
    " LEFT JOIN partner r ON r.id = p.party_id LEFT JOIN journal_entry e"
    " ON e.id = p.entry_id WHERE a.code IS NULL OR e.id IS NULL"
    " OR (p.party_id IS NOT NULL AND r.id IS NULL) LIMIT 20"
)
_EVENTS = text(
    "SELECT e.id, e.kind, e.detail, c.currency, c.partner_id, p.kind AS side,"
    " (SELECT json_agg(json_build_array(l.account, l.party_id, l.what, l.currency,"
    "  l.amount_minor) ORDER BY l.no) FROM posting l WHERE l.entry_id = e.id) AS legs"
    " FROM journal_entry e JOIN contract c"
    " ON c.id = coalesce(e.agent_contract_id, e.supplier_contract_id)"
    " JOIN partner p ON p.id = c.partner_id WHERE e.order_id IS NULL ORDER BY e.id"
)
EVENT_LAW = "each entry of money alone has, leg for leg, what its event says"


def broken_journal(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of the journal."""
    checks = {
        "what each side sees of an entry is what its postings come to": _SEEN_ALIKE,
        "every entry sums to zero in every currency": _UNBALANCED,
        "every entry has postings": _WITHOUT_POSTINGS,
        "every posting has its entry, account and party": _ACCOUNTS,
        "credit is what the journal and the holds say": _CREDIT,
        "fold and tail are what the journal says": _TOTALS,
        "maker and checker of terms are two people": _ONE_PERSON,
    }
    found = [
        {"law": law} | {name: str(value) for name, value in row.items()}
        for law, query in checks.items()
        for row in session.execute(query).mappings()
    ]
    return found + [
        {"law": EVENT_LAW, "entry_id": str(row.id)}
        for row in session.execute(_EVENTS, execution_options={"yield_per": 500})
        if not _is_as_said(row)
    ]


def _is_as_said(row: Row[Any]) -> bool:
    """Say whether an entry's legs follow from its detail; for computed ones, sum up."""
    stored = [
        (account, party, what, currency, minor)
        for account, party, what, currency, minor in row.legs or ()
    ]
    amount = (row.detail or {}).get("amount_minor")
    if "event" not in (row.detail or {}):
        return amount is not None and any(abs(leg[-1]) == abs(amount) for leg in stored)
    whose = Contracted(row.side, row.partner_id, row.currency)
    try:
        made = made_from(row.detail, whose)
    except (msgspec.ValidationError, KeyError):
        return False
    return stored == [
        (
            leg.account,
            leg.party_id and str(leg.party_id),
            leg.what,
            leg.currency,
            leg.amount_minor,
        )
        for leg in made
    ]


def made_from(detail: dict[str, Any], whose: Contracted) -> list[Leg]:
    """Return the legs that an event makes, as its entry's detail tells it."""
    said = {k: v for k, v in detail.items() if k not in {"charge", "terms_id"}}
    event: Any = msgspec.convert(said, BookedEvent)
    if isinstance(event, Bill):
        return bill_legs(msgspec.convert(detail["charge"], Charge), whose)
    return legs(event, whose)
