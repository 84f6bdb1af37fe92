"""What holds of each closed statement: its lines, sums, balances and documents."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from partners.models import Contract, Partner
from settlement.models import Invoice, Statement
from settlement.queries.invoices import (
    invoices_of,
    memo_document,
    supplied,
    supplying_memos,
)
from settlement.queries.lines import balances_of, lines_of, stored_lines
from settlement.rules.invoicing.documents import Document, documents
from settlement.rules.invoicing.ubl import as_told, told_by
from settlement.rules.periods import Period
from settlement.rules.statements import LATER_FORM, digest, without

STAYED = "lines of a statement are byte for byte those that were closed"
ANEW = "lines of a statement, made anew from the journal, are the same"
SUMS = "totals of a statement are the sums of its lines"
BALANCES = "opening and payments of a statement are the journal's"
AGREED = "a statement is its contract's"
INVOICED = "documents of a statement are what its lines come to"
_ROUNDED = text(
    "SELECT detail->>'seller' AS seller, (detail->>'is_taxed')::boolean AS is_taxed,"
    " sum((detail->>'more_minor')::bigint)::bigint AS more_minor FROM journal_entry"
    " WHERE kind = 'tax-rounded' AND (agent_contract_id = :contract"
    "  OR supplier_contract_id = :contract) AND detail->>'statement_id' = :statement"
    "  AND detail->>'seller' = ANY(:sellers) GROUP BY 1, 2"
)
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
        (kept, _), (anew, _) = stored.told(), current.told()
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
    """Say whether what was issued is what lines and memos come to, in row and XML.

    And whether the tax that documents have more than their lines is booked.
    """
    issued = invoices_of(session, statement.id)
    if not issued:
        return True
    sums = supplied(session, statement, contract)
    made: dict[tuple[UUID | None, str, bool], Document] = {
        (None, one.seller, one.is_taxed): one for one in documents(sums)
    }
    for memo in supplying_memos(session, statement.id):
        found = memo_document(session, statement, contract, memo, sums)
        if isinstance(found, Document):
            made[memo.id, found.seller, found.is_taxed] = found
    return all(
        _is_as_made(one, made.get((one.memo_id, one.seller, one.is_taxed)))
        for one in issued
    ) and _is_rounded(session, statement, issued, made)


def _is_as_made(invoice: Invoice, made: Document | None) -> bool:
    if made is None:
        return False
    told = as_told(
        *(invoice.document_id, made.type_code, invoice.currency),
        net_minor=made.net_minor,
        tax_minor=made.tax_minor,
    )
    sums = (invoice.type_code, invoice.net_minor, invoice.tax_minor)
    is_row = sums == (made.type_code, made.net_minor, made.tax_minor)
    return is_row and told_by(invoice.document) == told


def _is_rounded(
    session: Session,
    statement: Statement,
    issued: Iterable[Invoice],
    made: Mapping[tuple[UUID | None, str, bool], Document],
) -> bool:
    """Say whether the tax that documents have more than their lines is booked."""
    sellers = {one.seller for one in issued if one.memo_id is None}
    more = {
        (seller, is_taxed): document.more_tax_minor
        for (memo_id, seller, is_taxed), document in made.items()
        if memo_id is None and seller in sellers and document.more_tax_minor
    }
    where = {
        "contract": statement.contract_id,
        "statement": str(statement.id),
        "sellers": list(sellers),
    }
    rows = session.execute(_ROUNDED, where)
    return more == {(row.seller, row.is_taxed): row.more_minor for row in rows}
