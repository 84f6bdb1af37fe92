"""Seats that are gone at a supplier: kept as taken, in the name of its source.

So nobody is given them, and who asks for them by name is told. They are nobody's
allotment; what the hub has taken itself stays its own.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKE = text(
    "INSERT INTO seat_taken (performance_id, seat_id, hold_id)"
    " SELECT :performance, s.id, :source FROM seat s"
    " JOIN performance_area pa ON pa.area_id = s.area_id"
    " WHERE pa.performance_id = :performance AND s.code = ANY(:codes)"
    " AND NOT s.is_retired ORDER BY s.id ON CONFLICT DO NOTHING"
)
_FREE = text(
    "DELETE FROM seat_taken t USING seat s WHERE t.performance_id = :performance"
    " AND t.hold_id = :source AND s.id = t.seat_id AND NOT s.code = ANY(:codes)"
)


def note_gone(
    session: Session, source_id: UUID, performance_id: UUID, codes: Collection[str]
) -> None:
    """Keep seats as taken by others at the supplier; let go those that are not."""
    where = {"performance": performance_id, "source": source_id}
    session.execute(_FREE, where | {"codes": list(codes)})
    session.execute(_TAKE, where | {"codes": list(codes)})
