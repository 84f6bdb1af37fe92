"""Choosing and taking seats for a batch of wishes, before anything is counted."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from allocation import queries
from allocation.errors import AllotmentExhaustedError, SeatsTakenError
from allocation.rules.seats import pick
from allocation.services.tree import SeatKey, free_seats, take_seats
from hub.kernel.errors import HubError
from hub.sales.services.wishes import HoldWish, WishLine

ROUNDS = 4

Chosen = dict[int, list[UUID]]


class Seating:
    """Who got which seats in this batch; what is refused takes none."""

    def __init__(self) -> None:
        self.chosen: dict[UUID, Chosen] = {}
        self.refused: dict[UUID, HubError] = {}

    def assign(self, session: Session, wishes: Sequence[HoldWish]) -> None:
        """Choose in arrival order, insert, and choose again for those who lost.

        Other processes choose at the same time: the primary key decides.
        """
        waiting = [w for w in wishes if any(line.seat_map for line in w.lines)]
        if not waiting:
            return
        ids = {found for wish in waiting for found in wish.performance_ids}
        taken = queries.taken_seats(session, ids)
        for _ in range(ROUNDS):
            for wish in waiting:
                self._choose(wish, taken)
            seats = {key: w.hold_id for w in waiting for key in self.keys(w)}
            lost = take_seats(session, seats) if seats else set()
            waiting = [w for w in waiting if lost & set(self.keys(w))]
            if not waiting:
                return
            again = {key for wish in waiting for key in self.keys(wish)}
            free_seats(session, again - lost)
            for performance_id, seat_id in again - lost:
                taken[performance_id].discard(seat_id)
        for wish in waiting:
            self._refuse(wish, SeatsTakenError(reason="others are faster"))

    def keys(self, wish: HoldWish) -> list[SeatKey]:
        """Return the (performance, seat) pairs chosen for a wish."""
        chosen = self.chosen.get(wish.hold_id, {})
        return [
            (line.offer.performance_id, seat)
            for line in wish.lines
            for seat in chosen.get(line.no, ())
        ]

    def _choose(self, wish: HoldWish, taken: dict[UUID, set[UUID]]) -> None:
        chosen: Chosen = {}
        held: list[SeatKey] = []
        for line in wish.lines:
            if line.seat_map is None:
                continue
            busy = taken[line.offer.performance_id]
            found = _seats_for(line, busy)
            if isinstance(found, HubError):
                for performance_id, seat in held:
                    taken[performance_id].discard(seat)
                self._refuse(wish, found)
                return
            busy.update(found)
            held += [(line.offer.performance_id, seat) for seat in found]
            chosen[line.no] = found
        self.chosen[wish.hold_id] = chosen

    def _refuse(self, wish: HoldWish, error: HubError) -> None:
        self.chosen.pop(wish.hold_id, None)
        self.refused[wish.hold_id] = error


def _seats_for(line: WishLine, busy: set[UUID]) -> list[UUID] | HubError:
    assert line.seat_map is not None  # noqa: S101 - asked by the caller
    if line.seats:
        gone = [line.seat_map.seats[seat] for seat in line.seats if seat in busy]
        names = [{"row": seat["row"], "number": seat["number"]} for seat in gone]
        return SeatsTakenError(seats=names) if gone else list(line.seats)
    found = pick(line.seat_map.rows, busy, line.quantity)
    if found is None:
        free = len(line.seat_map.seats.keys() - busy)
        return AllotmentExhaustedError(
            wanted=line.quantity, free=free, bound_by="seats"
        )
    return found
