"""Look-to-book: how many holds an agent places for the orders it confirms."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.rules.plans.language import Holding
from hub.kernel import clock
from hub.sales.errors import LookToBookError
from hub.sales.services.wishes import HoldWish
from partners.queries import FAMILY

LOOKS_FREE = 50
SPAN = timedelta(days=1)
# Ids are of real time, in any world; a request has its own from when it was made.
_RECENT = "first_id_at(now() - interval '3 days')"
_OF_SUPPLIERS = "JOIN performance p ON p.id = l.performance_id AND p.supplier_id = ANY"
_LOOKS = text(
    "SELECT (SELECT count(DISTINCT h.id) FROM hold h"  # noqa: S608 - our own words
    f" JOIN hold_line l ON l.hold_id = h.id {_OF_SUPPLIERS}(:suppliers)"
    f" WHERE h.agent_id IN {FAMILY} AND h.id > {_RECENT} AND h.is_counted"
    " AND h.created_at > :since) AS looks,"
    " (SELECT count(DISTINCT o.id) FROM sale_order o"
    f" JOIN order_line l ON l.order_id = o.id {_OF_SUPPLIERS}(:suppliers)"
    f" WHERE o.agent_id IN {FAMILY} AND o.id > {_RECENT}"
    " AND o.confirmed_at > :since) AS books"
)


@dataclass(frozen=True, slots=True)
class Looks:
    """Holds and orders of an agent and its sub-agents within a day, and its limit."""

    holds: int
    orders: int
    most: int
    free: int

    @property
    def allowed(self) -> int:
        """How many holds these orders allow."""
        return self.free + self.most * self.orders


def looks(
    session: Session,
    world: str,
    holder_id: UUID,
    suppliers: Collection[UUID],
    holding: Holding,
) -> Looks | None:
    """Count what an agent has held and confirmed of suppliers; None without a limit."""
    if holding.look_to_book is None:
        return None
    where = {
        "holder": holder_id,
        "suppliers": list(suppliers),
        "since": clock.now(session, world) - SPAN,
    }
    found = session.execute(_LOOKS, where).one()
    free = LOOKS_FREE if holding.looks_free is None else holding.looks_free
    return Looks(found.looks, found.books, holding.look_to_book, free)


def refuse_looking(session: Session, wish: HoldWish) -> None:
    """Refuse an agent that holds far more of a supplier than it confirms.

    Counted before a hold is decided: those in flight at that moment are not counted.
    """
    suppliers = {line.offer.supplier_id for line in wish.lines}
    holding = wish.basket.holding
    found = looks(session, wish.world, wish.holder_id, suppliers, holding)
    if found is not None and found.holds >= found.allowed:
        raise LookToBookError(
            holds=found.holds, orders=found.orders, look_to_book=found.most
        )
