"""Revaluing what the books hold of a foreign currency."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import take_turns
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.money import is_currency
from partners.models import LegalEntity
from settlement.errors import ReferenceUsedError
from settlement.queries.entries import position as held
from settlement.rules.accounts import EXPENSE_FX, TRADING
from settlement.rules.events import position
from settlement.rules.exchange import revaluation
from settlement.rules.facts import Leg
from settlement.services.journal import post_event


def revalue(
    session: Session,
    who: Caller,
    legal_entity: str,
    *,
    reference: str,
    currency: str,
    home_currency: str,
    rate: str,
    rate_source: str,
    rate_at: datetime,
) -> tuple[UUID | None, int]:
    """Book what a foreign position has gained or lost; (None, 0) if it is as booked.

    Returns the entry and the gain in home minor units (a loss is negative).
    """
    _refuse_unknown(session, legal_entity, currency, home_currency)
    held_in = f"fx/{who.world}/{legal_entity}/{currency}/{home_currency}"
    take_turns(session, held_in)
    pair = (currency, home_currency)
    what = position(*pair)
    foreign, booked = held(session, who.world, legal_entity, pair, what)
    gain = revaluation(foreign, booked, currency, home_currency, rate)
    if not gain:
        return None, 0
    made = [
        Leg(TRADING, None, what, home_currency, gain),
        Leg(EXPENSE_FX, None, what, home_currency, -gain),
    ]
    detail = {
        "currency": currency,
        "rate": rate,
        "rate_source": rate_source,
        "rate_at": rate_at,
        "foreign_minor": foreign,
        "booked_minor": booked,
        "amount_minor": gain,
    }
    entry_id = _post(session, who, (legal_entity, reference), made, detail)
    return entry_id, gain


def _refuse_unknown(
    session: Session, legal_entity: str, currency: str, home_currency: str
) -> None:
    if session.get(LegalEntity, legal_entity) is None:
        raise NotFoundError(legal_entity=legal_entity)
    for field, code in (("currency", currency), ("home_currency", home_currency)):
        if not is_currency(code):
            raise InvalidRequestError(field=field, reason="not of ISO 4217")
    if currency == home_currency:
        raise InvalidRequestError(field="currency", reason="is the home currency")


def _post(
    session: Session,
    who: Caller,
    named: tuple[str, str],
    made: Sequence[Leg],
    detail: dict[str, Any],
) -> UUID:
    legal_entity, reference = named
    entry = {
        "world": who.world,
        "entity": legal_entity,
        "kind": "revaluation",
        "at": clock.now(session, who.world),
        "supplier": None,
        "agent": None,
        "reference": reference,
        "made_by": who.credential_id,
    }
    entry_id = post_event(session, made, entry=entry, detail=detail)
    if entry_id is None:
        raise ReferenceUsedError(event="revaluation", reference=reference)
    return entry_id
