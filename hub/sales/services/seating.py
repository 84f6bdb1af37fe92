"""Choosing seats for the wishes of a batch, as each is decided."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from allocation.errors import (
    AllotmentExhaustedError,
    SeatsTakenError,
    SingleSeatError,
)
from allocation.queries.seats import SeatKey
from allocation.rules.seats import Asked, Singles, best, leaves_single
from hub.sales.services.halls import Hall, halls
from hub.sales.services.telling import named
from hub.sales.services.wishes import HoldWish, WishLine

Chosen = dict[int, list[UUID]]


class Seating:
    """Who of a batch got which seats."""

    def __init__(self) -> None:
        self.chosen: dict[UUID, Chosen] = {}

    def choose(self, wish: HoldWish) -> dict[UUID, int]:
        """Choose seats for every line of a wish; return seats by the node that pays.

        All lines or none. Chosen seats are taken at once, so later wishes of the batch
        see them; ``undo`` lets them go again.
        """
        self.chosen[wish.hold_id] = {}
        found: dict[UUID, int] = {}
        try:
            for line in sorted(wish.lines, key=_is_free_to_choose):
                if line.basket.seat_map is None:
                    found[line.leaf_id] = found.get(line.leaf_id, 0) + line.quantity
                    continue
                seats = seats_for(line, halls.hall(line))
                halls.hall(line).take(seats)
                halls.note((line.offer.performance_id, seat) for seat in seats)
                self.chosen[wish.hold_id][line.no] = seats
                for node in nodes_of(line, seats):
                    found[node] = found.get(node, 0) + 1
        except (AllotmentExhaustedError, SeatsTakenError, SingleSeatError):
            self.undo(wish)
            raise
        return found

    def undo(self, wish: HoldWish) -> None:
        """Let go what was chosen for a wish."""
        for line in wish.lines:
            seats = self.chosen.get(wish.hold_id, {}).get(line.no)
            if seats:
                halls.hall(line).free(seats)
        self.chosen.pop(wish.hold_id, None)

    def seats(self, wish: HoldWish, line_no: int) -> list[UUID]:
        """Return the seats chosen for a line."""
        return self.chosen.get(wish.hold_id, {}).get(line_no, [])

    def keys(self, wish: HoldWish) -> dict[SeatKey, UUID]:
        """Return the (performance, seat) pairs chosen for a wish, with its hold."""
        return {
            (line.offer.performance_id, seat): wish.hold_id
            for line in wish.lines
            for seat in self.seats(wish, line.no)
        }


def _is_free_to_choose(line: WishLine) -> bool:
    """Sort lines that name their seats before those that take the best there are."""
    return not line.seats


def nodes_of(line: WishLine, seats: Sequence[UUID]) -> list[UUID]:
    """Return the node that pays for each seat: its block, or the agent's leaf."""
    blocks = line.basket.blocks.seats
    return [blocks.get(seat) or line.leaf_id for seat in seats]


def seats_for(line: WishLine, hall: Hall) -> list[UUID]:
    """Return the seats a line is given: those it names, or the best there are.

    SeatsTakenError, SingleSeatError, AllotmentExhaustedError if that cannot be.
    """
    if line.seats:
        return _chosen(line, hall)
    asked = Asked(line.quantity, line.accessible, line.basket.singles, line.is_adjacent)
    found: list[UUID] = []
    blocks, own = line.basket.blocks, line.basket.own_blocks
    if blocks.seats:
        if own:
            near = replace(asked, is_adjacent=True)
            masks = blocks.masks(hall.plan, own)
            found = best(hall.plan, masks, hall.taken, near)
        if not found:
            free = blocks.open_to(hall.plan, own)
            found = best(hall.plan, free, hall.taken, asked)
    else:
        found = best(hall.plan, None, hall.taken, asked)
    if not found:
        gone = sum(mask.bit_count() for mask in hall.taken.values())
        free_seats = len(hall.plan.at) - gone
        raise AllotmentExhaustedError(
            wanted=line.quantity, free=free_seats, bound_by="seats"
        )
    return found


def _chosen(line: WishLine, hall: Hall) -> list[UUID]:
    names = line.basket.seat_map.seats if line.basket.seat_map else {}

    gone = [named(names[seat]) for seat in line.seats if hall.is_taken(seat)]
    if gone:
        raise SeatsTakenError(seats=gone)
    wanted = hall.plan.masks(line.seats)
    for no, mask in wanted.items():
        row = hall.plan.rows[no]
        halves = [pair for pair in row.pairs if pair & mask not in {0, pair}]
        if halves:
            rest = [s for pair in halves for s in hall.plan.seats(no, pair & ~mask)]
            raise SingleSeatError(with_seats=[named(names[seat]) for seat in rest])
        if line.basket.singles is Singles.NEVER and leaves_single(
            row, hall.taken.get(no, 0), mask
        ):
            raise SingleSeatError(row=names[hall.plan.seats(no, mask)[0]]["row"])
    return list(line.seats)
