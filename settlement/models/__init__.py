"""Tables: terms, the journal and its seals, credit, totals, statements, invoices."""

from settlement.models.corrections import Dispute, Memo
from settlement.models.credit import Credit, CreditAlert, CreditChange
from settlement.models.invoices import Invoice
from settlement.models.journal import Account, JournalEntry, Posting, SealBlock, Xid8
from settlement.models.statements import DocumentNumber, Statement, StatementLine
from settlement.models.terms import TaxCode, Terms
from settlement.models.totals import MEASURES, Total, TotalDelta

__all__ = [
    "MEASURES",
    "Account",
    "Credit",
    "CreditAlert",
    "CreditChange",
    "Dispute",
    "DocumentNumber",
    "Invoice",
    "JournalEntry",
    "Memo",
    "Posting",
    "SealBlock",
    "Statement",
    "StatementLine",
    "TaxCode",
    "Terms",
    "Total",
    "TotalDelta",
    "Xid8",
]
