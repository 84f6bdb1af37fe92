"""What a statement's lines supply, and the documents there are of it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from partners.models import Contract
from settlement.models import Invoice, Memo, Statement
from settlement.queries.facts import JOINED, LEGS, TOLD, fact_of
from settlement.queries.terms import clauses_of, tax_book
from settlement.rules.facts import Leg
from settlement.rules.invoicing import memos
from settlement.rules.invoicing.documents import Document, percent
from settlement.rules.invoicing.supplies import (
    UNTAXED,
    Sums,
    Supply,
    TaxKind,
    kind_of,
    of_fact,
    of_legs,
    summed,
)
from settlement.rules.quotes import Side

_LINES = text(
    f"SELECT {TOLD}, e.detail, CASE WHEN e.order_id IS NULL THEN {LEGS} END AS legs"  # noqa: S608 - our own words
    f" FROM statement_line s JOIN journal_entry e ON e.id = s.entry_id{JOINED}"
    " WHERE s.statement_id = :statement AND (CAST(:line AS int) IS NULL"
    "  OR s.no = :line)"
)
_ORIGINS = text(
    "SELECT DISTINCT i.document_id, i.seller, i.is_taxed FROM statement_line l"
    " JOIN statement s ON s.contract_id = :contract AND s.period = l.origin_period"
    " JOIN invoice i ON i.statement_id = s.id AND i.memo_id IS NULL"
    " WHERE l.statement_id = :statement AND l.origin_period <> :period"
    " AND l.order_id IS NOT NULL ORDER BY 1"
)
BATCH = 1_000


class Taxes:
    """What taxes of supplies mean, by the tax codes and terms of a contract."""

    def __init__(self, session: Session, contract: Contract) -> None:
        self._session, self._zone = session, ZoneInfo(contract.zone)
        self._book = tax_book(session, contract.legal_entity)
        self._known: dict[tuple[str, date], TaxKind] = {}

    def of_text(self, said: str, at: datetime) -> TaxKind:
        """Return what a tax as an amount says it (``code rate method``) means."""
        return self._of_code(said.rsplit(" ", 2)[0], at) if said else UNTAXED

    def of_refund_fee(self, by: Side, at: datetime) -> TaxKind:
        """Return how a side's terms tax their fee for cancelling."""
        return self.of_leg(UUID(by.terms_id), "refund_fee", at)

    def of_leg(self, terms_id: UUID, leg: str, at: datetime) -> TaxKind:
        """Return how a version of terms taxes a leg at a moment."""
        clauses = clauses_of(self._session, {terms_id})[terms_id]
        code = getattr(clauses.taxes, leg)
        return self._of_code(code, at) if code else UNTAXED

    def _of_code(self, code: str, at: datetime) -> TaxKind:
        key = (code, at.astimezone(self._zone).date())
        if key not in self._known:
            self._known[key] = kind_of(self._book.rate(*key))
        return self._known[key]


def supplied(
    session: Session,
    statement: Statement,
    contract: Contract,
    *,
    line: int | None = None,
) -> Sums:
    """Return what the lines of a closed statement supply, or one of them."""
    taxes = Taxes(session, contract)
    return summed(_supplies(session, statement, taxes, line=line))


def memo_document(
    session: Session, statement: Statement, contract: Contract, memo: Memo, all_: Sums
) -> Document | str:
    """Return the document of an issued memo on a statement; or why it has none.

    It is taxed as the line it is on, or else as one of the statement's: at the first
    rate that makes its tax of it. *all_*: what the statement supplies.
    """
    seller = memos.seller_of(statement.side, memo.corrects)
    found = all_
    if memo.line is not None:
        found = supplied(session, statement, contract, line=memo.line)
    kinds = {
        kind for whose, kind, what in found if (whose, what) == (seller, memo.corrects)
    }
    if not kinds:
        return f"what it is on has no {memo.corrects} that was invoiced"
    kind = memos.fitting(memo.amount_minor, memo.tax_minor, kinds)
    if kind is None:
        told = ", ".join(sorted(f"{percent(one.rate)} %" for one in kinds))
        return f"its tax is not what was charged there: {told}"
    return memos.document(
        *(seller, memo.corrects),
        is_debit=memo.kind == "debit",
        gross_minor=memo.amount_minor,
        tax_minor=memo.tax_minor,
        kind=kind,
    )


def supplying_memos(session: Session, statement_id: UUID) -> Sequence[Memo]:
    """Return the issued memos on a statement that correct something sold."""
    wanted = select(Memo).where(
        Memo.statement_id == statement_id,
        Memo.state == "issued",
        Memo.corrects.in_(memos.CORRECTED),
    )
    return session.scalars(wanted.order_by(Memo.id)).all()


def _supplies(
    session: Session, statement: Statement, taxes: Taxes, *, line: int | None = None
) -> Iterator[Supply]:
    """Yield what the lines of a statement supply, or one of them; there may be many."""
    where = {"statement": statement.id, "line": line}
    rows = session.execute(_LINES, where, execution_options={"yield_per": BATCH})
    for row in rows:
        if row.quote is None:
            yield from _of_event(row, taxes)
        else:
            fact = fact_of(row)
            at = fact.quote.quoted_at or fact.sold_at or fact.happened_at
            yield from of_fact(
                fact,
                statement.side,
                partial(taxes.of_text, at=at),
                partial(taxes.of_refund_fee, at=at),
            )


def _of_event(row: Row[Any], taxes: Taxes) -> Iterator[Supply]:
    """Yield what an entry of money alone supplies: a bill, or a commission trued up.

    Memos are documents of their own.
    """
    detail, at = row.detail or {}, row.happened_at
    legs = [Leg(*leg) for leg in row.legs or ()]
    if row.kind == "bill":
        terms_id = UUID(detail["terms_id"])
        yield from of_legs(legs, taxes.of_leg(terms_id, "billable", at))
    elif row.kind == "true-up":
        yield from of_legs(legs, taxes.of_text(detail.get("tax", ""), at))


def invoices_of(session: Session, statement_id: UUID) -> Sequence[Invoice]:
    """Return the documents of a statement and of the memos on it, as issued."""
    wanted = select(Invoice).where(Invoice.statement_id == statement_id)
    return session.scalars(wanted.order_by(Invoice.id)).all()


def documents_in(
    session: Session, world: str, period: str
) -> Iterator[tuple[str, bytes]]:
    """Yield what the documents of a period are called, and the documents."""
    wanted = (
        select(Invoice.document_id, Invoice.document)
        .join(Statement, Statement.id == Invoice.statement_id)
        .where(Statement.world == world, Statement.period == period)
        .order_by(Invoice.id)
    )
    for row in session.execute(wanted, execution_options={"yield_per": BATCH}):
        yield row.document_id, row.document


def get_invoice(
    session: Session, invoice_id: UUID, *, world: str, partner_id: UUID | None
) -> Invoice:
    """Return a document: a partner's own, or for finance any."""
    found = session.get(Invoice, invoice_id)
    is_theirs = found is not None and partner_id in {None, found.partner_id}
    if found is None or found.world != world or not is_theirs:
        raise NotFoundError(invoice_id=invoice_id)
    return found


def origins_of(session: Session, statement: Statement) -> list[Row[Any]]:
    """Return documents of earlier months that sales went back of.

    Each with its *document_id*, *seller* and *is_taxed*.
    """
    where = {
        "statement": statement.id,
        "contract": statement.contract_id,
        "period": statement.period,
    }
    return list(session.execute(_ORIGINS, where))
