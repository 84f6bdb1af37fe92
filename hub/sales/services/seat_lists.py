"""The seats of a performance as an agent sees them: where they are, which are free."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from allocation.queries.seats import blocked_seats, taken_seats
from hub.catalogue import queries as catalogue
from hub.kernel.callers import Caller
from hub.sales.services.availability import scene


def seats(session: Session, who: Caller, performance_id: UUID) -> dict[str, Any]:
    """Return the seats of a performance's seated areas, and whether they are free."""
    found = scene(session, who.world, who.partner, performance_id)
    taken = taken_seats(session, [performance_id])[performance_id]
    blocks = blocked_seats(session, [performance_id])[performance_id]
    open_to = {None, *blocks.of(who.partner)}
    areas = {offer.area_id: offer for offer in found.offers if offer.is_seated}
    return {
        "as_of": found.now,
        "items": [
            {
                **seat,
                "area": offer.area,
                "is_free": seat_id not in taken
                and blocks.seats.get(seat_id) in open_to,
            }
            for area_id, offer in areas.items()
            for seat_id, seat in catalogue.seat_map(
                session, area_id, offer.map_version
            ).seats.items()
        ],
    }
