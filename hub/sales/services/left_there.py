"""What suppliers that sell themselves have last said is left, beside our own tree."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from connectors.models import Source, Supply
from connectors.queries import supplies
from hub.kernel import clock


def supplied(
    session: Session, offers: Sequence[Row[Any]], world: str
) -> dict[str, Any]:
    """Return what a supplier last said is left of a performance, and when it did.

    A schedule that was read since and told the same says so as of its reading.
    """
    performance_id = offers[0].performance_id
    if offers[0].source_id is None:
        return {}
    found = supplies(session, [performance_id]).get(performance_id)
    if found is None:
        return {}
    offset = session.get_one(clock.World, world).clock_offset
    read_at = session.get_one(Source, offers[0].source_id).read_at
    as_of = max(found.as_of, read_at or found.as_of)
    return {"supply": found, "supplied_at": as_of + offset}


def left_there(supply: Supply | None, area: str) -> int | None:
    """Return how many of an area a supplier has left; None where it does not say."""
    if supply is None:
        return None
    if not supply.is_on_sale:
        return 0
    said = supply.left_by_area
    found: int | None = said.get(area, said.get("") if "" in said else None)
    return found
