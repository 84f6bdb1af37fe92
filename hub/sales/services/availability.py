"""What an agent may take of a performance now, and why. Reads only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from allocation.errors import NotAllottedError, OvercommittedError
from allocation.queries.blocks import own_block_seats
from allocation.queries.limits import cap_counts, stops
from allocation.queries.trees import Standing, standings
from allocation.rules.limits import (
    Limit,
    StopSaid,
    limits,
    moments,
    refuse_stopped,
)
from allocation.rules.plans.stages import Timing
from allocation.rules.protection import protected_in
from allocation.rules.tree import available, binding, told_walk, walk
from connectors.models import Supply
from hub.catalogue import queries as catalogue
from hub.catalogue.rules import SaleWindow
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import HubError, NotFoundError
from hub.sales.rules import priced
from hub.sales.services.left_there import left_there, supplied
from hub.sales.services.pricing import buyable, held_most
from partners.models import Partner
from settlement.errors import NoTermsError
from settlement.queries.quoting import Wanted, quote_each
from settlement.queries.terms import agreements
from settlement.rules.quotes import Quote


@dataclass(frozen=True, slots=True)
class Scene:
    """All that decides what an agent may take of a performance at a moment.

    *blocks*: seats left in blocks of its own, by performance area. *limits*: the
    counters a sale of each offer counts in, whoever buys.
    """

    now: datetime
    agent: Partner
    window: SaleWindow
    offers: Sequence[Row[Any]]
    standings: Mapping[UUID, Standing]
    stops: Sequence[StopSaid]
    quotes: Mapping[UUID, Quote]
    limits: Mapping[UUID, Sequence[Limit]]
    counts: Mapping[UUID, int]
    blocks: Mapping[UUID, int]
    supply: Supply | None = None
    supplied_at: datetime | None = None

    def free(self, area_id: UUID) -> int | None:
        """Return what its allotment and blocks leave it; None: nothing bounds it."""
        standing = self.standings.get(area_id)
        if standing is None:
            return 0
        free = available(standing.nodes, standing.leaf)
        return None if free is None else free + self.blocks.get(area_id, 0)


def scene(
    session: Session,
    world: str,
    agent_id: UUID,
    performance_id: UUID,
    *,
    is_strict: bool = True,
) -> Scene:
    """Read what decides; NotFoundError when it is not announced to the agent.

    Unless not *strict*: others may ask why it is not.
    """
    now = clock.now(session, world)
    offers = catalogue.offers(session, world=world, performance_ids=[performance_id])
    window = catalogue.windows(session, [performance_id]).get(performance_id)
    agent = session.get_one(Partner, agent_id)
    if window is None or not offers:
        raise NotFoundError(performance_id=performance_id)
    found = standings(session, [performance_id], agent)
    if is_strict and not _is_announced(found, offers, window, now):
        raise NotFoundError(performance_id=performance_id)
    counted = limits_of(found, offers, agent)
    return Scene(
        now=now,
        agent=agent,
        window=window,
        offers=offers,
        standings=found,
        stops=stops(session, {offer.supplier_id for offer in offers}),
        quotes=_quotes(session, world, agent_id, offers),
        limits=counted,
        counts=cap_counts(session, {n.id for each in counted.values() for n in each}),
        blocks=own_block_seats(session, performance_id, agent_id),
        **supplied(session, offers, world),
    )


def _is_announced(
    found: Mapping[UUID, Standing],
    offers: Sequence[Row[Any]],
    window: SaleWindow,
    now: datetime,
) -> bool:
    """Say whether an agent may know of it: by any area it has, or as everybody."""
    own = [o for o in offers if o.performance_area_id in found]
    if not own:
        return window.is_announced(now)
    return any(
        _own_window(window, found[o.performance_area_id], o).is_announced(now)
        for o in own
    )


def _own_window(
    window: SaleWindow, standing: Standing | None, offer: Row[Any]
) -> SaleWindow:
    """Return when this agent may see and sell an area."""
    if standing is None or standing.plan is None:
        return window
    rules = standing.share.rules if standing.share else ()
    own = moments(standing.plan, rules, Timing(offer.starts_at, offer.zone))
    return window.with_own(own.announce_at, own.on_sale_at, own.cut_off_at)


def limits_of(
    found: Mapping[UUID, Standing], offers: Sequence[Row[Any]], agent: Partner
) -> dict[UUID, list[Limit]]:
    """Return the counters a sale of each offer counts in, whoever buys."""
    return {
        offer.offer_id: [
            *limits(standing.plan, buyable(offer, agent, standing), None),
            *held_most(standing, offer.supplier_id, agent),
        ]
        for offer in offers
        if (standing := found.get(offer.performance_area_id)) and standing.plan
    }


def _quotes(
    session: Session, world: str, agent_id: UUID, offers: Sequence[Row[Any]]
) -> dict[UUID, Quote]:
    """Quote one ticket of each offer that has terms."""
    suppliers = {offer.supplier_id for offer in offers}
    agreed = agreements(session, world=world, suppliers=suppliers, agent_id=agent_id)
    wanted = [
        Wanted(offer, 1, agreement)
        for offer in offers
        if (agreement := agreed.get((offer.supplier_id, offer.currency)))
    ]
    return quote_each(session, wanted)


def availability(session: Session, who: Caller, performance_id: UUID) -> dict[str, Any]:
    """Return what an agent may take of a performance now, area by area, and why."""
    found = scene(session, who.world, who.partner, performance_id)
    areas: dict[UUID, list[Row[Any]]] = {}
    for offer in found.offers:
        areas.setdefault(offer.performance_area_id, []).append(offer)
    refusals = [refusal_of(found, offer) for offer in found.offers]
    open_ones = [refusal for refusal in refusals if refusal is None]
    first = None if open_ones else next(iter(refusals), None)
    return {
        "performance_id": performance_id,
        "as_of": found.supplied_at or found.now,
        "source": "hub" if found.supply is None else "supplier",
        "max_age_s": 0,
        "is_on_sale": first is None,
        "not_on_sale_because": first and first.code,
        "areas": [_area(found, offers) for offers in areas.values()],
    }


def refusal_of(found: Scene, offer: Row[Any]) -> HubError | None:
    """Return why nothing of an offer may be held now, if it is not for its number."""
    standing = found.standings.get(offer.performance_area_id)
    window = _own_window(found.window, standing, offer)
    try:
        window.refuse_unless_on_sale(found.now)
        own = buyable(offer, found.agent, standing)
        refuse_stopped(found.stops, offer.supplier_id, own, only_hard=False)
        if standing is not None:
            for node in walk(standing.nodes, standing.leaf):
                if node.overcommitted:
                    raise OvercommittedError(over_by=node.overcommitted)
    except HubError as error:
        return error
    return None


def free_of(found: Scene, offer: Row[Any]) -> int | None:
    """Return how many tickets of an offer may be held: tree, caps, protection."""
    standing = found.standings.get(offer.performance_area_id)
    if standing is None:
        return 0
    free = found.free(offer.performance_area_id)
    there = left_there(found.supply, offer.area)
    if there is not None:
        free = there if free is None else min(free, there)
    for limit in found.limits.get(offer.offer_id, ()):
        left = max(0, limit.most - found.counts.get(limit.id, 0))
        free = left if free is None else min(free, left)
    kept = protection_of(standing, offer)
    if kept:
        area = standing.nodes[offer.performance_area_id]
        leaf = standing.nodes[standing.leaf]
        promised = max(0, leaf.guarantee - leaf.taken) + found.blocks.get(area.id, 0)
        left = promised + max(0, (area.free or 0) - kept)
        free = left if free is None else min(free, left)
    return free


def most_of(free: Collection[int | None]) -> int | None:
    """Return the most that is free of several offers; None: nothing bounds one."""
    bounded = [seats for seats in free if seats is not None]
    return max(bounded) if len(bounded) == len(free) else None


def protection_of(standing: Standing, offer: Row[Any]) -> int:
    """Return the seats of its area kept for dearer classes than an offer's."""
    if standing.plan is None:
        return 0
    capacity = standing.nodes[offer.performance_area_id].ceiling or 0
    kept = protected_in(standing.plan, offer.area, capacity)
    return kept.get(offer.price_type, 0)


def _area(found: Scene, offers: Sequence[Row[Any]]) -> dict[str, Any]:
    standing = found.standings.get(offers[0].performance_area_id)
    refusals = [refusal_of(found, offer) for offer in offers]
    told = [
        _offer(offer, found.quotes[offer.offer_id], free_of(found, offer), refusal)
        for offer, refusal in zip(offers, refusals, strict=True)
        if offer.offer_id in found.quotes
    ]
    is_open = told and standing is not None and not all(refusals)
    return {
        "area": offers[0].area,
        "name": offers[0].area_name,
        "is_seated": offers[0].is_seated,
        "available": most_of([offer["available"] for offer in told]) if is_open else 0,
        "nothing_because": _because(standing, told, refusals),
        "walk": [] if standing is None else steps(standing),
        "offers": told,
    }


def _because(
    standing: Standing | None, told: Collection[Any], refusals: Sequence[Any]
) -> str | None:
    if standing is None:
        return NotAllottedError.code
    if not told:
        return NoTermsError.code
    return refusals[0].code if all(refusals) else None


def _offer(
    offer: Row[Any], quote: Quote, free: int | None, refusal: HubError | None
) -> dict[str, Any]:
    return {
        "offer_id": offer.offer_id,
        "price_type": offer.price_type,
        "tax_bp": offer.tax_bp,
        "tickets_min": offer.tickets_min,
        "tickets_max": offer.tickets_max,
        "resale_floor_minor": offer.resale_floor_minor,
        "resale_ceiling_minor": offer.resale_ceiling_minor,
        "available": free if refusal is None else 0,
        **priced(quote),
    }


def steps(standing: Standing) -> list[dict[str, Any]]:
    """Tell the walk from the agent's allotment up: each node, and which one binds."""
    binds = binding(standing.nodes, standing.leaf)
    return told_walk(standing.nodes, standing.leaf, binds=binds)
