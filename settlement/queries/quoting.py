"""Quoting a sale: the lines of an order under the terms that cover each now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from settlement.errors import NoTermsError
from settlement.queries.terms import Agreement, tax_book
from settlement.queries.totals import RunningTotals
from settlement.rules.clauses import Taxes
from settlement.rules.deals import Deal
from settlement.rules.lines import Line
from settlement.rules.quotes import Quote
from settlement.rules.quoting import quotes
from settlement.rules.scopes import resolve
from settlement.rules.taxes import TaxBook

NO_TAXES = TaxBook(())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Some tickets of an offer that is there, and what is agreed about its sale."""

    offer: Any  # a row of hub.catalogue.queries.offers
    quantity: int
    agreement: Agreement


def find_deal(wanted: Wanted, order: str = "") -> Deal | None:
    """Return a line with the terms of both sides; None if one has none for it."""
    offer, agreed = wanted.offer, wanted.agreement
    line = Line(
        quantity=wanted.quantity,
        currency=offer.currency,
        face_minor=offer.face_minor,
        booking_fee_minor=offer.booking_fee_minor,
        sold_at=agreed.now,
        order=order,
        supplier=str(agreed.supplier_id),
        venue=str(offer.venue_id),
        production=str(offer.production_id),
        performance=str(offer.performance_id),
        performance_at=offer.starts_at,
        area=offer.area,
        price_type=offer.price_type,
        channel=agreed.channel,
    )
    supplier, agent = resolve(agreed.supplier, line), resolve(agreed.agent, line)
    if supplier is None or agent is None:
        return None
    return Deal(
        *(line, supplier, agent, agreed.legal_entity),
        *(str(agreed.supplier_id), str(agreed.agent_id)),
    )


def quote_order(session: Session, wanted: Sequence[Wanted]) -> list[Quote]:
    """Quote the lines of one order; NoTermsError if terms are missing for one.

    An agent has one contract per currency, so an order is in one entity's books.
    """
    deals = []
    for line in wanted:
        deal = find_deal(line, "order")
        if deal is None:
            offer = line.offer
            raise NoTermsError(offer_id=offer.offer_id, currency=offer.currency)
        deals.append(deal)
    return quotes(deals, _book(session, deals), RunningTotals(session))


def quote_each(session: Session, wanted: Sequence[Wanted]) -> dict[UUID, Quote]:
    """Quote offers each as if it alone were bought; those without terms are left out.

    Keyed by offer.
    """
    found = {w.offer.offer_id: deal for w in wanted if (deal := find_deal(w))}
    running = RunningTotals(session)
    of_entity: dict[str, list[Deal]] = {}
    for deal in found.values():
        of_entity.setdefault(deal.legal_entity, []).append(deal)
    books = {entity: _book(session, deals) for entity, deals in of_entity.items()}
    return {
        offer_id: quotes([deal], books[deal.legal_entity], _Copy(running))[0]
        for offer_id, deal in found.items()
    }


class _Copy(dict[tuple[str, str], Any]):
    """Running totals that a what-if does not run on."""

    def __init__(self, running: RunningTotals) -> None:
        super().__init__()
        self._running = running

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        return self._running.get(key, default)


def _book(session: Session, deals: Sequence[Deal]) -> TaxBook:
    """Return the tax codes that deals need: one entity's, if any terms name one."""
    for deal in deals:
        for terms in (deal.supplier, deal.agent):
            if terms is not None and terms.clauses.taxes != Taxes():
                return tax_book(session, deal.legal_entity)
    return NO_TAXES
