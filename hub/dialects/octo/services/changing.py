"""Bookings changed: other units, another day, other words; on hold or confirmed."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.dialects.octo.errors import unprocessable
from hub.dialects.octo.models import OctoBooking
from hub.dialects.octo.rules import CONFIRMED, ON_HOLD
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.bookings import claim_of, give_back
from hub.dialects.octo.services.finding import Basket
from hub.dialects.octo.services.rows import (
    digest_of,
    holders,
    new_row,
    note_said,
    person,
)
from hub.dialects.octo.services.standings import find, finder, lock, show, standing
from hub.dialects.octo.services.telling import Standing
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.sales.api.placing import placed
from hub.sales.models import Order
from hub.sales.services import exchanging, lapse
from hub.sales.services.ordering import ConfirmWish

WHAT = ("productId", "optionId", "availabilityId")


def change(asked: Asking, uuid: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Change a booking: what is sold of it by a new hold, the rest where it is kept.

    One on hold is held anew before it is let go; of one that is confirmed tickets are
    given back, or exchanged for what another option or day has.
    """
    with transaction() as session:
        row = find(session, asked, uuid)
        found = standing(session, asked, row)
        now = clock.now(session, asked.who.world)
    if found.status not in {ON_HOLD, CONFIRMED}:
        code = f"booking-{found.status.lower()}"
        raise unprocessable(f"The booking is {found.status}", code=code)
    is_elsewhere = any(said.get(name) not in {None, row.said[name]} for name in WHAT)
    items = said.get("unitItems")
    if is_elsewhere or (items and _counts(items) != _counts(_left(row, found))):
        _sold_anew(asked, row, found, said, now)
    _note(asked, uuid, said, now)
    return show(asked, uuid)


def _counts(items: list[dict[str, Any]]) -> Counter[str]:
    return Counter(item["unitId"] for item in items)


def _left(row: OctoBooking, found: Standing) -> list[dict[str, Any]]:
    """Return the unit items whose tickets are not given back yet."""
    gone = Counter[str]()
    kinds = {line["no"]: line["price_type"] for line in found.lines}
    for ticket in found.tickets:
        if ticket["state"] == "cancelled":
            gone[kinds[ticket["line_no"]]] += 1
    left = []
    for item in row.said["unitItems"]:
        if gone[item["unitId"]] > 0:
            gone[item["unitId"]] -= 1
        else:
            left.append(item)
    return left


def _sold_anew(
    asked: Asking,
    row: OctoBooking,
    found: Standing,
    said: Mapping[str, Any],
    now: datetime,
) -> None:
    whole = {name: said.get(name) or row.said[name] for name in WHAT}
    whole["unitItems"] = said.get("unitItems") or row.said["unitItems"]
    is_same = all(whole[name] == row.said[name] for name in WHAT)
    if found.status == CONFIRMED and is_same:
        give_back(asked, row, _given_up(row, found, whole["unitItems"]))
        return
    basket = finder().basket(asked, whole)
    fresh = new_row(asked, row.uuid, {**row.said, **whole}, basket)
    key = f"{row.uuid}/{row.hold_id}/change"
    claim = claim_of(asked, key, digest_of(whole))
    reply = placed(claim, {"lines": basket.lines}, lambda wish: wish, who=asked.who)
    hold_id = UUID(reply.body["id"])
    with transaction() as session:
        own = lock(session, asked, str(row.uuid))
        if found.status == CONFIRMED:
            _exchange(session, asked, own, hold_id)
        else:
            lapse.release_hold(session, asked.who, own.hold_id)
        _move(own, fresh, basket, hold_id, now)


def _move(
    row: OctoBooking, fresh: OctoBooking, basket: Basket, hold_id: UUID, now: datetime
) -> None:
    row.hold_id, row.said, row.changed_at = hold_id, fresh.said, now
    row.local_on = basket.day


def _exchange(session: Session, asked: Asking, row: OctoBooking, hold_id: UUID) -> None:
    """Give the tickets of a booking up for a new hold: both or neither."""
    order_id = session.scalars(
        select(Order.id).where(Order.hold_id == row.hold_id)
    ).one()
    quote = exchanging.quote_exchange(
        session, asked.who, order_id, ticket_ids=None, hold_id=hold_id
    )
    wish = ConfirmWish(
        claim_of(asked, f"{row.uuid}/{hold_id}/confirm", b""),
        *(asked.who.world, asked.who.partner, hold_id, str(hold_id)),
        buyer=person(row.said.get("contact")),
        holders=tuple(holders(row.said["unitItems"])),
    )
    said = {"difference_minor": quote["difference_minor"]}
    exchanging.exchange(session, order_id, wish, said, asked.who)


def _given_up(
    row: OctoBooking, found: Standing, items: list[dict[str, Any]]
) -> list[UUID]:
    """Return the tickets of unit items that are named no more."""
    kept = {str(item["uuid"]) for item in items if item.get("uuid")}
    kinds = {line["no"]: line["price_type"] for line in found.lines}
    tickets: dict[str, list[Mapping[str, Any]]] = {}
    for ticket in sorted(found.tickets, key=lambda t: str(t["id"])):
        tickets.setdefault(kinds[ticket["line_no"]], []).append(ticket)
    still = _counts([item for item in items if not item.get("uuid")])
    gone: list[UUID] = []
    for item in row.said["unitItems"]:
        ticket = tickets[item["unitId"]].pop(0)
        if ticket["state"] == "cancelled" or item["uuid"] in kept:
            continue
        if still[item["unitId"]] > 0:
            still[item["unitId"]] -= 1
            continue
        gone.append(UUID(str(ticket["id"])))
    if not gone or any(still.values()):
        message = "A confirmed booking's units can be given back, not added to"
        raise unprocessable(message, code="unit-items")
    return gone


def _note(asked: Asking, uuid: str, said: Mapping[str, Any], now: datetime) -> None:
    """Keep what was said beside what is sold: words, references, contacts."""
    with transaction() as session:
        row = find(session, asked, uuid, lock=True)
        known = {item["uuid"] for item in row.said["unitItems"]}
        items = said.get("unitItems") or []
        is_whole = {str(item.get("uuid")) for item in items} == known
        words = {k: v for k, v in said.items() if k != "unitItems" or is_whole}
        note_said(row, words, now)
