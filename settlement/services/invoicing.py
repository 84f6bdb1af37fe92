"""Issuing the documents of a closed statement: invoices, credit notes, self-billed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import unlimited
from hub.kernel.ids import new_id
from hub.kernel.money import exponent
from partners.models import BillingProfile, Contract, Partner
from partners.queries import billing_of
from settlement.errors import BillingDetailsError, NotInvoicedError, StatementStateError
from settlement.models import Invoice, Memo, Statement
from settlement.queries import invoices as queries
from settlement.rules import events
from settlement.rules.events import Contracted, legs
from settlement.rules.invoicing.documents import Document, documents
from settlement.rules.invoicing.memos import seller_of
from settlement.rules.invoicing.supplies import HUB, PARTNER
from settlement.rules.invoicing.ubl import DECIMALS_MAX, Head, Party, ubl
from settlement.rules.statements import SETTLED
from settlement.services.movements import OWN, Booking, book, tag
from settlement.services.statements import draw_number, lock

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A document that was not made, and why."""

    reason: str
    seller: str
    gross_minor: int
    memo_id: UUID | None


@dataclass(slots=True)
class Issued:
    """The documents of a statement, and what has none."""

    items: list[Invoice]
    left_out: list[LeftOut] = field(default_factory=list)

    def has(self, seller: str, memo: Memo | None) -> bool:
        """Say whether a seller's documents of the lines, or a memo's, are issued."""
        wanted = memo.id if memo else None
        return any((i.seller, i.memo_id) == (seller, wanted) for i in self.items)


@dataclass(frozen=True, slots=True)
class Issuing:
    """A statement whose documents are made out, by whom and when."""

    who: Caller
    statement: Statement
    contract: Contract
    parties: dict[str, Party]
    self_billing_since: date | None
    at: datetime

    def day(self, moment: datetime) -> date:
        """Return the day of a moment on the contract's clocks."""
        return moment.astimezone(ZoneInfo(self.contract.zone)).date()

    @property
    def last_on(self) -> date:
        """The last day of the statement's period."""
        return self.day(self.statement.ends_at - INSTANT)

    @property
    def is_self_billed(self) -> bool:
        """Whether the partner lets the hub make out its invoices of this period."""
        since = self.self_billing_since
        return since is not None and since <= self.day(self.statement.starts_at)


def issue_invoices(session: Session, who: Caller, statement_id: UUID) -> Issued:
    """Issue what a closed statement, and the memos on it, have no document of yet.

    Doing so again issues nothing twice. StatementStateError if it is not closed,
    BillingDetailsError when a name, address or tax id is missing, NotInvoicedError for
    a currency with more decimals than EN 16931 has. Numbers are drawn in the live world
    only. What a document's tax, rounded once for each rate, differs by from that of the
    lines is booked now, so that the books have the tax that the documents show.
    """
    unlimited(session)
    statement = lock(session, who, statement_id)
    if statement.state not in SETTLED:
        raise StatementStateError(state=statement.state, wanted="closed or paid")
    contract = session.get_one(Contract, statement.contract_id)
    found = Issued(list(queries.invoices_of(session, statement_id)))
    wanted = list(_wanted(session, statement, contract, found))
    if not wanted:
        return found
    if exponent(statement.currency) > DECIMALS_MAX:
        raise NotInvoicedError(statement_id=statement_id, currency=statement.currency)
    issuing = _issuing(session, who, statement, contract)
    ready = []
    for document, memo in wanted:
        if document.seller == PARTNER and not issuing.is_self_billed:
            about = memo.id if memo else None
            reason = f"no self-billing agreed with {statement.legal_entity} by then"
            out = LeftOut(reason, PARTNER, document.gross_minor, about)
            found.left_out.append(out)
            continue
        _refuse_untold(issuing, document)
        _round_tax(session, issuing, document)
        if document.lines:
            ready.append((document, memo))
    earlier = queries.origins_of(session, statement)
    for document, memo in ready:  # the number's row is held from here on
        before = _before(document, memo, found, earlier)
        found.items.append(_issue(session, issuing, document, before, memo))
    return found


def _issuing(
    session: Session, who: Caller, statement: Statement, contract: Contract
) -> Issuing:
    world, entity = statement.world, statement.legal_entity
    partner = session.get_one(Partner, statement.partner_id)
    ours = billing_of(session, world=world, legal_entity=entity)
    theirs = billing_of(session, world=world, partner_id=partner.id)
    if ours is None or theirs is None:
        said = {f"legal entity {entity}": ours, f"partner {partner.ref}": theirs}
        missing = [
            f"billing profile of {name}" for name, one in said.items() if not one
        ]
        raise BillingDetailsError(missing=missing)
    return Issuing(
        who=who,
        statement=statement,
        contract=contract,
        parties={HUB: _party(entity, ours), PARTNER: _party(partner.ref, theirs)},
        self_billing_since=_since(theirs, entity),
        at=clock.now(session, world),
    )


def _since(profile: BillingProfile, legal_entity: str) -> date | None:
    said = profile.self_billing.get(legal_entity)
    return date.fromisoformat(said) if said else None


def _party(identifier: str, profile: BillingProfile) -> Party:
    return Party(
        *(identifier, profile.name, profile.street, profile.postcode, profile.city),
        *(profile.country, profile.vat_id, profile.registration_id),
    )


def _wanted(
    session: Session, statement: Statement, contract: Contract, found: Issued
) -> Iterator[tuple[Document, Memo | None]]:
    """Yield what there is no document of; what a memo cannot have is left out."""
    sums = queries.supplied(session, statement, contract)
    for document in documents(sums):
        if not found.has(document.seller, None):
            yield document, None
    for memo in queries.supplying_memos(session, statement.id):
        seller = seller_of(statement.side, memo.corrects)
        if found.has(seller, memo):
            continue
        made = queries.memo_document(session, statement, contract, memo, sums)
        if isinstance(made, Document):
            yield made, memo
        else:
            out = LeftOut(made, seller, memo.amount_minor, memo.id)
            found.left_out.append(out)


def _before(
    document: Document, memo: Memo | None, found: Issued, earlier: Iterable[Any]
) -> tuple[str, ...]:
    """Return the documents that one goes back to: a memo's statement's, or earlier."""
    own = earlier if memo is None else [i for i in found.items if i.memo_id is None]
    wanted = (document.seller, document.is_taxed)
    return tuple(o.document_id for o in own if (o.seller, o.is_taxed) == wanted)


def _issue(
    session: Session,
    issuing: Issuing,
    document: Document,
    before: tuple[str, ...],
    memo: Memo | None,
) -> Invoice:
    """Issue a document; its number is drawn when nothing can go wrong any more."""
    invoice_id, statement = new_id(), issuing.statement
    number = None
    if statement.world == clock.LIVE:
        number = draw_number(session, statement.legal_entity)
    name = f"TEST-{invoice_id}" if number is None else _called(statement, number)
    made = Invoice(
        id=invoice_id,
        world=statement.world,
        legal_entity=statement.legal_entity,
        partner_id=statement.partner_id,
        statement_id=statement.id,
        memo_id=memo and memo.id,
        seller=document.seller,
        is_taxed=document.is_taxed,
        type_code=document.type_code,
        number=number,
        document_id=name,
        currency=statement.currency,
        net_minor=document.net_minor,
        tax_minor=document.tax_minor,
        gross_minor=document.gross_minor,
        document=ubl(_head(issuing, document, name, before), document),
        issued_by=issuing.who.credential_id,
        issued_at=issuing.at,
    )
    session.add(made)
    session.flush()
    return made


def _called(statement: Statement, number: int) -> str:
    return f"{statement.legal_entity}-{number}"


def _refuse_untold(issuing: Issuing, document: Document) -> None:
    """Raise BillingDetailsError where tax needs an identifier that is not there."""
    needed = [document.seller] if document.is_taxed else []
    if any(group.kind.category == "AE" for group in document.groups):
        needed = [HUB, PARTNER]  # reverse charge: the buyer's is on it too
    parties = [issuing.parties[role] for role in needed]
    missing = [f"vat_id of {party.name}" for party in parties if party.vat_id is None]
    if missing:
        raise BillingDetailsError(statement_id=issuing.statement.id, missing=missing)


def _round_tax(session: Session, issuing: Issuing, document: Document) -> None:
    """Book what a document's tax is more than its lines', once; a memo's is its own."""
    if not document.more_tax_minor:
        return
    statement, contract = issuing.statement, issuing.contract
    event = events.TaxRounded(
        more_minor=document.more_tax_minor,
        seller="hub" if document.seller == HUB else "partner",
        statement_id=statement.id,
        is_taxed=document.is_taxed,
    )
    whose = Contracted(statement.side, statement.partner_id, contract.currency)
    of = "taxed" if document.is_taxed else "untaxed"
    reference = f"{OWN}invoice/{statement.id}/{document.seller}/{of}"
    head = Booking(
        *(contract, statement.side, tag(event), reference),
        *(issuing.at, issuing.who.credential_id),
    )
    book(session, head, legs(event, whose), msgspec.to_builtins(event))


def _head(
    issuing: Issuing, document: Document, name: str, before: tuple[str, ...]
) -> Head:
    statement = issuing.statement
    said = f"{statement.period} ({statement.id})"
    if statement.number is not None:
        said = _called(statement, statement.number)
    return Head(
        number=name,
        issued_on=issuing.day(issuing.at),
        currency=statement.currency,
        seller=issuing.parties[document.seller],
        buyer=issuing.parties[PARTNER if document.seller == HUB else HUB],
        first_on=issuing.day(statement.starts_at),
        last_on=issuing.last_on,
        contract=str(issuing.contract.id),
        statement=said,
        before=before,
    )
