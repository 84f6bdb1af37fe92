"""The laws of settlement, checked on the database."""

from typing import Any

from sqlalchemy.orm import Session

from settlement.queries.laws.journal import broken_journal
from settlement.queries.laws.statements import broken_statements
from settlement.queries.seals import broken_seals


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law: balance, credit, seals, statements."""
    return broken_journal(session) + broken_statements(session) + broken_seals(session)
