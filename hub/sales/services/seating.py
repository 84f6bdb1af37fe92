"""Choosing seats for the wishes of a batch, as each is decided."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from allocation import queries
from allocation.errors import AllotmentExhaustedError, SeatsTakenError
from allocation.rules.seats import pick
from allocation.services.tree import SeatKey
from hub.sales.services.wishes import HoldWish, WishLine

Chosen = dict[int, list[UUID]]


class Seating:
    """Which seats are taken, and who of this batch got which."""

    def __init__(self, taken: dict[UUID, set[UUID]]) -> None:
        self._taken = taken
        self.chosen: dict[UUID, Chosen] = {}

    def choose(self, wish: HoldWish) -> None:
        """Choose seats for every line of a wish, or none and raise why.

        Chosen seats are taken at once, so later wishes of the batch see them.
        """
        chosen: Chosen = {}
        kept: list[SeatKey] = []
        try:
            for line in wish.lines:
                if line.seat_map is None:
                    continue
                performance_id = line.offer.performance_id
                chosen[line.no] = _seats_for(line, self._taken[performance_id])
                self._taken[performance_id].update(chosen[line.no])
                kept += [(performance_id, seat) for seat in chosen[line.no]]
        except (AllotmentExhaustedError, SeatsTakenError):
            for performance_id, seat in kept:
                self._taken[performance_id].discard(seat)
            raise
        self.chosen[wish.hold_id] = chosen

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


def seating(session: Session, wishes: Sequence[HoldWish]) -> Seating:
    """Read which seats are taken where these wishes want some."""
    wanted = {
        line.offer.performance_id
        for wish in wishes
        for line in wish.lines
        if line.seat_map is not None
    }
    return Seating(queries.taken_seats(session, wanted) if wanted else {})


def _seats_for(line: WishLine, busy: set[UUID]) -> list[UUID]:
    assert line.seat_map is not None  # noqa: S101 - asked by the caller
    if line.seats:
        gone = [line.seat_map.seats[seat] for seat in line.seats if seat in busy]
        if gone:
            names = [{"row": seat["row"], "number": seat["number"]} for seat in gone]
            raise SeatsTakenError(seats=names)
        return list(line.seats)
    found = pick(line.seat_map.rows, busy, line.quantity)
    if found is None:
        free = len(line.seat_map.seats.keys() - busy)
        raise AllotmentExhaustedError(wanted=line.quantity, free=free, bound_by="seats")
    return found
