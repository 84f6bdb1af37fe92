"""The seals of the journal as they are read: heads, tails, and broken ones."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from settlement.queries.journal import book_entries
from settlement.rules.seals import FIRST, seal

_HEADS = (
    " FROM world w CROSS JOIN legal_entity l LEFT JOIN LATERAL ("
    " SELECT no, hash, to_xid FROM seal_block WHERE world = w.name"
    " AND legal_entity = l.code ORDER BY no DESC LIMIT 1) b ON true"
)
_ENTRIES = (
    "SELECT {} FROM journal_entry e WHERE e.world = w.name"
    " AND e.legal_entity = l.code AND e.posted_xid >= coalesce(b.to_xid, '0'::xid8)"
)
_OPEN_BOOKS = text(
    "SELECT w.name AS world, l.code AS legal_entity, b.no, b.hash,"
    " b.to_xid::text AS to_xid"
    + _HEADS
    + f" WHERE EXISTS ({_ENTRIES.format('')} AND e.posted_xid < CAST(:high AS xid8))"
    " ORDER BY w.name, l.code"
)
_TAIL = text(
    f"SELECT coalesce(sum(({_ENTRIES.format('count(*)')})), 0)::bigint" + _HEADS
)
_CHAIN = text(
    "SELECT w.name || '/' || l.code AS book, b.no, encode(b.hash, 'hex') AS hash"
    + _HEADS
    + " WHERE b.no IS NOT NULL ORDER BY 1"
)
_AHEAD = text(
    "SELECT max(to_xid)::text AS sealed_to FROM seal_block"
    " HAVING max(to_xid) > pg_snapshot_xmax(pg_current_snapshot())"
)
_BLOCKS = text(
    "SELECT world, legal_entity, no, from_xid::text AS low, to_xid::text AS high,"
    " entries, previous, hash FROM seal_block ORDER BY world, legal_entity, no"
)


def open_books(session: Session, horizon: int) -> Sequence[Row[Any]]:
    """Return books with entries to seal below *horizon*, each with its last block."""
    return session.execute(_OPEN_BOOKS, {"high": str(horizon)}).all()


def unsealed(session: Session) -> int:
    """Return how many entries no seal covers yet: the tail."""
    return int(session.scalars(_TAIL).one())


def heads(session: Session) -> dict[str, str]:
    """Return each book's last block and its hash: keep them elsewhere, to compare."""
    rows = session.execute(_CHAIN)
    return {row.book: f"{row.no}:{row.hash}" for row in rows}


def broken_seals(session: Session) -> list[dict[str, Any]]:
    """Return blocks whose entries, or whose place in the chain, have changed."""
    books: dict[tuple[str, str], list[Row[Any]]] = {}
    for block in session.execute(_BLOCKS):
        books.setdefault((block.world, block.legal_entity), []).append(block)
    law = "sealed entries are as they were when they were sealed"
    broken: list[dict[str, Any]] = [
        {"law": law, "book": "/".join(book), "block": no}
        for book, blocks in books.items()
        for no in _broken_blocks(session, book, blocks)
    ]
    ahead = "seals are not ahead of the server: after a restore, advance its counter"
    return broken + [
        {"law": ahead, "sealed_to": row.sealed_to} for row in session.execute(_AHEAD)
    ]


def _broken_blocks(
    session: Session, book: tuple[str, str], blocks: Sequence[Row[Any]]
) -> Iterator[int]:
    last = int(blocks[-1].high)
    entries = book_entries(session, *book, 0, last, has_xid=True)
    waiting = _Peekable(entries)
    no, high, chained = 0, "0", FIRST
    for block in blocks:
        own = waiting.until(int(block.high))
        hashed, count = seal(block.previous, own)
        follows = (block.no, block.low, block.previous) == (no + 1, high, chained)
        if not follows or (hashed, count) != (block.hash, block.entries):
            yield block.no
        no, high, chained = block.no, block.high, block.hash


class _Peekable:
    """Entries in posting order, handed out up to a transaction id."""

    def __init__(self, entries: Iterator[dict[str, Any]]) -> None:
        self._entries = entries
        self._next = next(entries, None)

    def until(self, xid: int) -> Iterator[dict[str, Any]]:
        while self._next is not None and int(self._next["xid"]) < xid:
            entry = dict(self._next)
            del entry["xid"]
            yield entry
            self._next = next(self._entries, None)
