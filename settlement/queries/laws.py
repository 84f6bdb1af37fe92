"""The laws of the journal, checked on the database."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.queries.journal import book_entries
from settlement.rules.seals import FIRST, seal

_UNBALANCED = text(
    "SELECT entry_id, currency, sum(amount_minor) AS off_by FROM posting"
    " GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0 LIMIT 20"
)
_WITHOUT_POSTINGS = text(
    "SELECT e.id AS entry_id FROM journal_entry e WHERE NOT EXISTS"
    " (SELECT FROM posting p WHERE p.entry_id = e.id) LIMIT 20"
)
_STATEMENTS = text(
    "SELECT s.id AS statement_id FROM statement s LEFT JOIN LATERAL ("
    " SELECT count(*) AS lines, coalesce(sum(due_minor), 0) AS due"
    " FROM statement_line l"
    " WHERE l.statement_id = s.id) sums ON true WHERE s.state = 'closed' AND ("
    " (s.totals->>'due_minor')::bigint <> sums.due"
    " OR (s.totals->>'lines')::bigint <> sums.lines) LIMIT 20"
)
_LEFT_OUT = text(
    "SELECT e.id AS entry_id, s.id AS statement_id FROM statement s"
    " JOIN journal_entry e ON CASE s.side WHEN 'agent' THEN e.agent_contract_id"
    " ELSE e.supplier_contract_id END = s.contract_id"
    " AND e.happened_at >= s.starts_at AND e.happened_at < s.ends_at"
    " LEFT JOIN statement_line l ON l.entry_id = e.id AND l.side = s.side"
    " WHERE s.state = 'closed' AND l.statement_id IS DISTINCT FROM s.id LIMIT 20"
)
_NUMBERS = text(
    "SELECT n.legal_entity, n.last, count(s.number) AS issued FROM document_number n"
    " LEFT JOIN statement s ON s.legal_entity = n.legal_entity AND s.number IS NOT NULL"
    " GROUP BY n.legal_entity, n.last HAVING count(s.number) <> n.last LIMIT 20"
)
_BLOCKS = text(
    "SELECT world, legal_entity, no, from_xid::text AS low, to_xid::text AS high,"
    " entries, previous, hash FROM seal_block ORDER BY world, legal_entity, no"
)
_TAIL = text(
    "SELECT count(*) FROM journal_entry e WHERE e.posted_xid >= coalesce("
    " (SELECT max(b.to_xid) FROM seal_block b WHERE b.world = e.world"
    " AND b.legal_entity = e.legal_entity), '0'::xid8)"
)


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of settlement: balance, seals, statements."""
    checks = {
        "every entry sums to zero in every currency": _UNBALANCED,
        "every entry has postings": _WITHOUT_POSTINGS,
        "a closed statement's total is the sum of its lines": _STATEMENTS,
        "a closed statement holds every entry of its period": _LEFT_OUT,
        "document numbers have no gaps": _NUMBERS,
    }
    return [
        {"law": law} | {name: str(value) for name, value in row._mapping.items()}  # noqa: SLF001 - documented
        for law, query in checks.items()
        for row in session.execute(query)
    ] + _broken_seals(session)


def _broken_seals(session: Session) -> list[dict[str, Any]]:
    broken: list[dict[str, Any]] = []
    before: dict[tuple[str, str], tuple[int, str, bytes]] = {}
    for block in session.execute(_BLOCKS).all():
        book = (block.world, block.legal_entity)
        no, high, chained = before.get(book, (0, "0", FIRST))
        entries = list(book_entries(session, *book, int(block.low), int(block.high)))
        follows = (block.no, block.low, block.previous) == (no + 1, high, chained)
        is_whole = len(entries) == block.entries
        if not (follows and is_whole and seal(block.previous, entries) == block.hash):
            law = "sealed entries are as they were when they were sealed"
            broken.append({"law": law, "book": "/".join(book), "block": block.no})
        before[book] = (block.no, block.high, block.hash)
    return broken


def unsealed(session: Session) -> int:
    """Return how many entries no seal covers yet: the tail."""
    return int(session.scalars(_TAIL).one())
