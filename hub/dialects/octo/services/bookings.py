"""Bookings: held under their agent's uuid, confirmed, extended, cancelled."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.dialects.octo.errors import OctoError, invalid, unprocessable
from hub.dialects.octo.models import OctoBooking
from hub.dialects.octo.rules import (
    CANCELLED,
    CONFIRMED,
    ON_HOLD,
    PENDING,
    REDEEMED,
    REJECTED,
)
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.finding import Basket
from hub.dialects.octo.services.rows import (
    digest_of,
    holders,
    new_row,
    note,
    note_said,
    person,
    refuse_other,
)
from hub.dialects.octo.services.standings import (
    find,
    finder,
    lock,
    look_up,
    show,
    standing,
    told,
    uuid_of,
)
from hub.dialects.octo.services.telling import standing_of_hold, standing_of_order
from hub.kernel import clock
from hub.kernel.db import rows, transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Key
from hub.sales.api.placing import placed
from hub.sales.models import Order
from hub.sales.queries.supplied import sale_of
from hub.sales.services import cancelling, keeping, lapse, views
from hub.sales.services.confirming import ASK_SUPPLIER
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import submit
from hub.sales.services.supplied.extending import ask_to_extend
from hub.sales.services.supplied.holding import is_live
from hub.sales.services.supplied.returning import cancel_live, has_live
from hub.sales.services.supplied.selling import sell_live
from hub.sales.services.wishes import HoldWish

NOTE = "SELECT note_octo_bookings(%s::json)"
_NOTE = text("SELECT note_octo_bookings(CAST(:said AS json))")
SAY = "SELECT say_octo_bookings(%s::json)"
_SAY = text("SELECT say_octo_bookings(CAST(:said AS json))")


def reserve(
    asked: Asking, said: Mapping[str, Any], cart_id: UUID | None = None
) -> dict[str, Any]:
    """Hold what a booking wants; its uuid sent again is answered with the booking.

    Refuses a uuid that was sent with another body.
    """
    uuid = said.get("uuid") or uuid4()
    digest = digest_of(said)
    if finder().is_known(asked, uuid):  # a repeat of a repeat costs nobody's batch
        return _known_already(asked, uuid, digest, invalid("uuid", str(uuid)))
    try:
        basket = finder().basket(asked, said)
    except OctoError as error:  # what was sold since is a booking all the same
        return _known_already(asked, uuid, digest, error)
    row = new_row(asked, uuid, said, basket)
    row.digest, row.cart_id = digest, cart_id
    claim = claim_of(asked, f"{uuid}", digest)
    return held(asked, row, basket, claim, said.get("expirationMinutes"))


def held(
    asked: Asking, row: OctoBooking, basket: Basket, claim: Claim, minutes: int | None
) -> dict[str, Any]:
    """Place the hold of a booking, with what is kept of it, and tell it."""
    placed_for, is_sold_there = timedelta(), False

    def prepare(wish: HoldWish) -> HoldWish:
        nonlocal placed_for, is_sold_there
        is_sold_there = is_live(wish)
        row.hold_id = wish.hold_id
        ttl_s = wish.ttl_s if minutes is None else min(wish.ttl_s, 60 * minutes)
        placed_for = timedelta(seconds=ttl_s)
        return replace(wish, ttl_s=ttl_s, beside=(NOTE, note(row)))

    try:
        reply = placed(claim, {"lines": basket.lines}, prepare, who=asked.who)
    except (HubError, IntegrityError) as error:  # it may have been made before
        return _known_already(asked, row.uuid, row.digest, error)
    if reply.is_replay or reply.body["state"] == "requested":
        return _kept(asked, row, reply.body["id"])
    if is_sold_there:  # its supplier has said until when, maybe of other seats
        return show(asked, str(row.uuid))
    found = standing_of_hold(reply.body)
    if found.expires_at is not None:
        row.created_at = row.changed_at = found.expires_at - placed_for
    return told(asked, row, found, row.created_at)


def _known_already(
    asked: Asking, uuid: UUID, digest: bytes, otherwise: Exception
) -> dict[str, Any]:
    """Tell a booking that was made before; if there is none, raise what is wrong."""
    known, _ = look_up(asked, uuid)
    if known is None:
        raise otherwise
    refuse_other(known, digest)
    found = show(asked, str(uuid))
    if found["status"] == REJECTED:  # its supplier refused: now, or when it was first
        raise otherwise
    finder().note_known(asked, uuid)
    return found


def _kept(asked: Asking, row: OctoBooking, hold_id: str) -> dict[str, Any]:
    """Tell a booking that another request has made, or whose supplier is asked."""
    with transaction() as session, suppress(IntegrityError):
        row.hold_id, row.created_at = UUID(hold_id), _now(session, asked)
        with session.begin_nested():
            session.execute(_NOTE, {"said": rows([note(row)])})
    return show(asked, str(row.uuid))


def confirm(asked: Asking, uuid: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Make an order of a booking on hold; one that is confirmed is told as it is."""
    row, now = look_up(asked, uuid_of(uuid))
    if row is None:
        raise invalid("uuid", uuid)
    news = note_said(row, said, now)
    wish = ConfirmWish(
        claim_of(asked, f"{row.uuid}/{row.hold_id}/confirm", b""),
        *(asked.who.world, asked.who.partner, row.hold_id, str(row.uuid)),
        buyer=person(row.said.get("contact")),
        holders=tuple(holders(row.said["unitItems"])),
        beside=(SAY, news) if news else None,
    )
    try:
        reply = submit(current_app.extensions["committer"], wish)
        if reply.status == ASK_SUPPLIER.status:
            _say(row.hold_id, news)
            reply = sell_live(current_app.extensions["suppliers"], asked.who, wish)
    except HubError as refusal:
        return _as_it_is(asked, row, refusal)
    if reply.is_replay:  # some of its tickets may be given back since
        return show(asked, uuid)
    return told(asked, row, standing_of_order(reply.body), now)


def _say(hold_id: UUID, news: dict[str, Any] | None) -> None:
    """Keep what is said of a booking whose supplier is about to be asked."""
    with transaction() as session:
        if news is not None and sale_of(session, hold_id) is None:
            session.execute(_SAY, {"said": rows([news])})


def _as_it_is(asked: Asking, row: OctoBooking, refusal: HubError) -> dict[str, Any]:
    """Tell a booking that is sold or being sold; raise again what it was refused for.

    One that has ended is said to have.
    """
    with transaction() as session:
        found = standing(session, asked, row)
    if found.status in {CONFIRMED, REDEEMED, PENDING}:
        return show(asked, str(row.uuid))
    if found.status != ON_HOLD:
        code = f"booking-{found.status.lower()}"
        raise unprocessable(f"The booking is {found.status}", code=code)
    raise refusal


def extend(asked: Asking, uuid: str) -> dict[str, Any]:
    """Give a booking on hold its time again, as often as the plan allows."""
    with transaction() as session:
        row = find(session, asked, uuid)
    ends = ask_to_extend(
        current_app.extensions["suppliers"], asked.who, row.hold_id, None
    )
    with transaction() as session:
        hold = keeping.extend_hold(session, asked.who, row.hold_id, None, ends)
        found = standing_of_hold(views.hold_view(session, asked.who, hold))
        now = _now(session, asked)
    return told(asked, row, found, now)


def cancel(asked: Asking, uuid: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Let a booking on hold go, or cancel its order; doing so twice is no mistake."""
    with transaction() as session:
        row = lock(session, asked, uuid)
        before = standing(session, asked, row)
        if said.get("reason") and not before.is_cancelled:
            row.said = row.said | {"reason": said["reason"]}
        if before.status == ON_HOLD:
            lapse.release_hold(session, asked.who, row.hold_id)
    if before.status in {CONFIRMED, REDEEMED}:
        give_back(asked, row, None)
    elif before.status not in {ON_HOLD, CANCELLED}:
        code = f"booking-{before.status.lower()}"
        raise unprocessable(f"The booking is {before.status}", code=code)
    return show(asked, uuid)


def give_back(asked: Asking, row: OctoBooking, ticket_ids: list[UUID] | None) -> None:
    """Cancel tickets of a booking's order, or all that are left."""
    wanted = {"ticket_ids": ticket_ids}
    with transaction() as session:
        order_id = session.scalar(select(Order.id).where(Order.hold_id == row.hold_id))
        if order_id is None:
            raise invalid("uuid", str(row.uuid))
        is_live = has_live(session, asked.who, order_id)
        if not is_live:
            cancelling.cancel_tickets(session, asked.who, order_id, ticket_ids)
    if is_live:
        chosen = "/".join(map(str, sorted(ticket_ids or ())))
        claim = claim_of(asked, f"{row.uuid}/{row.hold_id}/cancel/{chosen}", b"")
        suppliers = current_app.extensions["suppliers"]
        cancel_live(suppliers, asked.who, claim, order_id, wanted)


def claim_of(asked: Asking, key: str, digest: bytes) -> Claim:
    """Return the claim of one step of a booking, under the agent's own uuid."""
    return Claim(Key(asked.who.world, asked.who.owner_id, f"octo/{key}"), digest)


def _now(session: Session, asked: Asking) -> datetime:
    return clock.now(session, asked.who.world)
