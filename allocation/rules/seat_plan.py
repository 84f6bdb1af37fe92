"""A map of seats compiled for choosing: rows are bit masks, bit *n* the *n*-th seat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

ACCESSIBLE, COMPANION = "wheelchair", "companion"


@dataclass(frozen=True, slots=True)
class PlannedSeat:
    """A seat as maps say it: what kind, with whom it is sold, where a gap follows."""

    id: UUID
    kind: str = "standard"
    pair: str | None = None
    is_before_aisle: bool = False


@dataclass(slots=True)
class Row:
    """A row compiled: its seats, and masks of what they are."""

    seats: tuple[UUID, ...]
    starts: int = 0  # first seats of runs: nobody sits beside them on the left
    wheels: int = 0
    companions: int = 0
    pairs: tuple[int, ...] = ()

    @property
    def every(self) -> int:
        """All of its seats."""
        return (1 << len(self.seats)) - 1


@dataclass(slots=True)
class SeatPlan:
    """An area's rows from the best on, and where each seat is: (row, bit)."""

    rows: list[Row] = field(default_factory=list)
    at: dict[UUID, tuple[int, int]] = field(default_factory=dict)

    def masks(self, seats: Iterator[UUID] | Sequence[UUID]) -> dict[int, int]:
        """Return seats as masks by row; those of other areas are left out."""
        found: dict[int, int] = {}
        for seat in seats:
            place = self.at.get(seat)
            if place is not None:
                found[place[0]] = found.get(place[0], 0) | 1 << place[1]
        return found

    def seats(self, row: int, mask: int) -> list[UUID]:
        """Return the seats of a mask, as they stand."""
        return [
            seat for bit, seat in enumerate(self.rows[row].seats) if mask >> bit & 1
        ]


def compiled(rows: Sequence[Sequence[PlannedSeat]]) -> SeatPlan:
    """Compile rows from the best on, each in the order its seats stand."""
    plan = SeatPlan()
    for no, seats in enumerate(rows):
        row = Row(tuple(seat.id for seat in seats))
        pairs: dict[str, int] = {}
        is_start = True
        for bit, seat in enumerate(seats):
            plan.at[seat.id] = (no, bit)
            row.starts |= is_start << bit
            row.wheels |= (seat.kind == ACCESSIBLE) << bit
            row.companions |= (seat.kind == COMPANION) << bit
            if seat.pair is not None:
                pairs[seat.pair] = pairs.get(seat.pair, 0) | 1 << bit
            is_start = seat.is_before_aisle
        row.pairs = tuple(mask for mask in pairs.values() if mask.bit_count() > 1)
        plan.rows.append(row)
    return plan
