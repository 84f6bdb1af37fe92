"""Settlement over HTTP: terms, the journal, credit, statements, invoices."""

from settlement.api import (
    corrections,
    credit,
    invoices,
    journal,
    reports,
    statements,
    terms,
)
from settlement.api.blueprint import blp

__all__ = [
    "blp",
    "corrections",
    "credit",
    "invoices",
    "journal",
    "reports",
    "statements",
    "terms",
]
