"""Agreeing terms: proposed by one person, approved by another, never overlapping."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import take_turns
from hub.kernel.errors import InvalidRequestError
from hub.kernel.ids import new_id
from partners.models import Contract, Credential, Partner
from settlement.errors import (
    OwnWorkError,
    TermsOverlapError,
    TermsStateError,
)
from settlement.models import Terms
from settlement.queries.terms import get_terms, tax_book
from settlement.rules.checks import Finding, problems, refuse
from settlement.rules.clauses import Clauses
from settlement.rules.files import converted
from settlement.rules.scopes import Scope

_END_OPEN = text(
    "UPDATE terms SET valid = tstzrange(lower(valid), :valid_from)"
    " WHERE contract_id = :contract AND scope_id = :scope AND state = 'approved'"
    " AND upper_inf(valid) AND lower(valid) < :valid_from"
)
_OVERLAPS = text(
    "SELECT o.version, lower(o.valid * t.valid) AS starts,"
    " upper(o.valid * t.valid) AS ends FROM terms t JOIN terms o"
    " ON (o.contract_id, o.scope_id) = (t.contract_id, t.scope_id)"
    " AND o.state = 'approved' AND o.valid && t.valid"
    " WHERE t.id = :id ORDER BY lower(o.valid) LIMIT 1"
)
EXCLUSION_VIOLATION = "23P01"
WHOLE = "is the whole contract's: agree it in terms without a scope"
APPROVED, REJECTED = "approved", "rejected"


def propose_terms(
    session: Session,
    who: Caller,
    contract: Contract,
    *,
    valid_from: datetime,
    valid_until: datetime | None,
    scope: Mapping[str, Any],
    clauses: Mapping[str, Any],
) -> Terms:
    """Propose a version for a scope, valid from-until (half-open).

    TermsRefusedError names every clause that contradicts itself or does not add up.
    """
    if valid_until is not None and valid_until <= valid_from:
        reason = "ends before it starts"
        raise InvalidRequestError(field="valid_until", reason=reason)
    partner = session.get_one(Partner, contract.partner_id)
    read = read_clauses(session, contract, partner.kind, clauses)
    narrowed = converted(dict(scope), Scope)
    if narrowed.named and read.minimum_guarantee is not None:
        refuse([Finding("minimum_guarantee", WHOLE)])
    take_turns(session, str(contract.id))
    newest = select(func.max(Terms.version)).where(Terms.contract_id == contract.id)
    terms = Terms(
        id=new_id(),
        contract_id=contract.id,
        version=(session.scalar(newest) or 0) + 1,
        valid=Range(valid_from, valid_until),
        scope=msgspec.to_builtins(narrowed),
        clauses=told(read),
        state="proposed",
        created_by=who.credential_id,
    )
    session.add(terms)
    session.flush()  # the database makes the scope's id
    return terms


def read_clauses(
    session: Session, contract: Contract, side: str, clauses: Mapping[str, Any]
) -> Clauses:
    """Return clauses as agreed; TermsRefusedError names what is wrong with them."""
    read: Clauses = converted(dict(clauses), Clauses)
    refuse(problems(read, side, tax_book(session, contract.legal_entity).codes))
    return read


def told(clauses: Clauses) -> dict[str, Any]:
    """Return what clauses say, whole: with what holds because nothing else is said."""
    said: dict[str, Any] = msgspec.to_builtins(clauses)
    return said


def decide_terms(
    session: Session, who: Caller, terms_id: UUID, *, is_approved: bool
) -> Terms:
    """Approve or reject proposed terms; not by who proposed them (OwnWorkError).

    Open-ended terms end where their open-ended successor of the same scope begins, if
    that is still to come. TermsOverlapError says with which version, and how far.
    """
    found = get_terms(session, terms_id, world=who.world)
    take_turns(session, str(found.contract_id))
    terms = session.get_one(Terms, terms_id, populate_existing=True)
    if terms.state != "proposed":
        raise TermsStateError(state=terms.state)
    maker = session.get_one(Credential, terms.created_by)
    if maker.holder_id == who.holder_id or maker.name == who.name:
        raise OwnWorkError(proposed_by=maker.name)
    now = clock.now(session, who.world)
    if is_approved:
        _make_room(session, terms, now)
    state = APPROVED if is_approved else REJECTED
    decided = {"state": state, "decided_by": who.credential_id, "decided_at": now}
    try:
        with session.begin_nested():
            session.execute(update(Terms).where(Terms.id == terms.id).values(decided))
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != EXCLUSION_VIOLATION:
            raise
        raise _overlap(session, terms) from None
    session.refresh(terms)
    return terms


def _make_room(session: Session, terms: Terms, now: datetime) -> None:
    starts = terms.valid.lower
    if terms.valid.upper is None and starts is not None and starts >= now:
        where = {"contract": terms.contract_id, "scope": terms.scope_id}
        session.execute(_END_OPEN, where | {"valid_from": starts})


def _overlap(session: Session, terms: Terms) -> TermsOverlapError:
    row = session.execute(_OVERLAPS, {"id": terms.id}).one()
    return TermsOverlapError(
        with_version=row.version,
        overlaps_from=row.starts and row.starts.isoformat(),
        overlaps_until=row.ends and row.ends.isoformat(),
    )
