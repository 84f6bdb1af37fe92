"""Holds' parts at suppliers, and sales that wait for them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from connectors.ports import LineWanted, OrderWanted, SeatWanted
from hub.sales.models import SuppliedSale, SupplierOrder

_LINES = text(
    "SELECT l.no, l.performance_id, l.quantity, l.seat_ids, p.ref AS performance,"
    " o.price_type, coalesce(o.code, '') AS type_code, o.face_minor, o.currency,"
    " a.ref AS area FROM hold_line l JOIN performance p ON p.id = l.performance_id"
    " JOIN offer o ON o.id = l.offer_id"
    " JOIN performance_area pa ON pa.id = o.performance_area_id"
    " JOIN area a ON a.id = pa.area_id"
    " WHERE l.hold_id = :hold AND p.source_id IS NOT NULL ORDER BY l.no"
)
_SEATS = text(
    "SELECT id, coalesce(code, '') AS code, row_name, number FROM seat"
    " WHERE id = ANY(:ids)"
)
_LEASE = text(
    "UPDATE supplier_order p SET attempts = attempts + 1, fence = fence + 1,"
    " next_at = clock_timestamp() + make_interval(secs => :spare"
    " + :calls * (s.connect_ms + s.operation_ms) / 1000.0) FROM source s"
    " WHERE s.id = p.source_id AND p.id IN ("
    " SELECT id FROM supplier_order WHERE next_at <= clock_timestamp()"
    " AND NOT source_id = ANY(:busy) ORDER BY next_at LIMIT :most"
    " FOR UPDATE SKIP LOCKED) RETURNING p.id, p.source_id"
)
CALLS_MOST, SPARE_S = 4, 5.0
_CANCELLING = text(
    "SELECT hold_id, performance_id FROM supplier_order WHERE hold_id = ANY(:holds)"
    " AND state = 'cancelling' ORDER BY id"
)


def parts(
    session: Session, hold_id: UUID, *, lock: bool = False
) -> Sequence[SupplierOrder]:
    """Return a hold's parts at suppliers, locked if wanted."""
    wanted = select(SupplierOrder).where(SupplierOrder.hold_id == hold_id)
    wanted = wanted.order_by(SupplierOrder.id)
    return session.scalars(wanted.with_for_update() if lock else wanted).all()


def parts_of(
    session: Session, hold_ids: Sequence[UUID]
) -> dict[UUID, list[SupplierOrder]]:
    """Return the parts at suppliers of holds."""
    wanted = select(SupplierOrder).where(SupplierOrder.hold_id.in_(hold_ids))
    found: dict[UUID, list[SupplierOrder]] = {}
    for part in session.scalars(wanted.order_by(SupplierOrder.id)):
        found.setdefault(part.hold_id, []).append(part)
    return found


def sale_of(
    session: Session, hold_id: UUID, *, lock: bool = False
) -> SuppliedSale | None:
    """Return the sale of a hold that waits, or waited, for suppliers."""
    wanted = select(SuppliedSale).where(SuppliedSale.hold_id == hold_id)
    return session.scalar(wanted.with_for_update() if lock else wanted)


def sale_by_order(
    session: Session, order_id: UUID, *, world: str, agent_id: UUID
) -> SuppliedSale | None:
    """Return an agent's sale by the id its order has, or is to have."""
    wanted = select(SuppliedSale).where(
        SuppliedSale.order_id == order_id,
        SuppliedSale.world == world,
        SuppliedSale.agent_id == agent_id,
    )
    return session.scalar(wanted)


def wanted_of(session: Session, hold_id: UUID) -> dict[UUID, tuple[LineWanted, ...]]:
    """Return what a hold wants of suppliers: lines, by performance."""
    rows = session.execute(_LINES, {"hold": hold_id}).all()
    ids = [seat for row in rows for seat in row.seat_ids]
    seats = {row.id: row for row in session.execute(_SEATS, {"ids": ids})}
    found: dict[UUID, list[LineWanted]] = {}
    for row in rows:
        found.setdefault(row.performance_id, []).append(_line(row, seats))
    return {performance: tuple(lines) for performance, lines in found.items()}


def _line(row: Row[Any], seats: dict[UUID, Row[Any]]) -> LineWanted:
    return LineWanted(
        no=row.no,
        area=row.area,
        price_type=row.price_type,
        type_code=row.type_code,
        quantity=row.quantity,
        face_minor=row.face_minor,
        currency=row.currency,
        seats=tuple(
            SeatWanted(seats[one].code, seats[one].row_name, seats[one].number)
            for one in row.seat_ids
        ),
    )


def ref_of(session: Session, performance_id: UUID) -> str:
    """Return the supplier's own reference of a performance."""
    wanted = text("SELECT ref FROM performance WHERE id = :id")
    return str(session.scalar(wanted, {"id": performance_id}))


def order_wanted(part: SupplierOrder) -> OrderWanted:
    """Return what was asked of a supplier, with its own key if it has told one."""
    said = dict(part.wanted) | {"theirs": part.theirs}
    return msgspec.convert(said, OrderWanted)


def lease_due(
    session: Session, *, busy: Sequence[UUID], most: int
) -> list[tuple[UUID, UUID]]:
    """Take parts that somebody must go on with; others leave them alone for a while.

    For as long as the calls can take that going on with one may need.
    """
    where = {"busy": list(busy), "most": most, "calls": CALLS_MOST, "spare": SPARE_S}
    return [(row.id, row.source_id) for row in session.execute(_LEASE, where)]


def cancelling(session: Session, hold_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Return what suppliers are asked to take back: holds, with their performances."""
    rows = session.execute(_CANCELLING, {"holds": list(hold_ids)})
    return [(row.hold_id, row.performance_id) for row in rows]
