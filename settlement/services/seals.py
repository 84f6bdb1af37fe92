"""The sealer: hashes what no open transaction can still add to, book by book."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel import metrics
from hub.kernel.db import take_turns
from settlement.errors import SealsAheadError
from settlement.models import SealBlock
from settlement.queries.journal import book_entries
from settlement.queries.seals import open_books
from settlement.rules.seals import FIRST, seal

BLOCK_ENTRIES_MAX = 5_000
BLOCKS_MAX = 20
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
_CUT = text(
    "SELECT posted_xid::text FROM journal_entry WHERE world = :world"
    " AND legal_entity = :entity AND posted_xid > CAST(:low AS xid8)"
    " AND posted_xid < CAST(:high AS xid8) ORDER BY posted_xid OFFSET :most LIMIT 1"
)


def seal_journal(session: Session) -> int:
    """Seal committed entries below the transaction horizon; return how many.

    Each block holds a bounded number of entries, and all those of a transaction.
    SealsAheadError when the chain was made by another server's transaction counter.
    """
    take_turns(session, "sealer")
    horizon = int(session.scalars(_HORIZON).one())
    sealed = 0
    for _ in range(BLOCKS_MAX):
        books = open_books(session, horizon)
        if not books:
            break
        sealed += sum(_seal_book(session, book, horizon) for book in books)
        session.flush()  # the next round starts where these blocks end
    metrics.SEALED.inc(sealed)
    return sealed


def _seal_book(session: Session, last: Row[Any], horizon: int) -> int:
    book = {"world": last.world, "entity": last.legal_entity}
    low = int(last.to_xid or 0)
    if low > horizon:
        raise SealsAheadError(sealed_to=low, horizon=horizon)
    cut = {"low": str(low), "high": str(horizon), "most": BLOCK_ENTRIES_MAX}
    high = int(session.scalar(_CUT, book | cut) or horizon)
    previous = last.hash or FIRST
    entries = book_entries(session, last.world, last.legal_entity, low, high)
    hashed, count = seal(previous, entries)
    block = SealBlock(
        world=last.world,
        legal_entity=last.legal_entity,
        no=(last.no or 0) + 1,
        from_xid=str(low),
        to_xid=str(high),
        entries=count,
        previous=previous,
        hash=hashed,
    )
    session.add(block)
    return count
