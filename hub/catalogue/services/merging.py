"""One production of several suppliers: an operator says that they are the same."""

from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from hub.catalogue.errors import NotMergeableError
from hub.catalogue.models import Production
from hub.kernel.db import take_turns
from hub.kernel.errors import NotFoundError

# What was told of them is to be read anew: both, and every performance of theirs.
_NOTE = text(
    "INSERT INTO change (world, kind, entity_id, version, what, made_at)"
    " SELECT x.world, x.kind, x.id, x.version, x.what,"
    " clock_timestamp() + w.clock_offset FROM ("
    "  SELECT world, 'production' AS kind, id, version, CASE WHEN merged_into IS NULL"
    "   THEN 'changed' ELSE 'withdrawn' END AS what FROM production"
    "   WHERE id = ANY(:ids) UNION ALL"
    "  SELECT world, 'performance', id, version, 'changed' FROM performance"
    "   WHERE production_id = ANY(:ids) AND withdrawn_at IS NULL"
    " ) x JOIN world w ON w.name = x.world"
)


def merge(session: Session, world: str, production_id: UUID, into: UUID) -> Production:
    """Say that a production is the same as another; return the one that is left.

    What was merged into it goes along. NotMergeableError into itself, or of another
    genre.
    """
    take_turns(session, f"merge/{world}")
    own, other = _locked(session, world, production_id), _get(session, world, into)
    if other.merged_into is not None:
        other = session.get_one(Production, other.merged_into)
    if own.id == other.id or own.genre != other.genre:
        raise NotMergeableError(production_id=own.id, into=other.id)
    moved = select(Production.id).where(Production.merged_into == own.id)
    before = [own.merged_into] if own.merged_into is not None else []
    ids = [own.id, other.id, *session.scalars(moved)]
    session.execute(
        update(Production)
        .where(Production.id.in_(ids), Production.id != other.id)
        .values(merged_into=other.id)
    )
    session.execute(_NOTE, {"ids": ids + before})
    return other


def part(session: Session, world: str, production_id: UUID) -> Production:
    """Say that a production is one of its own again; doing so twice is no mistake."""
    take_turns(session, f"merge/{world}")
    own = _locked(session, world, production_id)
    if own.merged_into is not None:
        ids = [own.id, own.merged_into]
        own.merged_into = None
        session.flush()
        session.execute(_NOTE, {"ids": ids})
    return own


def _locked(session: Session, world: str, production_id: UUID) -> Production:
    _get(session, world, production_id)
    return session.get_one(Production, production_id, with_for_update=True)


def _get(session: Session, world: str, production_id: UUID) -> Production:
    found = session.get(Production, production_id)
    if found is None or found.world != world:
        raise NotFoundError(production_id=production_id)
    return found
