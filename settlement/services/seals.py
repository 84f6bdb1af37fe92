"""The sealer: hashes what no open transaction can still add to, book by book."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel import metrics
from settlement.models import SealBlock
from settlement.queries.journal import book_entries
from settlement.rules.seals import FIRST, seal

_BOOKS = text(
    "SELECT DISTINCT e.world, e.legal_entity FROM journal_entry e"
    " WHERE e.posted_xid < pg_snapshot_xmin(pg_current_snapshot())"
    " AND e.posted_xid >= coalesce((SELECT max(b.to_xid) FROM seal_block b"
    " WHERE b.world = e.world AND b.legal_entity = e.legal_entity), '0'::xid8)"
)
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
_LAST = text(
    "SELECT no, hash, to_xid::text AS to_xid FROM seal_block WHERE world = :world"
    " AND legal_entity = :entity ORDER BY no DESC LIMIT 1"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('sealer'))")


def seal_journal(session: Session) -> int:
    """Seal the committed entries below the transaction horizon; return how many."""
    session.execute(_LOCK)
    horizon = int(session.scalars(_HORIZON).one())
    books = session.execute(_BOOKS).all()
    return sum(
        _seal_book(session, row.world, row.legal_entity, horizon) for row in books
    )


def _seal_book(session: Session, world: str, entity: str, horizon: int) -> int:
    where = {"world": world, "entity": entity}
    last: Row[Any] | None = session.execute(_LAST, where).one_or_none()
    low = int(last.to_xid) if last else 0
    entries = list(book_entries(session, world, entity, low, horizon))
    previous = last.hash if last else FIRST
    block = SealBlock(
        world=world,
        legal_entity=entity,
        no=last.no + 1 if last else 1,
        from_xid=str(low),
        to_xid=str(horizon),
        entries=len(entries),
        previous=previous,
        hash=seal(previous, entries),
    )
    session.add(block)
    metrics.SEALED.inc(len(entries))
    return len(entries)
