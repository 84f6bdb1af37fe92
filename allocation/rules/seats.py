"""Which seats go together: the best available of a map. Pure; rows are bit masks.

Bit *n* is the *n*-th seat: *k* free ones side by side are found by a few shifts a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from allocation.rules.seat_plan import Row, SeatPlan


class Singles(StrEnum):
    """Whether a sale may leave a free seat between taken ones, alone."""

    AVOID = "avoid"
    NEVER = "never"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: so many seats, of them so many wheelchair places."""

    count: int
    accessible: int = 0
    singles: Singles = Singles.AVOID
    is_adjacent: bool = False


Masks = Mapping[int, int]


def best(plan: SeatPlan, free: Masks | None, taken: Masks, asked: Asked) -> list[UUID]:
    """Return the best seats for a wish, or none.

    *free*: what may be chosen from (None: everything); *taken*: what is held or sold
    there. Side by side and leaving no seat alone; then, unless ``never``, leaving
    one; then in two rows one behind the other; then as they come.
    """
    if asked.accessible:
        return _accessible(plan, free, taken, asked)
    found = _together(plan, free, taken, asked.count, asked.singles)
    if found or asked.is_adjacent or asked.count == 1:
        return found
    return _behind(plan, free, taken, asked) or _scattered(plan, free, taken, asked)


def _open(row: Row, free: int | None, taken: int) -> int:
    """Return the seats of a row that anybody may be given."""
    mask = row.every & ~taken & ~row.wheels & ~row.companions
    mask = mask if free is None else mask & free
    for pair in row.pairs:
        if pair & mask != pair:
            mask &= ~pair  # half a sofa is not sold
    return mask


def _together(
    plan: SeatPlan, free: Masks | None, taken: Masks, count: int, singles: Singles
) -> list[UUID]:
    leaving: tuple[int, int] | None = None
    for no, row in enumerate(plan.rows):
        gone = taken.get(no, 0)
        mask = _open(row, None if free is None else free.get(no, 0), gone)
        if mask.bit_count() < count:
            continue
        runs = _runs(row, mask, count)[-1]
        clean = runs if singles is Singles.ALLOW else _clean(row, runs, gone, count)
        place = _nearest(row, clean, count)
        if place:
            return plan.seats(no, place)
        if leaving is None:
            place = _nearest(row, runs, count)
            leaving = (no, place) if place else None
    if leaving is None or singles is Singles.NEVER:
        return []
    return plan.seats(*leaving)


def _runs(row: Row, mask: int, most: int) -> list[int]:
    """Return as masks where 1, 2, ... *most* seats side by side begin inside a mask."""
    found = [mask]
    for shift in range(1, most):
        found.append(found[-1] & mask >> shift & ~(row.starts >> shift))
    return found


def _clean(row: Row, runs: int, taken: int, count: int) -> int:
    """Return the beginnings of *count* seats that leave no free seat alone.

    As ``leaves_single`` says it, of all at once: the seat before would be alone if
    nobody sits free before that, the seat behind likewise.
    """
    free = row.every & ~taken
    left_open = (free << 1) & ~row.starts
    right_open = (free & ~row.starts) >> 1
    before = (free & ~left_open) << 1 & ~row.starts
    behind = (free & ~right_open & ~row.starts) >> count
    return runs & ~before & ~behind


def _nearest(row: Row, starts: int, count: int) -> int:
    """Return the seats of the beginning nearest the middle, or 0; sofas stay whole."""
    return next(_places(row, starts, count), 0)


def _places(row: Row, starts: int, count: int) -> Iterator[int]:
    """Yield *count* seats from each beginning, those nearest the middle first."""
    wanted = (1 << count) - 1
    middle = len(row.seats) - count
    bits = (bit for bit in range(starts.bit_length()) if starts >> bit & 1)
    for bit in sorted(bits, key=lambda bit: abs(2 * bit - middle)):
        place = wanted << bit
        if all(pair & place in {0, pair} for pair in row.pairs):
            yield place


def leaves_single(row: Row, taken: int, place: int) -> bool:
    """Say whether taking a place leaves a free seat alone that was not before."""
    return bool(_singles(row, taken | place) & ~_singles(row, taken))


def _singles(row: Row, taken: int) -> int:
    """Return free seats with nobody free beside them, in a run of more than one."""
    free = row.every & ~taken
    left_open = (free << 1) & ~row.starts & row.every
    right_open = (free & ~row.starts) >> 1
    has_left = (row.every << 1) & ~row.starts & row.every
    has_right = (row.every & ~row.starts) >> 1
    return free & ~left_open & ~right_open & (has_left | has_right)


def _accessible(
    plan: SeatPlan, free: Masks | None, taken: Masks, asked: Asked
) -> list[UUID]:
    """Return wheelchair places with companions beside them, all in one run.

    Before any that leave a free seat alone, those that leave none.
    """
    leaving: list[UUID] = []
    for no, row in enumerate(plan.rows):
        gone = taken.get(no, 0)
        mask = row.every & ~gone & (-1 if free is None else free.get(no, 0))
        if (mask & row.wheels).bit_count() < asked.accessible:
            continue
        for among in (mask & (row.wheels | row.companions), mask):
            runs = _runs(row, among, asked.count)[-1]
            places = [
                place
                for place in _places(row, runs, asked.count)
                if (place & row.wheels).bit_count() == asked.accessible
            ]
            for place in places:
                is_alone = leaves_single(row, gone, place)
                if not is_alone or asked.singles is Singles.ALLOW:
                    return plan.seats(no, place)
            if places and asked.singles is not Singles.NEVER:
                leaving = leaving or plan.seats(no, places[0])
                break  # rather apart from others than from a companion
    return leaving


def _behind(
    plan: SeatPlan, free: Masks | None, taken: Masks, asked: Asked
) -> list[UUID]:
    """Return seats in two rows, one behind the other, as even as can be."""
    before: list[int] = []
    for no, row in enumerate(plan.rows):
        gone = taken.get(no, 0)
        mask = _open(row, None if free is None else free.get(no, 0), gone)
        runs = _runs(row, mask, asked.count - 1)
        if asked.singles is not Singles.ALLOW:
            runs = [r and _clean(row, r, gone, n) for n, r in enumerate(runs, start=1)]
        found = _two_rows(plan, no, before, runs, asked.count)
        if found:
            return found
        before = runs
    return []


def _two_rows(
    plan: SeatPlan, no: int, before: Sequence[int], runs: Sequence[int], count: int
) -> list[UUID]:
    """Return seats of a row and the one before it, given where runs begin in them."""
    if not before:
        return []
    for more in range((count + 1) // 2, count):
        for first in {more: 0, count - more: 0}:
            second = count - first
            if not before[first - 1] or not runs[second - 1]:
                continue
            places = (
                (no - 1, _nearest(plan.rows[no - 1], before[first - 1], first)),
                (no, _nearest(plan.rows[no], runs[second - 1], second)),
            )
            if all(place for _, place in places):
                return [seat for at, place in places for seat in plan.seats(at, place)]
    return []


def _scattered(
    plan: SeatPlan, free: Masks | None, taken: Masks, asked: Asked
) -> list[UUID]:
    """Return seats as they come: longest runs are not looked for any more."""
    found: list[UUID] = []
    for no, row in enumerate(plan.rows):
        gone = taken.get(no, 0)
        mask = _open(row, None if free is None else free.get(no, 0), gone)
        chosen = 0
        for bit in range(mask.bit_length()):
            wanted = next((p for p in row.pairs if p >> bit & 1), 1 << bit)
            is_fitting = wanted.bit_count() <= asked.count - len(found)
            if mask >> bit & 1 and not chosen & wanted and is_fitting:
                chosen |= wanted
                found += plan.seats(no, wanted)
        if asked.singles is Singles.NEVER and leaves_single(row, gone, chosen):
            found = [seat for seat in found if plan.at[seat][0] != no]
        if len(found) == asked.count:
            return found
    return []


def from_row_ends(plan: SeatPlan, seats: Sequence[UUID], count: int) -> list[UUID]:
    """Return *count* of some seats to give up: runs from the rows' ends inwards.

    The worst rows first, so that what is kept stays together (no holes).
    """
    found: list[UUID] = []
    for no, mask in sorted(plan.masks(seats).items(), reverse=True):
        own = plan.seats(no, mask)
        found += own[::-1][: count - len(found)]
        if len(found) == count:
            break
    return found
