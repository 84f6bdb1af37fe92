"""Requests: holds the supplier is asked for, until it has answered."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import CapReachedError
from allocation.queries.trees import Standing
from allocation.rules.plans.language import Mode
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import rows, take_turns
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.sales import queries
from hub.sales.models import Hold
from hub.sales.rules import HoldState
from hub.sales.services.telling import hold_body, hold_line
from hub.sales.services.wishes import HoldWish, WishLine
from partners.queries import FAMILY

REQUEST_TTL_S = 48 * 3_600
_REQUEST = text(
    "INSERT INTO hold (id, world, agent_id, state, version, expires_at, ttl_s, kind,"
    " created_at, wanted, is_counted) VALUES (:id, :world, :agent, 'requested', 1,"
    " :until, :ttl, 'request', :at, CAST(:wanted AS jsonb), :counted)"
)
_LINES = text(
    "INSERT INTO hold_line (hold_id, no, performance_id, node_id, offer_id, quantity,"
    " seat_ids, quote_id, owed_minor) SELECT hold, no, performance, node, offer,"
    " quantity, seats, quote, owed FROM json_to_recordset(CAST(:rows AS json))"
    " AS r(hold uuid, no int, performance uuid, node uuid, offer uuid, quantity int,"
    " seats uuid[], quote uuid, owed bigint)"
)
_PENDING = text(
    "SELECT coalesce(sum(l.quantity), 0)::int FROM hold h JOIN hold_line l"  # noqa: S608 - our own words
    f" ON l.hold_id = h.id WHERE h.state = 'requested' AND h.agent_id IN {FAMILY}"
    " AND l.performance_id = :performance"
)


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
        "counted": wish.is_counted,
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
    said = [pending_most(line.basket.standing) for line in own]
    most = min((seats for seats in said if seats is not None), default=None)
    if most is None:
        return
    wanted = sum(line.quantity for line in own)
    waiting = pending(session, wish.holder_id, performance_id)
    if waiting + wanted > most:
        raise CapReachedError(
            cap="pending",
            of="seats asked for",
            most=most,
            taken=waiting,
            wanted=wanted,
        )


def pending_most(standing: Standing) -> int | None:
    """Return how many seats may wait for an answer where an agent stands."""
    rules = standing.share.rules if standing.share else ()
    said = (rule.pending_most for rule in rules)
    return min((seats for seats in said if seats is not None), default=None)


def pending(session: Session, holder_id: UUID, performance_id: UUID) -> int:
    """Return the seats of a performance an agent has asked for, unanswered so far."""
    where = {"holder": holder_id, "performance": performance_id}
    return session.scalar(_PENDING, where) or 0


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
