"""Baskets: lines priced for an agent, kept for a while; what a wish is made from.

Everything a basket was made from has a version that the committer checks under its
locks; one that has changed is priced again.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from allocation.queries.seats import Blocks
from allocation.queries.trees import Standing
from allocation.rules.limits import Buyable, Limit, Moments
from allocation.rules.plans.language import Holding, Mode, PlanRules
from allocation.rules.seats import Singles
from hub.catalogue.queries import SeatMap
from hub.kernel.callers import Caller
from partners.models import Partner
from settlement.rules.quotes import Quote

KEPT_MAX = 4_096
KEPT_S = 5.0
Asked = tuple[tuple[UUID, int], ...]
"""What a basket is made of: (offer, tickets), line by line."""

NO_PLAN = PlanRules(rules=())


@dataclass(frozen=True, slots=True)
class BasketLine:
    """Some tickets of one offer, priced, and what limits their sale."""

    no: int
    offer: Row[Any]
    standing: Standing
    quantity: int
    plan: PlanRules
    buyable: Buyable
    own: Moments
    mode: Mode
    seat_map: SeatMap | None
    blocks: Blocks
    own_blocks: frozenset[UUID]
    protected: int
    quote: Quote
    quote_id: UUID
    told: dict[str, Any]
    owed_minor: int

    @property
    def versions(self) -> tuple[int, int, int]:
        """Of the performance, its seat map and its tree."""
        offer = self.offer
        return (offer.version, offer.map_version, self.standing.epoch)

    @property
    def above(self) -> tuple[UUID, ...]:
        """The nodes above its leaf that may have to pay: the whole way up."""
        nodes = self.standing.nodes
        leaf = nodes[self.standing.leaf]
        pools = (node.pool for node in (leaf, *(nodes[up] for up in leaf.path)))
        return (*leaf.path, *(pool for pool in pools if pool is not None))

    @property
    def singles(self) -> Singles:
        """Whether single seats may be left."""
        return self.plan.single_seats


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines priced for one agent, with the versions of all that they stand on."""

    lines: tuple[BasketLine, ...]
    agent: Partner
    credit_id: UUID
    world_epoch: int
    epochs: Mapping[UUID, tuple[int, int, int]]
    holding: Holding
    held_limits: tuple[tuple[Limit, ...], ...]
    is_lasting: bool
    made_at: float

    @property
    def owed_minor(self) -> int:
        """What the agent will owe for it: reserved of its credit until then."""
        return sum(line.owed_minor for line in self.lines)


class _Kept:
    """Baskets of this process, each for a few seconds."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, Basket] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: object) -> Basket | None:
        with self._lock:
            found = self._found.get(key)
        is_fresh = found is not None and time.monotonic() < found.made_at + KEPT_S
        return found if is_fresh else None

    def keep(self, key: object, basket: Basket) -> None:
        if not basket.is_lasting:
            return
        with self._lock:
            self._found[key] = basket
            self._found.move_to_end(key)
            if len(self._found) > KEPT_MAX:
                self._found.popitem(last=False)


kept_baskets = _Kept()


def keep_basket(who: Caller, basket: Basket) -> None:
    """Keep a basket whose leaves are committed, for the next who asks for the same."""
    asked = tuple((line.offer.offer_id, line.quantity) for line in basket.lines)
    kept_baskets.keep((who.world, who.partner, asked), basket)


def kept_basket(who: Caller, asked: Asked) -> Basket | None:
    """Return a basket that this process has priced within the last seconds."""
    return kept_baskets.find((who.world, who.partner, asked))
