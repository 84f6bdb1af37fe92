"""Whether each line's quote is what its terms make of it: quoted anew, to the cent."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel.errors import HubError
from settlement.queries.terms import all_versions, tax_book
from settlement.rules.deals import Deal, Totals
from settlement.rules.lines import Line
from settlement.rules.quotes import Quote
from settlement.rules.quoting import quotes
from settlement.rules.running import Total
from settlement.rules.scopes import TermsVersion
from settlement.rules.taxes import TaxBook

BATCH = 500
LAW = "a line's quote is what its terms make of it"
TERMS_LAW = "a sale has terms that were approved, cover it, and are its contract's"
_LINES = text(
    "SELECT l.order_id, l.no, l.quantity, l.quote, l.performance_id, o.confirmed_at,"
    " p.supplier_id, o.agent_id FROM order_line l"
    " JOIN sale_order o ON o.id = l.order_id"
    " JOIN performance p ON p.id = l.performance_id ORDER BY l.order_id, l.no"
)


def broken_quotes(session: Session) -> Iterator[dict[str, Any]]:
    """Yield lines whose frozen amounts are not those of their terms."""
    terms, books = all_versions(session), dict[str, TaxBook]()
    rows = session.execute(_LINES, execution_options={"yield_per": BATCH})
    for order_id, group in groupby(rows, key=attrgetter("order_id")):
        lines = list(group)
        for no, law in _broken(session, lines, terms, books):
            yield {"law": law, "order_id": str(order_id), "no": no}


def _broken(
    session: Session,
    lines: Sequence[Row[Any]],
    terms: dict[str, TermsVersion],
    books: dict[str, TaxBook],
) -> Iterator[tuple[int, str]]:
    try:
        said = [Quote.loaded(line.quote) for line in lines]
    except (TypeError, ValueError):
        yield lines[0].no, LAW
        return
    deals = [_deal(*pair, terms) for pair in zip(lines, said, strict=True)]
    for line, deal, quote in zip(lines, deals, said, strict=True):
        if not _is_agreed(line, deal, quote):
            yield line.no, TERMS_LAW
            return
    entity = said[0].legal_entity
    if entity not in books:
        books[entity] = tax_book(session, entity)
    try:
        anew = quotes(deals, books[entity], _before(said))
    except HubError:
        yield lines[0].no, LAW
        return
    for line, quote, found in zip(lines, said, anew, strict=True):
        if _amounts(quote) != _amounts(found):
            yield line.no, LAW


def _deal(line: Row[Any], quote: Quote, terms: dict[str, TermsVersion]) -> Deal:
    each = next(iter(quote.of("face")), None)
    own = next((a for a in quote.of("booking-fee", "")), None)
    sold = Line(
        quantity=quote.quantity,
        currency=quote.currency,
        face_minor=each.minor // quote.quantity if each else 0,
        booking_fee_minor=own.minor // quote.quantity if own else 0,
        sold_at=quote.quoted_at or line.confirmed_at,
        order="order",
        supplier=str(line.supplier_id),
        venue=quote.place.venue,
        production=quote.place.production,
        performance=quote.place.performance,
        performance_at=quote.place.performance_at,
        area=quote.place.area,
        price_type=quote.place.price_type,
        channel=quote.place.channel,
    )
    supplier, agent = (
        None if side is None else terms.get(side.terms_id)
        for side in (quote.supplier, quote.agent)
    )
    return Deal(sold, supplier, agent)


def _is_agreed(line: Row[Any], deal: Deal, quote: Quote) -> bool:
    """Say whether both sides' terms are their contracts', valid then, and cover it."""
    sold = (quote.supplier_id, quote.agent_id, quote.quantity)
    if sold != (str(line.supplier_id), str(line.agent_id), line.quantity):
        return False
    if quote.place.performance not in {"", str(line.performance_id)}:
        return False
    for side, terms in ((quote.supplier, deal.supplier), (quote.agent, deal.agent)):
        if side is None or terms is None:
            return False
        named = (side.contract_id, side.version)
        if named != (terms.contract_id, terms.version):
            return False
        if not (terms.is_valid(deal.line.sold_at) and terms.scope.covers(deal.line)):
            return False
    return True


def _before(said: Sequence[Quote]) -> Totals:
    """Return the running totals as they were before the order's first lines."""
    found: Totals = {}
    for quote in said:
        for amount in quote.amounts:
            side = quote.supplier if amount.side == "supplier" else quote.agent
            if "before" in amount.inputs and side is not None:
                key = (side.contract_id, amount.inputs["period"])
                found.setdefault(key, Total(*amount.inputs["before"]))
    return found


def _amounts(quote: Quote) -> list[tuple[object, ...]]:
    return sorted(
        (a.what, a.side, a.to, a.minor, a.tax_minor, a.state, a.is_kept)
        for a in quote.amounts
    )
