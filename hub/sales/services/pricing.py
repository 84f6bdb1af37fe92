"""Pricing a basket without locks: offers, allotments, terms, quotes, limits."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from allocation.errors import NotAllottedError
from allocation.queries.seats import Blocks, blocked_seats
from allocation.queries.trees import Standing
from allocation.rules.limits import Buyable, Limit, held_limit, holding_of, moments
from allocation.rules.plans.language import Holding, Mode
from allocation.rules.plans.stages import Timing
from allocation.rules.protection import protected_in
from allocation.services.leaves import touch_leaves
from hub.catalogue import queries as catalogue
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.sales.errors import MixedCurrenciesError, TicketLimitError
from hub.sales.rules import priced, sums
from hub.sales.services.baskets import (
    KEPT_S,
    NO_PLAN,
    Asked,
    Basket,
    BasketLine,
)
from hub.sales.services.freezing import freeze
from partners.models import Partner
from settlement.errors import NoTermsError
from settlement.queries.quoting import Wanted, quote_order
from settlement.queries.terms import Agreement, agreements
from settlement.rules.credit import owed_by_agent
from settlement.rules.quotes import PROVISIONAL, Quote

_EPOCH = text(
    "SELECT epoch, clock_timestamp() + clock_offset AS now FROM world"
    " WHERE name = :world"
)
_NEXT_TERMS = text(
    "SELECT min(at) FROM (SELECT lower(valid) AS at FROM terms WHERE state = 'approved'"
    " AND contract_id = ANY(:ids) UNION ALL SELECT upper(valid) FROM terms"
    " WHERE state = 'approved' AND contract_id = ANY(:ids)) t WHERE at > :now"
)


def price_basket(session: Session, who: Caller, asked: Asked) -> Basket:
    """Price a basket and make the agent's leaves in it.

    NotFoundError for offers that are not there, NotAllottedError, NoTermsError,
    TicketLimitError, MixedCurrenciesError say what cannot be.
    """
    world = session.execute(_EPOCH, {"world": who.world}).one()  # before all it covers
    ids = [offer_id for offer_id, _ in asked]
    found = catalogue.offers(session, world=who.world, offer_ids=ids)
    suppliers = {offer.supplier_id for offer in found}
    offers = {offer.offer_id: offer for offer in found}
    _check(asked, offers)
    agent = session.get_one(Partner, who.partner)
    performances = {offer.performance_id for offer in found}
    pricer = _Pricer(
        session,
        agent,
        touch_leaves(session, performances, agent),
        blocked_seats(session, performances),
        agreements(session, world=who.world, suppliers=suppliers, agent_id=who.partner),
    )
    lines = pricer.lines([(offers[offer_id], tickets) for offer_id, tickets in asked])
    basket = Basket(
        lines=lines,
        agent=agent,
        credit_id=lines[0].quote.agent_contract_id,
        world_epoch=world.epoch,
        epochs={line.offer.performance_id: line.versions for line in lines},
        holding=_narrowest([holding(line.standing) for line in lines]),
        held_limits=tuple(
            held_most(n.standing, n.offer.supplier_id, agent) for n in lines
        ),
        is_lasting=_is_lasting(session, lines, world.now),
        made_at=time.monotonic(),
    )
    session.expunge(agent)
    return basket


def _check(asked: Asked, offers: Mapping[UUID, Row[Any]]) -> None:
    for offer_id, _ in asked:
        if offer_id not in offers:
            raise NotFoundError(offer_id=offer_id)
    currencies = sorted({offer.currency for offer in offers.values()})
    if len(currencies) > 1:
        raise MixedCurrenciesError(currencies=currencies)
    for offer_id, quantity in sums(asked).items():
        offer = offers[offer_id]
        if not offer.tickets_min <= quantity <= offer.tickets_max:
            raise TicketLimitError(
                offer_id=offer_id,
                wanted=quantity,
                tickets_min=offer.tickets_min,
                tickets_max=offer.tickets_max,
            )


@dataclass(frozen=True, slots=True)
class _Pricer:
    """What the lines of a basket are priced from."""

    session: Session
    agent: Partner
    standings: Mapping[UUID, Standing]
    blocked: Mapping[UUID, Blocks]
    agreed: Mapping[tuple[UUID, str], Agreement]

    def lines(self, asked: Sequence[tuple[Row[Any], int]]) -> tuple[BasketLine, ...]:
        """Return offers, each for so many tickets, as the lines of one order."""
        wanted = [self._wanted(offer, tickets) for offer, tickets in asked]
        quotes = quote_order(self.session, wanted)
        found = zip(wanted, quotes, strict=True)
        return tuple(self._line(no, *line) for no, line in enumerate(found, start=1))

    def _wanted(self, offer: Row[Any], quantity: int) -> Wanted:
        if offer.performance_area_id not in self.standings:
            raise NotAllottedError(offer_id=offer.offer_id, area=offer.area)
        agreement = self.agreed.get((offer.supplier_id, offer.currency))
        if agreement is None:
            raise NoTermsError(offer_id=offer.offer_id, currency=offer.currency)
        return Wanted(offer, quantity, agreement)

    def _line(self, no: int, wish: Wanted, quote: Quote) -> BasketLine:
        offer = wish.offer
        standing = self.standings[offer.performance_area_id]
        plan = standing.plan or NO_PLAN
        rules = standing.share.rules if standing.share else ()
        seat_map = None
        if offer.is_seated:
            seat_map = catalogue.seat_map(
                self.session, offer.area_id, offer.map_version
            )
        blocks = self.blocked[offer.performance_id]
        modes = [rule.mode for rule in rules if rule.mode is not None]
        capacity = standing.nodes[offer.performance_area_id].ceiling or 0
        kept = protected_in(plan, offer.area, capacity)
        owed = owed_by_agent(quote, offer.offer_id, wish.agreement.now)
        return BasketLine(
            no=no,
            offer=offer,
            standing=standing,
            quantity=wish.quantity,
            plan=plan,
            buyable=buyable(offer, self.agent, standing),
            own=moments(plan, rules, Timing(offer.starts_at, offer.zone)),
            mode=modes[-1] if modes else Mode.NORMAL,
            seat_map=seat_map,
            blocks=blocks,
            own_blocks=blocks.of(self.agent.id),
            protected=kept.get(offer.price_type, 0),
            quote=quote,
            quote_id=freeze(self.session, self.agent.world, quote),
            told=priced(quote),
            owed_minor=max(0, owed),
        )


def buyable(offer: Row[Any], agent: Partner, standing: Standing | None) -> Buyable:
    """Return an offer as caps and stops see it."""
    share = standing.share if standing else None
    return Buyable(
        performance_id=offer.performance_id,
        production_id=offer.production_id,
        area=offer.area,
        price_type=offer.price_type,
        channel=agent.channel or "",
        agent=(share.agent if share else None) or agent.ref,
        agent_id=agent.id,
        holder_id=agent.holder_id,
        venue=offer.venue,
        auditorium=offer.auditorium,
        genre=offer.genre,
    )


def holding(standing: Standing) -> Holding:
    """Return how an agent may hold where it stands."""
    share = standing.share
    return holding_of(standing.plan or NO_PLAN, share.rules if share else ())


def _narrowest(found: Sequence[Holding]) -> Holding:
    """Return what all lines of a basket allow: of each number the smallest."""

    def least(name: str) -> Any:
        said = [getattr(one, name) for one in found]
        return min((n for n in said if n is not None), default=None)

    numbers = ("ttl_s", "ttl_max_s", "extensions_most", "look_to_book", "option_most")
    said = {name: least(name) for name in numbers}
    return Holding(**said, looks_free=least("looks_free"))


def held_most(
    standing: Standing, supplier_id: UUID, agent: Partner
) -> tuple[Limit, ...]:
    """Return the counter of seats held at once, if there is one.

    An agent and its sub-agents hold them together.
    """
    limit = held_limit(holding(standing), supplier_id, agent.holder_id)
    return () if limit is None else (limit,)


def _is_lasting(session: Session, lines: Sequence[BasketLine], now: Any) -> bool:
    """Say whether the same basket is priced the same for the seconds it is kept.

    Not if an amount depends on a running total, or other terms are about to begin.
    """
    contracts = set()
    for line in lines:
        if any(amount.state == PROVISIONAL for amount in line.quote.amounts):
            return False
        for side in (line.quote.supplier, line.quote.agent):
            if side is not None:
                contracts.add(UUID(side.contract_id))
                if side.running:
                    return False
    at = session.scalar(_NEXT_TERMS, {"ids": list(contracts), "now": now})
    return at is None or (at - now).total_seconds() > 2 * KEPT_S
