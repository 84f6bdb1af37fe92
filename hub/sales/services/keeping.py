"""What becomes of a hold before it is confirmed: extended, requested, answered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import CapReachedError
from allocation.rules.limits import holding_of
from allocation.rules.plans.language import Mode
from allocation.rules.plans.stages import Timing
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import rows, take_turns
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.sales import queries
from hub.sales.errors import LookToBookError, NotExtendableError
from hub.sales.models import Hold
from hub.sales.rules import HoldState, refuse_unless_held
from hub.sales.services.baskets import BasketLine
from hub.sales.services.telling import hold_body, hold_line
from hub.sales.services.wishes import OPTION, REPORT, HoldWish, WishLine

REQUEST_TTL_S = 48 * 3_600
REPORT_TTL_S = 7 * 86_400  # time to repeat a report that was interrupted
LOOKS_FREE = 50
_EXTEND = text(
    "UPDATE hold SET expires_at = :until, extensions = extensions + 1,"
    " version = version + 1 WHERE id = :id"
)
_REQUEST = text(
    "INSERT INTO hold (id, world, agent_id, state, version, expires_at, ttl_s, kind,"
    " created_at, wanted) VALUES (:id, :world, :agent, 'requested', 1, :until, :ttl,"
    " 'request', :at, CAST(:wanted AS jsonb))"
)
_LINES = text(
    "INSERT INTO hold_line (hold_id, no, performance_id, node_id, offer_id, quantity,"
    " seat_ids, quote_id, owed_minor) SELECT hold, no, performance, node, offer,"
    " quantity, seats, quote, owed FROM json_to_recordset(CAST(:rows AS json))"
    " AS r(hold uuid, no int, performance uuid, node uuid, offer uuid, quantity int,"
    " seats uuid[], quote uuid, owed bigint)"
)
_FAMILY = "(SELECT id FROM partner WHERE :holder IN (id, parent_id))"
_PENDING = text(
    "SELECT coalesce(sum(l.quantity), 0)::int FROM hold h JOIN hold_line l"  # noqa: S608 - our own words
    f" ON l.hold_id = h.id WHERE h.state = 'requested' AND h.agent_id IN {_FAMILY}"
    " AND l.performance_id = :performance"
)
_OF_SUPPLIERS = "JOIN performance p ON p.id = l.performance_id AND p.supplier_id = ANY"
_LOOKS = text(
    "SELECT (SELECT count(DISTINCT h.id) FROM hold h"  # noqa: S608 - our own words
    f" JOIN hold_line l ON l.hold_id = h.id {_OF_SUPPLIERS}(:suppliers)"
    f" WHERE h.agent_id IN {_FAMILY} AND h.created_at > :since) AS looks,"
    " (SELECT count(DISTINCT o.id) FROM sale_order o"
    f" JOIN order_line l ON l.order_id = o.id {_OF_SUPPLIERS}(:suppliers)"
    f" WHERE o.agent_id IN {_FAMILY} AND o.confirmed_at > :since) AS books"
)


def extend_hold(session: Session, who: Caller, hold_id: UUID) -> Hold:
    """Give a hold its time again, from now on; refused like a confirm.

    NotExtendableError when the plan's number or time of extensions is used up.
    """
    hold = queries.get_hold(
        session, hold_id, world=who.world, agent_id=who.partner, lock=True
    )
    now = clock.now(session, who.world)
    refuse_unless_held(hold.state, is_past=hold.expires_at <= now, hold_id=hold.id)
    until = now + timedelta(seconds=hold.ttl_s)
    last = hold.extendable_until or hold.expires_at
    if hold.kind != "hold" or hold.extensions >= hold.extensions_most:
        raise NotExtendableError(
            extensions=hold.extensions, extensions_most=hold.extensions_most
        )
    until = min(until, last)
    if until <= hold.expires_at:
        raise NotExtendableError(extendable_until=last.isoformat())
    session.execute(_EXTEND, {"id": hold.id, "until": until})
    session.refresh(hold)
    return hold


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
    share = line.standing.share
    said = holding_of(line.plan, share.rules if share else ()).option_deadline
    timing = Timing(line.offer.starts_at, line.offer.zone)
    return None if said is None else timing.moment(said)


def as_report(wish: HoldWish) -> HoldWish:
    """Return a wish to book what was sold elsewhere; only for who reports."""
    if any(line.basket.mode is not Mode.SELL_AND_REPORT for line in wish.lines):
        reason = "the plan does not let this agent sell and report"
        raise InvalidRequestError(field="lines", reason=reason)
    return replace(wish, kind=REPORT, ttl_s=REPORT_TTL_S)


def is_on_request(wish: HoldWish) -> bool:
    """Say whether the supplier has to be asked."""
    return any(line.basket.mode is Mode.ON_REQUEST for line in wish.lines)


def ask_supplier(
    session: Session, wish: HoldWish, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Note a request for the supplier to answer, as it was *wanted*; it takes no seat.

    CapReachedError above what the plan lets wait.
    """
    now = clock.now(session, wish.world)
    if len({line.offer.supplier_id for line in wish.lines}) > 1:
        reason = "a request goes to one supplier: ask each by itself"
        raise InvalidRequestError(field="lines", reason=reason)
    take_turns(session, f"requests of {wish.holder_id}")
    for line in wish.lines:
        _refuse_too_many(session, wish, line.offer.performance_id)
    until = now + timedelta(seconds=REQUEST_TTL_S)
    values = {
        "id": wish.hold_id,
        "world": wish.world,
        "agent": wish.agent_id,
        "until": until,
        "ttl": wish.ttl_s,
        "at": now,
        "wanted": msgspec.json.encode(wanted).decode(),
    }
    session.execute(_REQUEST, values)
    session.execute(_LINES, {"rows": rows(map(partial(_asked, wish), wish.lines))})
    told = [
        hold_line(line.no, line.offer, line.quantity, [], line.basket.told)
        for line in wish.lines
    ]
    return hold_body(wish.hold_id, HoldState.REQUESTED, 1, until, told)


def _asked(wish: HoldWish, line: WishLine) -> dict[str, Any]:
    return {
        "hold": wish.hold_id,
        "no": line.no,
        "performance": line.offer.performance_id,
        "node": line.leaf_id,
        "offer": line.offer.offer_id,
        "quantity": line.quantity,
        "seats": line.seats,
        "quote": line.basket.quote_id,
        "owed": line.basket.owed_minor,
    }


def _refuse_too_many(session: Session, wish: HoldWish, performance_id: UUID) -> None:
    own = [n for n in wish.lines if n.offer.performance_id == performance_id]
    wanted = sum(line.quantity for line in own)
    said = [
        rule.pending_most
        for line in own
        for rule in (
            line.basket.standing.share.rules if line.basket.standing.share else ()
        )
        if rule.pending_most is not None
    ]
    if not said:
        return
    where = {"holder": wish.holder_id, "performance": performance_id}
    waiting = session.scalar(_PENDING, where) or 0
    if waiting + wanted > min(said):
        raise CapReachedError(
            cap="pending",
            of="seats asked for",
            most=min(said),
            taken=waiting,
            wanted=wanted,
        )


def lock_request(session: Session, who: Caller, hold_id: UUID) -> Hold:
    """Return a request that waits for a supplier, locked; NotFoundError for others."""
    hold: Hold | None = session.scalar(
        queries.request_of(hold_id, who.world, who.partner_id)
    )
    is_past = hold is not None and hold.expires_at <= clock.now(session, who.world)
    if hold is None or is_past:
        raise NotFoundError(hold_id=hold_id)
    return hold


def reject(session: Session, hold: Hold, reason: str) -> None:
    """Say no to a request."""
    end_requests(session, [hold.id], HoldState.REJECTED, reason)


def lapse_requests(session: Session) -> int:
    """End requests that nobody has answered in time; return how many."""
    due = list(session.scalars(_UNANSWERED))
    end_requests(session, due, HoldState.LAPSED, "not answered in time")
    return len(due)


_UNANSWERED = text(
    "SELECT h.id FROM hold h JOIN world w ON w.name = h.world"
    " WHERE h.state = 'requested'"
    " AND h.expires_at <= clock_timestamp() + w.clock_offset"
    " ORDER BY h.id LIMIT 500 FOR UPDATE OF h SKIP LOCKED"
)


def end_requests(
    session: Session, ids: list[UUID], state: HoldState, reason: str | None
) -> None:
    """End requests: nothing was taken for them, so nothing goes back."""
    values = {"ids": ids, "state": state, "reason": reason}
    session.execute(_END, values)


_END = text(
    "UPDATE hold AS h SET state = :state, reason = :reason, version = version + 1,"
    " ended_at = clock_timestamp() + w.clock_offset FROM world w"
    " WHERE w.name = h.world AND h.id = ANY(:ids) AND h.state = 'requested'"
)


def refuse_looking(session: Session, wish: HoldWish) -> None:
    """Refuse an agent that holds far more of a supplier than it confirms.

    What its sub-agents hold and confirm is its own.
    """
    most = wish.basket.holding.look_to_book
    if most is None:
        return
    since = clock.now(session, wish.world) - timedelta(days=1)
    suppliers = list({line.offer.supplier_id for line in wish.lines})
    where = {"holder": wish.holder_id, "since": since, "suppliers": suppliers}
    found = session.execute(_LOOKS, where).one()
    free = wish.basket.holding.looks_free
    allowed = (LOOKS_FREE if free is None else free) + most * found.books
    if found.looks >= allowed:
        raise LookToBookError(holds=found.looks, orders=found.books, look_to_book=most)
