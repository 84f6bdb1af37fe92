"""What is read of the catalogue. Nothing here writes."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.catalogue.models import Performance, Seat
from hub.catalogue.rules import SaleWindow
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError

SEAT_MAPS_MAX = 256
_WINDOW = (
    "p.id, p.version, p.status, p.withdrawn_at IS NOT NULL AS is_withdrawn,"
    " p.announce_at, p.on_sale_at, p.cut_off_at, p.starts_at, p.ends_at,"
    " p.is_open_dated, r.version AS map_version"
)
_WINDOWS = text(
    f"SELECT {_WINDOW} FROM performance p JOIN auditorium r"  # noqa: S608 - ours
    " ON r.id = p.auditorium_id WHERE p.id = ANY(:ids)"
)
_OFFERS = text(
    "SELECT o.id AS offer_id, o.price_type, o.currency, o.face_minor,"
    " o.booking_fee_minor, o.tax_bp, o.tickets_min, o.tickets_max,"
    " o.resale_floor_minor, o.resale_ceiling_minor, o.code AS type_code,"
    " pa.id AS performance_area_id, a.id AS area_id, a.ref AS area,"
    " a.name AS area_name, a.is_seated,"
    " pa.performance_id, p.supplier_id, p.source_id, p.ref, p.version,"
    " r.version AS map_version,"
    " p.production_id, p.starts_at, p.zone, r.venue_id, v.ref AS venue,"
    " r.ref AS auditorium, s.genre FROM offer o"
    " JOIN performance_area pa ON pa.id = o.performance_area_id"
    " JOIN area a ON a.id = pa.area_id JOIN performance p ON p.id = pa.performance_id"
    " JOIN auditorium r ON r.id = p.auditorium_id JOIN venue v ON v.id = r.venue_id"
    " JOIN production s ON s.id = p.production_id"
    " WHERE p.world = :world AND NOT o.is_withdrawn AND (o.id = ANY(:offers)"
    " OR pa.performance_id = ANY(:performances)) ORDER BY a.ref, o.price_type"
)
_STRAYED = text(
    "SELECT p.id AS performance_id FROM performance p"
    " JOIN production s ON s.id = p.production_id"
    " JOIN auditorium r ON r.id = p.auditorium_id"
    " JOIN partner o ON o.id = p.supplier_id"
    " WHERE (p.world, p.world, p.world) <> (s.world, r.world, o.world)"
    " OR (s.supplier_id, r.supplier_id) <> (p.supplier_id, p.supplier_id) LIMIT 20"
)


@dataclass(frozen=True, slots=True)
class SeatMap:
    """An area's seats: rows from the best on, and what each seat is called."""

    rows: tuple[tuple[UUID, ...], ...]
    seats: dict[UUID, dict[str, Any]]
    area_id: UUID
    version: int


class _SeatMaps:
    """Seat maps of this process: a map never changes under its version."""

    def __init__(self) -> None:
        self._maps: OrderedDict[tuple[UUID, int], SeatMap] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: tuple[UUID, int]) -> SeatMap | None:
        with self._lock:
            return self._maps.get(key)

    def keep(self, key: tuple[UUID, int], found: SeatMap) -> None:
        with self._lock:
            self._maps[key] = found
            if len(self._maps) > SEAT_MAPS_MAX:
                self._maps.popitem(last=False)


_seat_maps = _SeatMaps()


def seat_map(session: Session, area_id: UUID, version: int) -> SeatMap:
    """Return the seats of an area in a version of its auditorium's map."""
    known = _seat_maps.find((area_id, version))
    if known is not None:
        return known
    wanted = select(Seat).where(Seat.area_id == area_id, Seat.is_retired.is_(False))
    rows: dict[int, list[UUID]] = {}
    seats: dict[UUID, dict[str, Any]] = {}
    for seat in session.scalars(wanted.order_by(Seat.row_index, Seat.seat_index)):
        rows.setdefault(seat.row_index, []).append(seat.id)
        seats[seat.id] = {
            "id": str(seat.id),
            "row": seat.row_name,
            "number": seat.number,
            "x": seat.x,
            "y": seat.y,
            "kind": seat.kind,
            "pair": seat.pair,
            "code": seat.code,
            "is_before_aisle": seat.is_before_aisle,
        }
    found = SeatMap(tuple(map(tuple, rows.values())), seats, area_id, version)
    _seat_maps.keep((area_id, version), found)
    return found


def windows(session: Session, ids: Collection[UUID]) -> dict[UUID, SaleWindow]:
    """Return what decides whether these performances may be sold."""
    rows = session.execute(_WINDOWS, {"ids": list(ids)})
    return {row.id: SaleWindow(*row) for row in rows}


def offers(
    session: Session,
    *,
    world: str,
    offer_ids: Collection[UUID] = (),
    performance_ids: Collection[UUID] = (),
) -> Sequence[Row[Any]]:
    """Return offers with their area, performance and supplier."""
    wanted = {
        "world": world,
        "offers": list(offer_ids),
        "performances": list(performance_ids),
    }
    return session.execute(_OFFERS, wanted).all()


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of the catalogue: one supplier, one world."""
    law = "a performance, its production and its room are one supplier's, in one world"
    return [
        {"law": law, "performance_id": str(found)}
        for found in session.scalars(_STRAYED)
    ]


def get_own_performance(
    session: Session, who: Caller, performance_id: UUID
) -> Performance:
    """Return a supplier's performance, or any for operators; else NotFoundError."""
    found = session.get(Performance, performance_id)
    if (
        found is None
        or found.world != who.world
        or who.partner_id not in {None, found.supplier_id}
    ):
        raise NotFoundError(performance_id=performance_id)
    return found
