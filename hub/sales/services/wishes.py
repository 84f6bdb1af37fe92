"""Pricing a wish: what is wanted, checked and quoted before anything is locked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from allocation.errors import NotAllottedError, UnknownSeatsError
from allocation.queries import agent_leaves
from hub.catalogue import queries as catalogue
from hub.catalogue.queries import SeatMap
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.idempotency import Claim
from hub.kernel.ids import new_id
from hub.sales.errors import MixedCurrenciesError, TicketLimitError
from hub.sales.rules import sums
from settlement.errors import NoTermsError
from settlement.queries.quoting import Wanted, quote_order
from settlement.queries.terms import Agreement, agreements
from settlement.rules.postings import owed_by_agent
from settlement.rules.quotes import Quote


@dataclass(frozen=True, slots=True)
class WishLine:
    """Some tickets of one offer, priced; *seats* are set when the agent chose them."""

    no: int
    offer: Row[Any]
    leaf_id: UUID
    quantity: int
    seats: tuple[UUID, ...]
    seat_map: SeatMap | None
    quote: Quote
    owed_minor: int


@dataclass(frozen=True, slots=True)
class HoldWish:
    """What an agent wants held; everything that can be known outside the lock."""

    claim: Claim
    world: str
    agent_id: UUID
    hold_id: UUID
    ttl_s: int
    credit_id: UUID
    lines: tuple[WishLine, ...]

    @property
    def owner(self) -> UUID:
        return self.agent_id

    @property
    def performance_ids(self) -> set[UUID]:
        return {line.offer.performance_id for line in self.lines}

    @property
    def owed_minor(self) -> int:
        """What the agent will owe for it: reserved of its credit until then."""
        return sum(line.owed_minor for line in self.lines)

    @property
    def seats_by_leaf(self) -> dict[UUID, int]:
        return sums((line.leaf_id, line.quantity) for line in self.lines)


def price(
    session: Session,
    who: Caller,
    wanted: Sequence[dict[str, Any]],
    *,
    claim: Claim,
    ttl_s: int,
) -> HoldWish:
    """Turn a request into a wish with its quotes.

    NotFoundError for offers that are not there, NotAllottedError, NoTermsError,
    UnknownSeatsError, TicketLimitError, MixedCurrenciesError say what cannot be.
    """
    offer_ids = [line["offer_id"] for line in wanted]
    found = catalogue.offers(session, world=who.world, offer_ids=offer_ids)
    offers = {offer.offer_id: offer for offer in found}
    _check(wanted, offers)
    leaves = agent_leaves(session, {offer.root_id for offer in found}, who.partner)
    agreed = agreements(
        session,
        world=who.world,
        suppliers={offer.supplier_id for offer in found},
        agent_id=who.partner,
    )
    wishes = [
        _wanted(line, offers[line["offer_id"]], leaves, agreed) for line in wanted
    ]
    quotes = quote_order(session, wishes)
    lines = tuple(
        _line(session, line, wish, no=no, leaves=leaves, quote=quote)
        for no, (line, wish, quote) in enumerate(
            zip(wanted, wishes, quotes, strict=True), start=1
        )
    )
    credit_id = wishes[0].agreement.agent_contract_id
    return HoldWish(claim, who.world, who.partner, new_id(), ttl_s, credit_id, lines)


def _check(wanted: Sequence[dict[str, Any]], offers: dict[UUID, Row[Any]]) -> None:
    for line in wanted:
        if line["offer_id"] not in offers:
            raise NotFoundError(offer_id=line["offer_id"])
    currencies = sorted({offer.currency for offer in offers.values()})
    if len(currencies) > 1:
        raise MixedCurrenciesError(currencies=currencies)
    chosen = [seat for line in wanted for seat in line.get("seat_ids", ())]
    if len(set(chosen)) != len(chosen):
        raise InvalidRequestError(field="seat_ids", reason="a seat is named twice")
    counts = sums((line["offer_id"], quantity_of(line)) for line in wanted)
    for offer_id, quantity in counts.items():
        offer = offers[offer_id]
        if not offer.tickets_min <= quantity <= offer.tickets_max:
            raise TicketLimitError(
                offer_id=offer_id,
                wanted=quantity,
                tickets_min=offer.tickets_min,
                tickets_max=offer.tickets_max,
            )


def quantity_of(line: dict[str, Any]) -> int:
    """Return how many tickets a wanted line is for."""
    return line["quantity"] if "quantity" in line else len(line["seat_ids"])


def _wanted(
    wanted: dict[str, Any],
    offer: Row[Any],
    leaves: dict[UUID, UUID],
    agreed: dict[tuple[UUID, str], Agreement],
) -> Wanted:
    if offer.root_id not in leaves:
        raise NotAllottedError(offer_id=offer.offer_id, area=offer.area)
    agreement = agreed.get((offer.supplier_id, offer.currency))
    if agreement is None:
        raise NoTermsError(offer_id=offer.offer_id, currency=offer.currency)
    return Wanted(offer, quantity_of(wanted), agreement)


def _line(
    session: Session,
    wanted: dict[str, Any],
    wish: Wanted,
    *,
    no: int,
    leaves: dict[UUID, UUID],
    quote: Quote,
) -> WishLine:
    offer = wish.offer
    seat_map = None
    if offer.is_seated:
        seat_map = catalogue.seat_map(session, offer.area_id, offer.map_version)
    seats = tuple(wanted.get("seat_ids", ()))
    unknown = [s for s in seats if seat_map is None or s not in seat_map.seats]
    if unknown:
        raise UnknownSeatsError(offer_id=offer.offer_id, seat_ids=unknown)
    owed = max(0, owed_by_agent(quote, offer.offer_id, wish.agreement.now))
    return WishLine(
        *(no, offer, leaves[offer.root_id], wish.quantity, seats, seat_map),
        *(quote, owed),
    )
