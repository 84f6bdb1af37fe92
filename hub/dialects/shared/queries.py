"""What dialects read of the catalogue. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.dialects.shared.rules import ProductId

_FROM = (
    " FROM performance p JOIN production s ON s.id = p.production_id"
    " JOIN production m ON m.id = coalesce(s.merged_into, s.id)"
    " JOIN auditorium r ON r.id = p.auditorium_id JOIN venue v ON v.id = r.venue_id"
    " JOIN performance_area pa ON pa.performance_id = p.id"
    " JOIN area a ON a.id = pa.area_id"
    " JOIN offer o ON o.performance_area_id = pa.id AND NOT o.is_withdrawn"
)
_ANNOUNCED = " p.world = :world AND (p.announce_at IS NULL OR p.announce_at <= :now)"
_SHOWN = f"{_ANNOUNCED} AND p.withdrawn_at IS NULL"
_OF_IT = " m.id = :production AND v.id = :venue AND p.is_open_dated = :is_open_dated"
_TO_COME = (
    " p.status = 'scheduled' AND CASE WHEN p.is_open_dated"
    " THEN coalesce(p.ends_at, p.starts_at) ELSE p.starts_at END > :now"
)
_UNITS = (
    "SELECT m.id AS production_id, v.id AS venue_id, p.is_open_dated, a.ref AS area,"
    " o.price_type, o.currency, (array_agg(a.name ORDER BY p.starts_at))[1] AS name,"
    " min(o.face_minor + o.booking_fee_minor) AS from_minor,"
    " max(o.tax_bp) AS tax_bp, min(o.tickets_min) AS tickets_min,"
    " max(o.tickets_max) AS tickets_max, max(p.names) AS names,"
    " array_agg(DISTINCT to_char(p.starts_at AT TIME ZONE p.zone, 'HH24:MI')) AS times"
    f"{_FROM} WHERE {_SHOWN} AND %s GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"
)
_EVERY, _ONE = text(_UNITS % _TO_COME), text(_UNITS % _OF_IT)
_PRODUCTIONS = text(
    "SELECT id, title, description, runtime_min, images, genre, ref FROM production"
    " WHERE id = ANY(:ids)"
)
_VENUES = text("SELECT id, name, zone, city, country FROM venue WHERE id = ANY(:ids)")
_SALE = (
    "SELECT p.id, m.id AS production_id, v.id AS venue_id, p.is_open_dated, p.zone,"
    " p.starts_at, p.ends_at, p.cut_off_at, p.status, p.names, a.ref AS area,"
    f" pa.capacity, o.price_type, o.id AS offer_id, o.tickets_max{_FROM}"
    " WHERE %s AND %s ORDER BY p.starts_at, p.id, a.ref, o.price_type"
)
_DAY = "(p.%s AT TIME ZONE p.zone)::date"
_OVERLAPS = (
    f"{_DAY % 'starts_at'} <= :last AND CASE WHEN p.is_open_dated"
    " THEN (coalesce(p.ends_at, p.starts_at) AT TIME ZONE p.zone)::date"
    f" ELSE {_DAY % 'starts_at'} END >= :first"
)
_IDS = "p.id = ANY(:ids)"
_BY_ID, _EVER = (text(_SALE % (shown, _IDS)) for shown in (_SHOWN, _ANNOUNCED))
_OF_AREA = "(CAST(:area AS text) IS NULL OR a.ref = :area)"
_BY_DAY = text(_SALE % (_SHOWN, f"{_OF_IT} AND {_OF_AREA} AND {_OVERLAPS}"))
_OF = text(
    "SELECT DISTINCT coalesce(s.merged_into, s.id), r.venue_id, p.is_open_dated"  # noqa: S608 - our own words
    " FROM performance p JOIN production s ON s.id = p.production_id"
    " JOIN auditorium r ON r.id = p.auditorium_id"
    f" WHERE {_SHOWN} AND {_TO_COME}"
    " AND (s.id = ANY(:ids) OR s.merged_into = ANY(:ids) OR r.venue_id = ANY(:ids))"
)


@dataclass(frozen=True, slots=True)
class Sale:
    """A performance as OCTO sells it: an availability of each of its areas."""

    id: UUID
    product: ProductId
    zone: str
    starts_at: datetime
    ends_at: datetime | None
    cut_off_at: datetime | None
    is_scheduled: bool
    names: str
    areas: dict[str, dict[str, UUID]]
    capacities: dict[str, int]
    tickets_max: int


def units(
    session: Session, *, world: str, now: datetime, only: ProductId | None = None
) -> Sequence[Row[Any]]:
    """Return what products are made of: a row for each area, price type and currency.

    Of those with performances to come; or of one, whatever there was of it.
    """
    where: dict[str, Any] = {"world": world, "now": now}
    if only is None:
        return session.execute(_EVERY, where).all()
    where |= _of(only)
    return session.execute(_ONE, where).all()


def _of(product: ProductId) -> dict[str, Any]:
    return {
        "production": product.production_id,
        "venue": product.venue_id,
        "is_open_dated": product.is_open_dated,
    }


def productions(session: Session, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return what productions are called and how they are described."""
    return {row.id: row for row in session.execute(_PRODUCTIONS, {"ids": list(ids)})}


def venues(session: Session, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return what venues are called and where they are."""
    return {row.id: row for row in session.execute(_VENUES, {"ids": list(ids)})}


def sales(
    session: Session,
    ids: Sequence[UUID],
    *,
    world: str,
    now: datetime,
    has_gone: bool = False,
) -> list[Sale]:
    """Return announced performances by their ids, with the offers of every area.

    *has_gone*: also what was withdrawn.
    """
    where = {"world": world, "now": now, "ids": list(ids)}
    return _sales(session.execute(_EVER if has_gone else _BY_ID, where).all())


def products_of(
    session: Session, ids: Sequence[UUID], *, world: str, now: datetime
) -> list[ProductId]:
    """Return the products to come of some productions or venues."""
    where = {"world": world, "now": now, "ids": list(ids)}
    return [ProductId(*row) for row in session.execute(_OF, where)]


def sales_between(
    session: Session,
    product: ProductId,
    area: str | None,
    span: tuple[date, date],
    *,
    world: str,
    now: datetime,
) -> list[Sale]:
    """Return a product's performances on some days, with the offers of its areas."""
    where = {"world": world, "now": now, "area": area, **_of(product)}
    where |= {"first": span[0], "last": span[1]}
    return _sales(session.execute(_BY_DAY, where).all())


def _sales(rows: Sequence[Row[Any]]) -> list[Sale]:
    found: dict[UUID, Sale] = {}
    for row in rows:
        product = ProductId(row.production_id, row.venue_id, row.is_open_dated)
        sale = found.get(row.id)
        if sale is None:
            sale = found[row.id] = Sale(
                *(row.id, product, row.zone, row.starts_at, row.ends_at),
                *(row.cut_off_at, row.status == "scheduled", row.names, {}, {}),
                tickets_max=row.tickets_max,
            )
        sale.areas.setdefault(row.area, {})[row.price_type] = row.offer_id
        sale.capacities[row.area] = row.capacity
    return list(found.values())
