"""What limits an agent beside the tree: caps, and how it holds, asks and pays."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from allocation.rules.limits import Limit
from hub.sales.services.availability import Scene
from hub.sales.services.looking import looks
from hub.sales.services.pricing import holding
from hub.sales.services.requesting import pending, pending_most
from settlement.queries.credit import credit_lines

Told = dict[str, Any]


def counted_limits(found: Scene, offers: Sequence[Row[Any]]) -> list[Told]:
    """Tell the counters that sales of these offers count in, each once."""
    limits: dict[Any, tuple[Limit, list[str]]] = {}
    for offer in offers:
        for limit in found.limits.get(offer.offer_id, ()):
            limits.setdefault(limit.id, (limit, []))[1].append(offer.price_type)
    return [
        _told(
            limit.kind,
            limit.subject,
            limit.most,
            found.counts.get(limit.id, 0),
            price_type=types[0] if len(types) == 1 else None,
        )
        for limit, types in limits.values()
    ]


def limits_of_now(
    session: Session, found: Scene, offers: Sequence[Row[Any]], *, is_credit_told: bool
) -> Iterator[Told]:
    """Tell what else may refuse a hold now: look-to-book, requests, options, credit."""
    standing = found.standings.get(offers[0].performance_area_id)
    if standing is None:
        return
    agent, said = found.agent, holding(standing)
    holder = agent.holder_id
    seen = looks(session, agent.world, holder, {offers[0].supplier_id}, said)
    if seen is not None:
        of = f"holds within a day, having confirmed {seen.orders}"
        yield _told("look-to-book", of, seen.allowed, seen.holds)
    most = pending_most(standing)
    if most is not None:
        waiting = pending(session, holder, standing.performance_id)
        yield _told("pending", "seats asked for", most, waiting)
    if said.option_most is not None:
        yield _told("option", "seats of one option", said.option_most, 0)
    if is_credit_told:
        currencies = {offer.currency for offer in offers}
        for line in credit_lines(session, agent.id):
            if line.usable_minor is not None and line.currency in currencies:
                of = f"credit, minor units of {line.currency}"
                yield _told("credit", of, line.usable_minor, line.used_minor)


def _told(
    cap: str, of: str, most: int, taken: int, *, price_type: str | None = None
) -> Told:
    return {
        "cap": cap,
        "of": of,
        "price_type": price_type,
        "most": most,
        "taken": taken,
        "left": max(0, most - taken),
    }
