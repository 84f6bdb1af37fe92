"""What is left to pay on a closed statement, as its side says it."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.models import Statement
from settlement.rules.statements import ACCOUNTS, STATED

_PARTS = {
    side: text(
        "SELECT (SELECT coalesce(sum(greatest(:sign * l.due_minor, 0)), 0)::bigint"  # noqa: S608 - our own words
        "  FROM dispute d JOIN statement_line l ON (l.statement_id, l.no)"
        "   = (d.statement_id, d.line) LEFT JOIN memo m ON m.id = d.memo_id"
        "  WHERE d.statement_id = :statement"
        "  AND (d.state = 'open' OR m.state = 'proposed')) AS disputed,"
        # A dispute's memo settles what was disputed, not the month that states it.
        f" (SELECT coalesce(sum(e.{side}_amounts[6]), 0)::bigint FROM dispute d"
        "  JOIN memo m ON m.id = d.memo_id JOIN journal_entry e ON e.id = m.entry_id"
        "  WHERE d.statement_id = :statement) AS corrected,"
        " (SELECT coalesce(sum(l.due_minor), 0)::bigint FROM memo m JOIN dispute d"
        "  ON d.memo_id = m.id JOIN statement_line l ON l.statement_id = :statement"
        "  AND l.entry_id = m.entry_id WHERE m.contract_id = :contract) AS elsewhere,"
        f" (SELECT coalesce(sum({side}_amounts[6]), 0)::bigint FROM journal_entry"
        f"  WHERE {side}_contract_id = :contract AND (coalesce({side}_stated_at,"
        "   happened_at) < :ends OR kind <> ALL(:kinds))) AS balance"
    )
    for side in ACCOUNTS
}


@dataclass(frozen=True, slots=True)
class Payable:
    """What is to be paid now, and what is withheld because it is disputed."""

    minor: int
    disputed_minor: int


def payable(session: Session, statement: Statement) -> Payable:
    """Return what is left of a statement's due.

    Less what is disputed, was paid on it, or was paid in advance: never more than the
    account still owes, and never the other way round.
    """
    due: int = statement.totals["due_minor"]
    sign = -1 if due < 0 else 1
    where = {
        "sign": sign,
        "statement": statement.id,
        "contract": statement.contract_id,
        "ends": statement.ends_at,
        "kinds": list(STATED),
    }
    parts = session.execute(_PARTS[statement.side], where).one()
    left = due + parts.corrected - parts.elsewhere - statement.paid_minor
    owed = min(sign * left, sign * (parts.balance + parts.corrected))
    return Payable(sign * max(0, owed - parts.disputed), sign * parts.disputed)
