"""Settlement over HTTP: terms, the journal, credit, statements."""

from settlement.api import credit, journal, statements, terms
from settlement.api.blueprint import blp

__all__ = ["blp", "credit", "journal", "statements", "terms"]
