"""Moving promises to where they sell: by confirmed sell-through (R17). Pure.

Need is what an agent will sell until the performance at the pace of its confirmed
sales, and a margin; who has more unsold promise than that gives to who has less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from allocation.rules.plans.dividing import divide
from allocation.rules.plans.language import Rebalancing
from hub.kernel.money import BASIS_POINTS


@dataclass(frozen=True, slots=True)
class Pace:
    """An allotment, and how it sells: seats, and confirmed seats an hour.

    *floor*: what it keeps in any case, by contract. *sold_lately* is None where
    nothing is known: then nothing is moved.
    """

    key: str
    guarantee: int
    taken: int
    ceiling: int | None
    floor: int
    per_hour: Fraction | None

    @property
    def unsold(self) -> int:
        """Promise that nobody has taken up."""
        return max(0, self.guarantee - self.taken)


@dataclass(frozen=True, slots=True)
class Move:
    """Seats of promise moved from one allotment to another, and why."""

    giver: str
    taker: str
    seats: int
    reason: str


def pace(sales: Sequence[tuple[int, int]], half_life_h: int, window_h: int) -> Fraction:
    """Return net sales an hour as an exponentially weighted mean.

    *sales*: (hours ago, seats confirmed less cancelled); the weight halves every
    *half_life_h* hours. In steps of hours and exact, so that it is always the same.
    """
    total = weights = Fraction(0)
    by_hour: dict[int, int] = {}
    for hours_ago, seats in sales:
        by_hour[hours_ago] = by_hour.get(hours_ago, 0) + seats
    for hour in range(window_h):
        weight = Fraction(1, 2 ** (hour // half_life_h))
        weights += weight
        total += weight * by_hour.get(hour, 0)
    return max(Fraction(0), total / weights)


def need(found: Pace, hours_left: int, said: Rebalancing) -> int:
    """Return the unsold promise an allotment will use up; rounded to the nearest."""
    assert found.per_hour is not None  # noqa: S101 - ``moves`` asks only then
    exact = found.per_hour * hours_left * said.cover_bp / BASIS_POINTS
    rounded = int(exact + Fraction(1, 2))
    if found.ceiling is None:
        return rounded
    return min(rounded, max(0, found.ceiling - found.taken))


def moves(paces: Sequence[Pace], *, hours_left: int, said: Rebalancing) -> list[Move]:
    """Return what to move, each with its reason; nothing where there is a gap of data.

    From who has more than its need and the dead band, at most a step of its unsold,
    never below what it has taken nor its floor; to who has less than its need, shared
    by what each lacks (Sainte-Lague).
    """
    if hours_left <= 0 or any(found.per_hour is None for found in paces):
        return []
    needs = {found.key: need(found, hours_left, said) for found in paces}
    spare = {found.key: _spare(found, needs[found.key], said) for found in paces}
    lacks = {f.key: _lack(f, needs[f.key]) for f in paces if needs[f.key] > f.unsold}
    takers = [key for key in sorted(lacks) if not spare[key]]
    total = min(sum(spare.values()), sum(lacks[key] for key in takers))
    if not total:
        return []
    given = _each(spare, total)
    taken = dict(
        zip(
            takers,
            divide(total, [(lacks[key], 0, lacks[key]) for key in takers]),
            strict=True,
        )
    )
    return _paired(given, taken, {f.key: f for f in paces}, needs)


def _lack(found: Pace, needed: int) -> int:
    """Return what it needs more: what it took of the shared seats is covered first."""
    return needed - found.unsold + max(0, found.taken - found.guarantee)


def _spare(found: Pace, needed: int, said: Rebalancing) -> int:
    gap = found.unsold - needed
    if gap <= said.dead_band:
        return 0
    step = found.unsold * said.step_bp // BASIS_POINTS
    kept = max(found.taken, found.floor)
    return max(0, min(gap, step, found.guarantee - kept))


def _each(spare: dict[str, int], total: int) -> dict[str, int]:
    keys = [key for key in sorted(spare) if spare[key]]
    shares = divide(total, [(spare[key], 0, spare[key]) for key in keys])
    return dict(zip(keys, shares, strict=True))


def _paired(
    given: dict[str, int],
    taken: dict[str, int],
    paces: dict[str, Pace],
    needs: dict[str, int],
) -> list[Move]:
    found: list[Move] = []
    waiting = [(key, seats) for key, seats in taken.items() if seats]
    for giver, seats in given.items():
        left = seats
        while left and waiting:
            taker, lack = waiting.pop(0)
            moved = min(left, lack)
            why = (
                f"{giver} has {paces[giver].unsold} unsold and needs {needs[giver]};"
                f" {taker} has {paces[taker].unsold} and needs {needs[taker]}"
            )
            found.append(Move(giver, taker, moved, why))
            left -= moved
            if lack > moved:
                waiting.insert(0, (taker, lack - moved))
    return found
