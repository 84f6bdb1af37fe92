"""Venues and auditoriums as agents see them: those where something is announced."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError

_SHOWN = "p.withdrawn_at IS NULL AND (p.announce_at IS NULL OR p.announce_at <= :now)"
_VENUE = text(
    "SELECT v.id, v.version, v.name, v.zone, v.country, v.city"  # noqa: S608 - our own words
    " FROM venue v"
    " WHERE v.id = :id AND v.world = :world AND EXISTS (SELECT FROM performance p"
    " JOIN auditorium r ON r.id = p.auditorium_id WHERE r.venue_id = v.id"
    f" AND {_SHOWN})"
)
_AUDITORIUM = text(
    "SELECT u.id, u.version, u.venue_id, u.name, (SELECT coalesce(jsonb_agg("  # noqa: S608 - our own words
    "  jsonb_build_object('area', a.ref, 'name', a.name, 'is_seated', a.is_seated,"
    "  'capacity', a.capacity) ORDER BY a.ref), '[]') FROM area a"
    "  WHERE a.auditorium_id = u.id) AS areas FROM auditorium u"
    " WHERE u.id = :id AND u.world = :world AND EXISTS (SELECT FROM performance p"
    f" WHERE p.auditorium_id = u.id AND {_SHOWN})"
)


def get_venue(
    session: Session, venue_id: UUID, *, world: str, now: datetime
) -> Row[Any]:
    """Return a venue; NotFoundError where nothing is announced."""
    where = {"id": venue_id, "world": world, "now": now}
    found = session.execute(_VENUE, where).one_or_none()
    if found is None:
        raise NotFoundError(venue_id=venue_id)
    return found


def get_auditorium(
    session: Session, auditorium_id: UUID, *, world: str, now: datetime
) -> Row[Any]:
    """Return an auditorium with its areas; NotFoundError where nothing is announced."""
    where = {"id": auditorium_id, "world": world, "now": now}
    found = session.execute(_AUDITORIUM, where).one_or_none()
    if found is None:
        raise NotFoundError(auditorium_id=auditorium_id)
    return found
