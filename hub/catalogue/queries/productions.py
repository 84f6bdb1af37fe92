"""Productions as agents look for them, with what is to come; their calendars."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.catalogue.models import Production
from hub.catalogue.queries.listing import OF_MAIN, like_words
from hub.kernel.errors import NotFoundError

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
    wanted = select(OF_MAIN).where(Production.id == production_id)
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
