"""Settlement over HTTP: terms, the journal, credit, statements."""

from settlement.api import corrections, credit, journal, reports, statements, terms
from settlement.api.blueprint import blp

__all__ = ["blp", "corrections", "credit", "journal", "reports", "statements", "terms"]
