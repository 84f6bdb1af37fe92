"""Wishes: what an agent wants held, ready for the committer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy.orm import Session

from allocation.errors import BuyerNeededError, SeatsNotSoldError, UnknownSeatsError
from allocation.rules.limits import Limit, hash_of_buyer, limits, needs_buyer
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError
from hub.kernel.idempotency import Claim
from hub.kernel.ids import new_id
from hub.sales.rules import sums
from hub.sales.services.baskets import Basket, BasketLine, kept_basket
from hub.sales.services.pricing import price_basket
from hub.sales.services.telling import named

HOLD, OPTION, REQUEST, REPORT = "hold", "option", "request", "report"
LIVE = "live"
TTL_MAX_FACTOR = 4
EXTENSIONS_MOST = 2


@dataclass(frozen=True)
class WishLine:
    """A line of a basket, with the seats its agent chose, or how they should lie."""

    basket: BasketLine
    seats: tuple[UUID, ...]
    accessible: int
    is_adjacent: bool
    limits: tuple[Limit, ...]

    @property
    def no(self) -> int:
        return self.basket.no

    @property
    def offer(self) -> Any:
        return self.basket.offer

    @property
    def quantity(self) -> int:
        return self.basket.quantity

    @property
    def leaf_id(self) -> UUID:
        return self.basket.standing.leaf


@dataclass(frozen=True)
class HoldWish:
    """What an agent wants held; everything that can be known outside the lock.

    *beside*: what is written with it, a function of the database and its document.
    """

    claim: Claim
    world: str
    agent_id: UUID
    hold_id: UUID
    ttl_s: int
    basket: Basket
    lines: tuple[WishLine, ...]
    kind: str = "hold"
    until: datetime | None = None
    beside: tuple[LiteralString, dict[str, Any]] | None = None

    @property
    def is_forced(self) -> bool:
        """Whether it was sold already: then nothing but what it is can refuse it."""
        return self.kind == REPORT

    @property
    def owner(self) -> UUID:
        """Whose turn it is: sub-agents give their agent no more turns than others."""
        return self.holder_id

    @property
    def credit_id(self) -> UUID:
        return self.basket.credit_id

    @property
    def holder_id(self) -> UUID:
        """Whose limits it heeds: its agent's, or of the agent above that."""
        return self.basket.agent.holder_id

    @property
    def is_counted(self) -> bool:
        """Whether look-to-book bounds its agent: then it counts."""
        return self.basket.holding.look_to_book is not None

    @property
    def performance_ids(self) -> set[UUID]:
        return set(self.basket.epochs)

    @property
    def owed_minor(self) -> int:
        """What the agent will owe for it: reserved of its credit until then."""
        return self.basket.owed_minor

    @cached_property
    def takes(self) -> dict[UUID, int]:
        """The most seats it may take at each node it may begin at."""
        found: dict[UUID, int] = {}
        for line in self.lines:
            for node in (line.leaf_id, *line.basket.own_blocks):
                found[node] = found.get(node, 0) + line.quantity
        return found

    @cached_property
    def seats_by_leaf(self) -> dict[UUID, int]:
        """Seats by the node they are taken at, as long as none is chosen."""
        return sums((line.leaf_id, line.quantity) for line in self.lines)


def price(
    session: Session,
    who: Caller,
    wanted: Sequence[dict[str, Any]],
    *,
    claim: Claim,
    ttl_s: int,
    buyer: str | None = None,
) -> HoldWish:
    """Turn a request into a wish, priced now; its leaves are rows after this."""
    basket = price_basket(session, who, _asked(wanted))
    return _wish(basket, who, wanted, claim=claim, ttl_s=ttl_s, buyer=buyer)


def kept(
    who: Caller,
    wanted: Sequence[dict[str, Any]],
    *,
    claim: Claim,
    ttl_s: int,
    buyer: str | None = None,
) -> HoldWish | None:
    """Do the same without a session, if this process has priced the same of late."""
    basket = kept_basket(who, _asked(wanted))
    if basket is None:
        return None
    return _wish(basket, who, wanted, claim=claim, ttl_s=ttl_s, buyer=buyer)


def _asked(wanted: Sequence[dict[str, Any]]) -> tuple[tuple[UUID, int], ...]:
    return tuple((line["offer_id"], quantity_of(line)) for line in wanted)


def as_wanted(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a request, to be placed from once it is granted."""
    buyer = buyer_of(said)
    return {"lines": said["lines"]} | ({} if buyer is None else {"buyer_hash": buyer})


def buyer_of(said: Mapping[str, Any]) -> str | None:
    """Return the hash of the buyer a request names; it may have been kept as one."""
    if "buyer" in said:
        return hash_of_buyer(said["buyer"])
    found: str | None = said.get("buyer_hash")
    return found


def quantity_of(line: dict[str, Any]) -> int:
    """Return how many tickets a wanted line is for."""
    return line["quantity"] if "quantity" in line else len(line["seat_ids"])


def _wish(
    basket: Basket,
    who: Caller,
    wanted: Sequence[dict[str, Any]],
    *,
    claim: Claim,
    ttl_s: int,
    buyer: str | None,
) -> HoldWish:
    """Put what only this request says beside a basket.

    UnknownSeatsError, SeatsNotSoldError, BuyerNeededError say what cannot be.
    """
    chosen = [seat for line in wanted for seat in line.get("seat_ids", ())]
    if len(set(chosen)) != len(chosen):
        raise InvalidRequestError(field="seat_ids", reason="a seat is named twice")
    lines = tuple(
        _line(said, line, held, buyer)
        for said, line, held in zip(
            wanted, basket.lines, basket.held_limits, strict=True
        )
    )
    return HoldWish(
        *(claim, who.world, who.partner, new_id()),
        basket.holding.ttl_s or ttl_s,
        basket,
        lines,
    )


def _line(
    said: dict[str, Any], line: BasketLine, held: Sequence[Limit], buyer: str | None
) -> WishLine:
    if buyer is None and needs_buyer(line.plan):
        raise BuyerNeededError(offer_id=line.offer.offer_id)
    seats = tuple(said.get("seat_ids", ()))
    accessible = said.get("accessible", 0)
    if seats:
        _refuse_not_sold(line, seats)
    if accessible > line.quantity or (accessible and line.seat_map is None):
        reason = "no more wheelchair places than tickets, in an area with seats"
        raise InvalidRequestError(field="accessible", reason=reason)
    counted = (*limits(line.plan, line.buyable, buyer), *held)
    is_adjacent = said.get("adjacent", False)
    return WishLine(line, seats, accessible, is_adjacent, counted)


def _refuse_not_sold(line: BasketLine, seats: Sequence[UUID]) -> None:
    names = line.seat_map.seats if line.seat_map else {}
    unknown = [seat for seat in seats if seat not in names]
    if unknown:
        raise UnknownSeatsError(offer_id=line.offer.offer_id, seat_ids=unknown)
    closed = [
        named(names[seat])
        for seat in seats
        if line.blocks.seats.get(seat) not in {None, *line.own_blocks}
    ]
    if closed:
        raise SeatsNotSoldError(offer_id=line.offer.offer_id, seats=closed)
