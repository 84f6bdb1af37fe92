"""Agreeing terms: immutable versions that never overlap."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.errors import InvalidRequestError
from hub.kernel.ids import new_id
from partners.models import Contract
from settlement.errors import TermsOverlapError
from settlement.models import Terms

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(:contract))")
_END_OPEN = text(
    "UPDATE terms SET valid = tstzrange(lower(valid), :valid_from)"
    " WHERE contract_id = :contract AND upper_inf(valid)"
    " AND lower(valid) < :valid_from"
)
EXCLUSION_VIOLATION = "23P01"


def agree_terms(
    session: Session,
    contract: Contract,
    *,
    valid_from: datetime,
    valid_until: datetime | None,
    commission_bp: int,
    ticket_fee_minor: int,
    created_by: UUID,
) -> Terms:
    """Add a version valid from-until (half-open); TermsOverlapError if one is there.

    Terms that are open-ended end where their open-ended successor begins, if that is
    still to come.
    """
    if valid_until is not None and valid_until <= valid_from:
        reason = "ends before it starts"
        raise InvalidRequestError(field="valid_until", reason=reason)
    session.execute(_ONE_AT_A_TIME, {"contract": str(contract.id)})
    newest = select(func.max(Terms.version)).where(Terms.contract_id == contract.id)
    if valid_until is None and valid_from >= clock.now(session, contract.world):
        where = {"contract": contract.id, "valid_from": valid_from}
        session.execute(_END_OPEN, where)
    terms = Terms(
        id=new_id(),
        contract_id=contract.id,
        version=(session.scalar(newest) or 0) + 1,
        valid=Range(valid_from, valid_until),
        commission_bp=commission_bp,
        ticket_fee_minor=ticket_fee_minor,
        created_by=created_by,
    )
    try:
        with session.begin_nested():
            session.add(terms)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != EXCLUSION_VIOLATION:
            raise
        raise TermsOverlapError(contract_id=contract.id) from None
    return terms
