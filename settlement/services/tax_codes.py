"""Tax codes of a legal entity: dated rates that never overlap."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.kernel.clock import LIVE
from hub.kernel.db import take_turns
from hub.kernel.errors import ForbiddenError, InvalidRequestError, NotFoundError
from hub.kernel.ids import new_id
from partners.models import LegalEntity
from settlement.errors import TaxCodeOverlapError
from settlement.models import TaxCode
from settlement.rules.checks import refuse
from settlement.rules.checks.words import rate
from settlement.rules.clauses import TaxRate
from settlement.rules.files import converted
from settlement.rules.taxes import category_of
from settlement.services.terms import EXCLUSION_VIOLATION

_IS_OF_OTHERS = text(
    "SELECT EXISTS (SELECT FROM contract WHERE legal_entity = :entity"
    " AND world <> :world)"
)
_TODAY = text("SELECT clock_timestamp()::date")
_END_OPEN = text(
    "UPDATE tax_code SET valid = daterange(lower(valid), :valid_from)"
    " WHERE legal_entity = :entity AND code = :code AND upper_inf(valid)"
    " AND lower(valid) < :valid_from"
)


def _refuse_others(session: Session, who: Caller, legal_entity: str) -> None:
    if session.get(LegalEntity, legal_entity) is None:
        raise NotFoundError(legal_entity=legal_entity)
    where = {"entity": legal_entity, "world": who.world}
    if who.world != LIVE and session.scalar(_IS_OF_OTHERS, where):
        raise ForbiddenError(reason="other worlds are taxed by it, too")


def add_tax_code(
    session: Session, who: Caller, legal_entity: str, **said: Any
) -> TaxCode:
    """Add a tax code's rate for some days.

    An open-ended one ends where its open-ended successor begins, if that is to come:
    what has been taxed already was taxed right.

    What worlds share is the live world's to say: ForbiddenError in a sandbox.

    *said* is what a TaxRate has. TaxCodeOverlapError where it has a rate already,
    TermsRefusedError for a bad rate or category.
    """
    _refuse_others(session, who, legal_entity)
    found, category = _checked(said)
    code, starts, ends = found.code, found.valid_from, found.valid_until
    take_turns(session, f"tax/{legal_entity}/{code}")
    if ends is None and starts > session.scalars(_TODAY).one():
        session.execute(
            _END_OPEN, {"entity": legal_entity, "code": code, "valid_from": starts}
        )
    made = TaxCode(
        id=new_id(),
        legal_entity=legal_entity,
        code=code,
        valid=Range(starts, ends),
        rate=found.rate,
        method=found.method,
        category=category,
        exemption=found.exemption,
        created_by=who.credential_id,
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != EXCLUSION_VIOLATION:
            raise
        raise TaxCodeOverlapError(tax_code=code) from None
    return made


def _checked(said: dict[str, Any]) -> tuple[TaxRate, str]:
    """Return a tax rate and what invoices call it; or raise what is wrong with it."""
    found: TaxRate = converted(said, TaxRate)
    category, wrong = category_of(found)
    refuse((*rate("rate", found.rate), *wrong))
    if found.valid_until is not None and found.valid_until <= found.valid_from:
        raise InvalidRequestError(field="valid_until", reason="ends before it starts")
    return found, category
