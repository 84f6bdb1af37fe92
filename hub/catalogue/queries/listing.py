"""Performances and productions as agents look for them; calendars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, aliased

from hub.catalogue.models import (
    Auditorium,
    Offer,
    Performance,
    PerformanceArea,
    Production,
    Venue,
)
from hub.catalogue.rules import searchable
from hub.kernel.errors import NotFoundError

WORDS_MAX = 8
_MAIN = aliased(Production, name="main")
_OF_MAIN = func.coalesce(Production.merged_into, Production.id)
_LISTED = (
    Performance.id,
    Performance.version,
    Performance.starts_at,
    Performance.ends_at,
    Performance.zone,
    Performance.business_on,
    Performance.is_open_dated,
    Performance.on_sale_at,
    Performance.cut_off_at,
    Performance.status,
    Performance.admission,
    Performance.names,
    Performance.supplier_id,
    _MAIN.id.label("production_id"),
    _MAIN.genre,
    _MAIN.title,
    Venue.id.label("venue_id"),
    Venue.name.label("venue"),
    Venue.city,
    Venue.country,
    Auditorium.id.label("auditorium_id"),
    Auditorium.name.label("auditorium"),
)
_ANNOUNCED = (
    "p.withdrawn_at IS NULL AND (p.announce_at IS NULL OR p.announce_at <= :now)"
    " AND p.world = :world"
)
_PRICES = (
    "SELECT o.currency, min(o.face_minor + o.booking_fee_minor) AS from_minor,"
    " max(o.face_minor + o.booking_fee_minor) AS until_minor FROM offer o"
    " JOIN performance_area pa ON pa.id = o.performance_area_id"
    " WHERE NOT o.is_withdrawn AND pa.performance_id"
)
_OF_IT = (
    "(p.production_id = s.id OR p.production_id IN"
    " (SELECT m.id FROM production m WHERE m.merged_into = s.id))"
)
_SEEN = f"SELECT FROM performance p WHERE {_OF_IT} AND {_ANNOUNCED}"
_IS_SEEN = text(
    f"SELECT EXISTS (SELECT FROM production s WHERE s.id = :id AND EXISTS ({_SEEN}))"  # noqa: S608 - our own words
)
_PRODUCTIONS = text(
    "SELECT s.id, s.version, s.genre, s.title, s.description, s.runtime_min, s.images,"  # noqa: S608 - our own words
    " found.performances, found.first_starts_at, found.last_starts_at,"
    " coalesce(prices.said, '[]') AS prices FROM production s CROSS JOIN LATERAL ("
    "  SELECT count(*)::int AS performances, min(p.starts_at) AS first_starts_at,"
    "  max(p.starts_at) AS last_starts_at, array_agg(p.id) AS ids FROM performance p"
    "  JOIN auditorium r ON r.id = p.auditorium_id JOIN venue v ON v.id = r.venue_id"
    f"  WHERE {_OF_IT} AND {_ANNOUNCED}"
    "  AND coalesce(p.ends_at, p.starts_at) > :now AND p.status = 'scheduled'"
    "  AND (CAST(:city AS text) IS NULL OR lower(v.city) = lower(:city))"
    "  AND (CAST(:country AS text) IS NULL OR v.country = :country)"
    " ) found LEFT JOIN LATERAL (SELECT jsonb_agg(to_jsonb(one) ORDER BY one.currency)"
    f"  AS said FROM ({_PRICES} = ANY(found.ids) GROUP BY o.currency) one) prices"
    " ON true WHERE s.world = :world AND s.merged_into IS NULL"
    " AND (found.performances > 0"
    f"  OR :is_over AND EXISTS ({_SEEN}))"
    " AND (CAST(:after AS uuid) IS NULL OR s.id > :after)"
    " AND (CAST(:id AS uuid) IS NULL OR s.id = :id)"
    " AND (CAST(:genre AS text) IS NULL OR s.genre = :genre)"
    " AND (s.search LIKE ALL (CAST(:words AS text[])) OR EXISTS (SELECT"
    "  FROM production m WHERE m.merged_into = s.id"
    "  AND m.search LIKE ALL (CAST(:words AS text[])))) ORDER BY s.id LIMIT :most"
)
_CALENDAR = text(
    "SELECT (p.starts_at AT TIME ZONE p.zone)::date AS day, count(*)::int"  # noqa: S608 - our own words
    " AS performances, min(p.starts_at) AS first_starts_at,"
    " count(*) FILTER (WHERE p.status = 'cancelled')::int AS cancelled,"
    " coalesce((SELECT jsonb_agg(to_jsonb(one) ORDER BY one.currency) FROM"
    f" ({_PRICES} = ANY(array_agg(p.id)) GROUP BY o.currency) one), '[]') AS prices"
    f" FROM production s JOIN performance p ON {_OF_IT} AND {_ANNOUNCED}"
    " WHERE s.id = :production"
    " AND (p.starts_at AT TIME ZONE p.zone)::date BETWEEN :first AND :last"
    " AND coalesce(p.ends_at, p.starts_at) > :now GROUP BY 1 ORDER BY 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which announced performances to list.

    *q*: words that the titles or the venue's name and city hold, all of them.
    """

    performance_id: UUID | None = None
    production_id: UUID | None = None
    venue_id: UUID | None = None
    q: str | None = None
    genre: str | None = None
    city: str | None = None
    country: str | None = None
    starts_from: datetime | None = None
    starts_until: datetime | None = None
    currency: str | None = None
    price_from_minor: int | None = None
    price_until_minor: int | None = None
    after: tuple[datetime, UUID] | None = None
    limit: int = 1

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What is asked for, as SQL."""
        same = (
            (Performance.id, self.performance_id),
            (Venue.id, self.venue_id),
            (_MAIN.genre, self.genre),
            (Venue.country, self.country),
        )
        said = [column == value for column, value in same if value is not None]
        if self.production_id is not None:
            said.append(Performance.production_id.in_(_same_as(self.production_id)))
        if self.city is not None:
            said.append(func.lower(Venue.city) == self.city.lower())
        if self.starts_from is not None:
            said.append(Performance.starts_at >= self.starts_from)
        if self.starts_until is not None:
            said.append(Performance.starts_at < self.starts_until)
        if self.currency is not None:
            said.append(self._is_priced())
        if self.after is not None:
            key = tuple_(Performance.starts_at, Performance.id)
            said.append(key > self.after)
        where = _MAIN.search.concat(" ").concat(Production.search)
        where = where.concat(" ").concat(Venue.search)
        return [*said, *(where.like(word) for word in like_words(self.q))]

    def _is_priced(self) -> ColumnElement[bool]:
        """Say whether one of a performance's prices lies within what is asked for."""
        price = Offer.face_minor + Offer.booking_fee_minor
        found = (
            select(Offer.id)
            .join(PerformanceArea, PerformanceArea.id == Offer.performance_area_id)
            .where(
                PerformanceArea.performance_id == Performance.id,
                Offer.is_withdrawn.is_(False),
                Offer.currency == self.currency,
            )
        )
        if self.price_from_minor is not None:
            found = found.where(price >= self.price_from_minor)
        if self.price_until_minor is not None:
            found = found.where(price <= self.price_until_minor)
        return found.exists()


def _same_as(production_id: UUID) -> Select[UUID]:
    """Return all productions that are one with this, and itself."""
    main = select(_OF_MAIN).where(Production.id == production_id).scalar_subquery()
    other = aliased(Production)
    return select(other.id).where(or_(other.id == main, other.merged_into == main))


def like_words(said: str | None) -> list[str]:
    """Return patterns that text must match which holds all words of a search."""
    words = searchable([said or ""]).split()[:WORDS_MAX]
    return ["%" + _literal(word) + "%" for word in words]


def _literal(word: str) -> str:
    for sign in ("\\", "%", "_"):
        word = word.replace(sign, "\\" + sign)
    return word


def performances(
    session: Session, listing: Listing, *, world: str, now: datetime
) -> Sequence[Row[Any]]:
    """Return announced performances by start and id, one more than the limit."""
    is_announced = or_(
        Performance.announce_at.is_(None), Performance.announce_at <= now
    )
    wanted = (
        select(*_LISTED)
        .join(Production, Production.id == Performance.production_id)
        .join(_MAIN, _MAIN.id == _OF_MAIN)
        .join(Auditorium, Auditorium.id == Performance.auditorium_id)
        .join(Venue, Venue.id == Auditorium.venue_id)
        .where(Performance.world == world, Performance.withdrawn_at.is_(None))
        .where(is_announced, *listing.conditions)
        .order_by(Performance.starts_at, Performance.id)
        .limit(listing.limit + 1)
    )
    return list(session.execute(wanted))


def productions(
    session: Session,
    *,
    world: str,
    now: datetime,
    q: str | None = None,
    genre: str | None = None,
    city: str | None = None,
    country: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return productions with performances to come, by id, one more than the limit."""
    where = {
        "id": None,
        "is_over": False,
        "world": world,
        "now": now,
        "words": like_words(q),
        "genre": genre,
        "city": city,
        "country": country,
        "after": after,
        "most": limit + 1,
    }
    return session.execute(_PRODUCTIONS, where).all()


def get_production(
    session: Session, production_id: UUID, *, world: str, now: datetime
) -> Row[Any]:
    """Return a production with what is to come of it.

    NotFoundError for one of which nothing was announced yet, as for all others.
    """
    where: dict[str, Any] = {
        **dict.fromkeys(("genre", "city", "country", "after")),
        "id": main_of(session, production_id),
        "is_over": True,
        "world": world,
        "now": now,
        "words": [],
        "most": 1,
    }
    found = session.execute(_PRODUCTIONS, where).one_or_none()
    if found is None:
        raise NotFoundError(production_id=production_id)
    return found


def main_of(session: Session, production_id: UUID) -> UUID:
    """Return the production that one is merged into, or itself."""
    wanted = select(_OF_MAIN).where(Production.id == production_id)
    return session.scalar(wanted) or production_id


def calendar(
    session: Session,
    production_id: UUID,
    *,
    world: str,
    now: datetime,
    first: date,
    last: date,
) -> Sequence[Row[Any]]:
    """Return the days with performances to come, on the clocks of their venues.

    NotFoundError for a production of which nothing was announced yet.
    """
    production_id = main_of(session, production_id)
    seen = {"id": production_id, "world": world, "now": now}
    if not session.scalar(_IS_SEEN, seen):
        raise NotFoundError(production_id=production_id)
    where = {
        "production": production_id,
        "world": world,
        "now": now,
        "first": first,
        "last": last,
    }
    return session.execute(_CALENDAR, where).all()
