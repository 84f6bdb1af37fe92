"""Performances as agents look for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    cast,
    func,
    or_,
    select,
    tuple_,
)
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

WORDS_MAX = 8
_MAIN = aliased(Production, name="main")
OF_MAIN = func.coalesce(Production.merged_into, Production.id)
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
    main = select(OF_MAIN).where(Production.id == production_id).scalar_subquery()
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


_TOLD = func.json_build_object(*(part for one in _LISTED for part in (one.key, one)))
_PAGE = (
    select(Performance.starts_at, Performance.id, cast(_TOLD, Text))
    .join(Production, Production.id == Performance.production_id)
    .join(_MAIN, _MAIN.id == OF_MAIN)
    .join(Auditorium, Auditorium.id == Performance.auditorium_id)
    .join(Venue, Venue.id == Auditorium.venue_id)
    .where(Performance.withdrawn_at.is_(None))
    .order_by(Performance.starts_at, Performance.id)
)


def performances(
    session: Session, listing: Listing, *, world: str, now: datetime
) -> Sequence[Row[datetime, UUID, str]]:
    """Return announced performances by start and id, one more than the limit.

    Each as start, id and the JSON of what is told of it, which the database writes:
    a page is mostly told, not read.
    """
    is_announced = or_(
        Performance.announce_at.is_(None), Performance.announce_at <= now
    )
    wanted = _PAGE.where(Performance.world == world, is_announced, *listing.conditions)
    wanted = wanted.limit(listing.limit + 1)
    return session.connection().execute(wanted).all()
