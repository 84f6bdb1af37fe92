"""From a line of a statement to its postings, and to what made them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from partners.models import Contract
from settlement.models import Statement
from settlement.queries.facts import JOINED, LEGS, TOLD, fact_of
from settlement.queries.lines import lines_of, stored_lines
from settlement.rules.explaining import reasons, share_of_line
from settlement.rules.facts import Leg
from settlement.rules.periods import Period
from settlement.rules.statements import SETTLED, StatementRow

_ENTRY = text(
    f"SELECT {TOLD}, e.posted_at, e.reference, e.detail, {LEGS} AS legs"  # noqa: S608 - our own words
    f" FROM journal_entry e{JOINED} WHERE e.id = :entry"
)
_TERMS = text(
    "SELECT t.id, t.version, lower(t.valid) AS valid_from, upper(t.valid)"
    " AS valid_until, t.scope, t.clauses FROM terms t JOIN contract c"
    " ON c.id = t.contract_id WHERE t.id = ANY(:ids) AND"
    " (CAST(:party AS uuid) IS NULL OR c.partner_id = :party) ORDER BY t.id"
)
_OF_ENTRY = text(
    "SELECT s.id AS statement_id, l.no FROM journal_entry e JOIN statement s"
    " ON s.contract_id IN (e.agent_contract_id, e.supplier_contract_id)"
    " AND s.state IN ('closed', 'paid') AND coalesce(CASE s.side WHEN 'agent'"
    "  THEN e.agent_stated_at ELSE e.supplier_stated_at END, e.happened_at)"
    "  >= s.starts_at AND coalesce(CASE s.side WHEN 'agent' THEN e.agent_stated_at"
    "  ELSE e.supplier_stated_at END, e.happened_at) < s.ends_at"
    " JOIN statement_line l ON l.statement_id = s.id AND l.entry_id = e.id"
    " WHERE e.id = :entry ORDER BY s.side"
)


def explain(
    session: Session, statement: Statement, no: int, *, party_id: UUID | None
) -> dict[str, Any]:
    """Return why a line of a statement is what it is; NotFoundError if it has none.

    For finance (*party_id* None) whole; for a partner what its own terms make and its
    own postings. *is_as_posted*: made anew, it is leg for leg what was posted.
    """
    line = _line(session, statement, no)
    entry = session.execute(_ENTRY, {"entry": line.entry_id}).one()
    legs = [Leg(a, p and UUID(p), w, c, n) for a, p, w, c, n in entry.legs or ()]
    told: dict[str, Any] = {
        "statement_id": statement.id,
        "line": line,
        "entry": entry,
        "reasons": [],
        "share": {},
        "is_as_posted": None,
        "postings": [leg for leg in legs if party_id in {None, leg.party_id}],
    }
    ids = _terms_ids(entry.detail or {})
    if entry.quote is not None:
        fact = fact_of(entry)
        side = None if party_id is None else statement.side
        told["reasons"] = [
            {"reason": one, "postings": seen}
            for one in reasons(fact, side)
            for seen in [_seen(one.legs, party_id)]
            if seen or party_id is None
        ]
        made = [leg for one in reasons(fact) for leg in one.legs]
        told["is_as_posted"] = made == legs
        told["share"] = share_of_line(fact)
        sides = (fact.quote.agent, fact.quote.supplier)
        ids |= {UUID(one.terms_id) for one in sides if one is not None}
    told["terms"] = session.execute(_TERMS, {"ids": list(ids), "party": party_id}).all()
    return told


def _seen(legs: Any, party_id: UUID | None) -> list[Leg]:
    return [leg for leg in legs if party_id in {None, leg.party_id}]


def _line(session: Session, statement: Statement, no: int) -> StatementRow:
    if statement.state in SETTLED:
        lines = stored_lines(session, statement.id)
    else:
        contract = session.get_one(Contract, statement.contract_id)
        period = Period(statement.period, statement.starts_at, statement.ends_at)
        lines = lines_of(session, contract, statement.side, period)
    found = lines.row(no)
    if found is None:
        raise NotFoundError(statement_id=statement.id, line=no)
    return found


def _terms_ids(detail: Mapping[str, Any]) -> set[UUID]:
    said = detail.get("terms_id")
    return {UUID(said)} if said else set()


def lines_of_entry(session: Session, entry_id: UUID) -> list[tuple[UUID, int]]:
    """Return the lines of closed statements that an entry is on: statement, number."""
    found = session.execute(_OF_ENTRY, {"entry": entry_id})
    return [(row.statement_id, row.no) for row in found]
