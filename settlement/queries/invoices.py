"""What a statement's lines supply, and the documents there are of it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from partners.models import Contract
from settlement.models import Invoice, Memo, Statement, TaxCode
from settlement.queries.facts import JOINED, LEGS, TOLD, fact_of
from settlement.queries.terms import clauses_of, tax_book, widest_terms
from settlement.rules.invoicing import memos
from settlement.rules.invoicing.documents import Document, TaxKind, documents, parsed
from settlement.rules.invoicing.supplies import Supply, of_event, of_fact, summed
from settlement.rules.postings import Leg
from settlement.rules.quotes import Quote, Side
from settlement.rules.taxes import told_of

OTHER_TAX = "its tax is not what the terms make of it"
_LINES = text(
    f"SELECT {TOLD}, e.detail, CASE WHEN e.order_id IS NULL THEN {LEGS} END AS legs"  # noqa: S608 - our own words
    f" FROM statement_line s JOIN journal_entry e ON e.id = s.entry_id{JOINED}"
    " WHERE s.statement_id = :statement"
)
_ORIGINS = text(
    "SELECT DISTINCT i.document_id, i.seller FROM statement_line l JOIN statement s"
    " ON s.contract_id = :contract AND s.period = l.origin_period"
    " JOIN invoice i ON i.statement_id = s.id AND i.memo_id IS NULL"
    " WHERE l.statement_id = :statement AND l.origin_period <> :period ORDER BY 1"
)
BATCH = 1_000
INSTANT = timedelta(microseconds=1)


class TaxTexts:
    """How legs are taxed that no quote says it of, by the terms they are under."""

    def __init__(self, session: Session, contract: Contract) -> None:
        self._session, self._zone = session, ZoneInfo(contract.zone)
        self._book = tax_book(session, contract.legal_entity)
        self._known: dict[tuple[UUID, str, date], str] = {}

    def of(self, terms_id: UUID, leg: str, at: datetime) -> str:
        """Return how a leg is taxed at a moment; "" where the terms tax it not."""
        key = (terms_id, leg, at.astimezone(self._zone).date())
        if key not in self._known:
            clauses = clauses_of(self._session, {terms_id})[terms_id]
            code = getattr(clauses.taxes, leg)
            self._known[key] = told_of(self._book.rate(code, key[2])) if code else ""
        return self._known[key]


def documents_of(
    session: Session, statement: Statement, contract: Contract
) -> Iterator[Document]:
    """Yield the documents that the lines of a closed statement come to."""
    texts = TaxTexts(session, contract)
    sums = summed(_supplies(session, statement, texts))
    kinds = tax_kinds(session, statement.legal_entity, {tax for _, tax, _ in sums})
    return documents(sums, kinds)


def memo_document(
    session: Session, statement: Statement, contract: Contract, memo: Memo
) -> Document | str:
    """Return the document of an issued memo on a statement; or why it has none."""
    gross, tax = memo.amount_minor, memo.tax_minor
    texts, last_at = TaxTexts(session, contract), statement.ends_at - INSTANT
    terms = widest_terms(session, contract, statement.side, at=last_at)
    said = texts.of(UUID(terms.terms_id), memos.LEGS[memo.corrects], last_at)
    kind = tax_kinds(session, statement.legal_entity, {said})[said]
    if not memos.fits(gross, tax, kind):
        return OTHER_TAX
    return memos.document(
        *(memos.seller_of(statement.side, memo.corrects), memo.corrects),
        is_debit=memo.kind == "debit",
        gross_minor=gross,
        tax_minor=tax,
        kind=kind,
    )


def supplying_memos(session: Session, statement_id: UUID) -> Sequence[Memo]:
    """Return the issued memos on a statement that correct something sold."""
    wanted = select(Memo).where(
        Memo.statement_id == statement_id,
        Memo.state == "issued",
        Memo.corrects.in_(memos.LEGS),
    )
    return session.scalars(wanted.order_by(Memo.id)).all()


def _supplies(
    session: Session, statement: Statement, texts: TaxTexts
) -> Iterator[Supply]:
    """Yield what the lines of a statement supply; there may be very many."""
    where = {"statement": statement.id}
    rows = session.execute(_LINES, where, execution_options={"yield_per": BATCH})
    for row in rows:
        if row.quote is None:
            yield from _of_event(row, texts)
        else:
            fact = fact_of(row)
            quote = fact.quote
            own = quote.agent if statement.side == "agent" else quote.supplier
            yield from of_fact(fact, statement.side, _refund_tax(quote, own, texts))


def _refund_tax(quote: Quote, own: Side | None, texts: TaxTexts) -> str:
    if own is None or not own.refund_tax_minor or quote.quoted_at is None:
        return ""
    return texts.of(UUID(own.terms_id), "refund_fee", quote.quoted_at)


def _of_event(row: Row[Any], texts: TaxTexts) -> Iterator[Supply]:
    detail, terms_id = row.detail or {}, (row.detail or {}).get("terms_id")
    bill_tax = ""
    if row.kind == "bill" and terms_id:
        bill_tax = texts.of(UUID(terms_id), "billable", row.happened_at)
    legs = [Leg(*leg) for leg in row.legs or ()]
    yield from of_event(row.kind, detail, legs, bill_tax)


def tax_kinds(
    session: Session, legal_entity: str, texts: set[str]
) -> dict[str, TaxKind]:
    """Return what tax texts mean on documents of a legal entity."""
    wanted = select(TaxCode).where(TaxCode.legal_entity == legal_entity)
    rows = session.scalars(wanted.order_by(TaxCode.valid))
    known = {(row.code, str(row.rate)): (row.category, row.exemption) for row in rows}
    return {said: parsed(said, known) for said in texts}


def invoices_of(session: Session, statement_id: UUID) -> Sequence[Invoice]:
    """Return the documents of a statement and of the memos on it, as issued."""
    wanted = select(Invoice).where(Invoice.statement_id == statement_id)
    return session.scalars(wanted.order_by(Invoice.id)).all()


def get_invoice(
    session: Session, invoice_id: UUID, *, world: str, partner_id: UUID | None
) -> Invoice:
    """Return a document: a partner's own, or for finance any."""
    found = session.get(Invoice, invoice_id)
    is_theirs = found is not None and partner_id in {None, found.partner_id}
    if found is None or found.world != world or not is_theirs:
        raise NotFoundError(invoice_id=invoice_id)
    return found


def origins_of(session: Session, statement: Statement) -> list[tuple[str, str]]:
    """Return documents of earlier months that a statement's lines go back to.

    Each as (number, seller).
    """
    where = {
        "statement": statement.id,
        "contract": statement.contract_id,
        "period": statement.period,
    }
    return [(row.document_id, row.seller) for row in session.execute(_ORIGINS, where)]
