"""Which seats a hold would be given just now: a look, that takes nothing."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from allocation.errors import AllotmentExhaustedError
from allocation.queries.seats import taken_seats
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError
from hub.kernel.idempotency import Claim, Key
from hub.sales.services import wishes
from hub.sales.services.availability import free_of, refusal_of, scene
from hub.sales.services.halls import Hall, halls
from hub.sales.services.seating import seats_for
from hub.sales.services.telling import named
from hub.sales.services.wishes import WishLine

NOBODY = "a look"


def best_seats(session: Session, who: Caller, said: dict[str, Any]) -> dict[str, Any]:
    """Return the seats a hold would be given, and at what price; as of now.

    Somebody may take them before it is placed. The same refusals as a hold's.
    """
    claim = Claim(Key(who.world, who.partner, NOBODY), b"")
    wish = wishes.price(session, who, [said], claim=claim, ttl_s=1, buyer=NOBODY)
    line = wish.lines[0]
    _refuse_unless_free(session, who, line)
    seat_map = line.basket.seat_map
    if seat_map is None:
        reason = "its area has no seats: ask for availability"
        raise InvalidRequestError(field="offer_id", reason=reason)
    performance_id: UUID = line.offer.performance_id
    hall = Hall(halls.plan(seat_map))
    hall.take(taken_seats(session, [performance_id])[performance_id])
    chosen = seats_for(line, hall)
    return {
        "performance_id": performance_id,
        "as_of": clock.now(session, who.world),
        "offer_id": line.offer.offer_id,
        "seats": [named(seat_map.seats[seat]) for seat in chosen],
        **line.basket.told,
    }


def _refuse_unless_free(session: Session, who: Caller, line: WishLine) -> None:
    """Raise what a hold of so many would be refused for at this moment."""
    offer = line.offer
    found = scene(session, who.world, who.partner, offer.performance_id)
    refusal = refusal_of(found, offer)
    if refusal is not None:
        raise refusal
    free = free_of(found, offer)
    if free is not None and free < line.quantity:
        raise AllotmentExhaustedError(
            wanted=line.quantity, free=free, bound_by="allotment"
        )
