"""Holds of other kinds than a short one: extended, options, reports of sales."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import CapReachedError
from allocation.rules.plans.language import Mode
from allocation.rules.plans.stages import Timing
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError
from hub.sales import queries
from hub.sales.errors import NotExtendableError, SaleUnderWayError
from hub.sales.models import Hold
from hub.sales.rules import refuse_if_changed, refuse_unless_held
from hub.sales.services.baskets import BasketLine
from hub.sales.services.pricing import holding
from hub.sales.services.wishes import HOLD, LIVE, OPTION, REPORT, HoldWish

REPORT_TTL_S = 7 * 86_400  # time to repeat a report that was interrupted
_EXTEND = text(
    "UPDATE hold SET expires_at = :until, extensions = extensions + 1,"
    " version = version + 1 WHERE id = :id"
)


def extend_hold(
    session: Session,
    who: Caller,
    hold_id: UUID,
    version: int | None = None,
    ends: datetime | None = None,
) -> Hold:
    """Give a hold its time again, from now on; refused like a confirm.

    HoldChangedError if it has another version than the one its agent knows;
    NotExtendableError when the plan's number or time of extensions is used up. *ends*:
    when what its suppliers have locked ends, at the latest.
    """
    hold = queries.get_hold(
        session, hold_id, world=who.world, agent_id=who.partner, lock=True
    )
    until = refuse_unless_extendable(session, who, hold, version)
    if hold.kind == LIVE and (ends is None or hold.is_frozen):
        raise SaleUnderWayError(hold_id=hold_id)
    until = until if ends is None else min(until, ends)
    session.execute(_EXTEND, {"id": hold.id, "until": until})
    session.refresh(hold)
    return hold


def refuse_unless_extendable(
    session: Session, who: Caller, hold: Hold, version: int | None
) -> datetime:
    """Return until when a hold may be extended; raise why it may not."""
    now = clock.now(session, who.world)
    refuse_unless_held(hold.state, is_past=hold.expires_at <= now, hold_id=hold.id)
    refuse_if_changed(hold.version, version)
    last = hold.extendable_until or hold.expires_at
    can_be = hold.kind in {HOLD, LIVE}
    if not can_be or hold.extensions >= hold.extensions_most:
        raise NotExtendableError(
            extensions=hold.extensions, extensions_most=hold.extensions_most
        )
    until = min(now + timedelta(seconds=hold.ttl_s), last)
    if until <= hold.expires_at:
        raise NotExtendableError(extendable_until=last.isoformat())
    return until


def as_option(wish: HoldWish, until: datetime, now: datetime) -> HoldWish:
    """Return a wish for a group option, kept until a moment the plan allows."""
    holding = wish.basket.holding
    seats = sum(line.quantity for line in wish.lines)
    if until <= now:
        reason = "lies in the past"
        raise InvalidRequestError(field="option_until", reason=reason)
    deadlines = [_deadline(line) for line in wish.basket.lines]
    if None in deadlines:
        reason = "the plan gives this agent no options"
        raise InvalidRequestError(field="option_until", reason=reason)
    deadline = min(at for at in deadlines if at is not None)
    if until > deadline:
        reason = f"options end by {deadline.isoformat()}"
        raise InvalidRequestError(field="option_until", reason=reason)
    if holding.option_most is not None and seats > holding.option_most:
        raise CapReachedError(
            cap="option",
            of="seats of an option",
            most=holding.option_most,
            wanted=seats,
        )
    return replace(wish, kind=OPTION, until=until)


def _deadline(line: BasketLine) -> datetime | None:
    """Return until when a line may be kept as an option, if at all."""
    said = holding(line.standing).option_deadline
    timing = Timing(line.offer.starts_at, line.offer.zone)
    return None if said is None else timing.moment(said)


def as_report(wish: HoldWish) -> HoldWish:
    """Return a wish to book what was sold elsewhere; only for who reports."""
    if any(line.basket.mode is not Mode.SELL_AND_REPORT for line in wish.lines):
        reason = "the plan does not let this agent sell and report"
        raise InvalidRequestError(field="lines", reason=reason)
    return replace(wish, kind=REPORT, ttl_s=REPORT_TTL_S)
