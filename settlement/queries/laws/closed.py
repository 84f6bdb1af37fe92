"""What holds of each closed statement: its lines, sums, balances and documents."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from partners.models import Contract, Partner
from settlement.models import Invoice, Statement
from settlement.queries.invoices import (
    documents_of,
    invoices_of,
    memo_document,
    supplying_memos,
)
from settlement.queries.lines import balances_of, lines_of, stored_lines
from settlement.rules.invoicing.documents import Document
from settlement.rules.periods import Period
from settlement.rules.statements import LATER_FORM, digest, without

STAYED = "lines of a statement are byte for byte those that were closed"
ANEW = "lines of a statement, made anew from the journal, are the same"
SUMS = "totals of a statement are the sums of its lines"
BALANCES = "opening and payments of a statement are the journal's"
AGREED = "a statement is its contract's"
INVOICED = "documents of a statement are what its lines come to"
LAWS = (STAYED, ANEW, SUMS, BALANCES, AGREED, INVOICED)


def broken_by(session: Session, statement: Statement) -> Iterator[str]:
    """Yield the laws that a closed statement breaks."""
    contract = session.get_one(Contract, statement.contract_id)
    period = Period(statement.period, statement.starts_at, statement.ends_at)
    stored = stored_lines(session, statement.id)
    current = lines_of(session, contract, statement.side, period)
    if statement.form < LATER_FORM:
        rows = without(current.rows(), statement.form)
        kept, anew = digest(stored.rows(), statement.form), digest(rows, statement.form)
    else:
        kept, anew = stored.digest(), current.digest()
    sums: dict[str, Any] = stored.totals()
    if kept != statement.lines_digest:
        yield STAYED
    if anew != statement.lines_digest:
        yield ANEW
    if any(sums[name] != told for name, told in statement.totals.items()):
        yield SUMS
    if statement.closing_minor is not None:
        balances = balances_of(session, contract, statement.side, period)
        if balances != (statement.opening_minor, statement.payments_minor):
            yield BALANCES
    if not _is_agreed(session, statement, contract):
        yield AGREED
    if not _is_invoiced(session, statement, contract):
        yield INVOICED


def _is_agreed(session: Session, statement: Statement, contract: Contract) -> bool:
    side = session.get_one(Partner, contract.partner_id).kind
    said = (statement.partner_id, statement.currency, statement.legal_entity)
    agreed = (contract.partner_id, contract.currency, contract.legal_entity)
    return (*said, statement.side) == (*agreed, side)


def _is_invoiced(session: Session, statement: Statement, contract: Contract) -> bool:
    """Say whether what was issued is what lines and memos come to."""
    issued = invoices_of(session, statement.id)
    if not issued:
        return True
    made: dict[tuple[UUID | None, str, bool], Document] = {
        (None, one.seller, one.is_taxed): one
        for one in documents_of(session, statement, contract)
    }
    for memo in supplying_memos(session, statement.id):
        one = memo_document(session, statement, contract, memo)
        if isinstance(one, Document):
            made[memo.id, one.seller, one.is_taxed] = one
    return all(
        _said(made.get((i.memo_id, i.seller, i.is_taxed))) == _said(i) for i in issued
    )


def _said(one: Invoice | Document | None) -> tuple[str, int, int] | None:
    if isinstance(one, Invoice | Document):
        return one.type_code, one.net_minor, one.tax_minor
    return None
