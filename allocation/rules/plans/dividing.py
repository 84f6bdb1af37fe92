"""Dividing seats: Sainte-Lague with bounds, and by demand. Pure and exact."""

import heapq
from collections.abc import Sequence
from fractions import Fraction

Bound = tuple[int, int, int | None]
"""Weight, floor and ceiling (seats; None is without limit) of one holder."""


def divide(seats: int, bounds: Sequence[Bound]) -> list[int]:
    """Divide *seats* by (weight, floor, ceiling) with Sainte-Lague's divisors.

    Starts at the floors and gives one seat after the other to the highest
    ``weight / (2 * seats + 1)`` below its ceiling; ties go to the earlier. What no
    ceiling admits is left over. No holder loses when *seats* grows.
    """
    shares = _jump(seats, bounds)
    left = seats - sum(shares)
    queue = [
        (-Fraction(weight, 2 * share + 1), at)
        for at, ((weight, _, high), share) in enumerate(
            zip(bounds, shares, strict=True)
        )
        if weight and (high is None or share < high)
    ]
    heapq.heapify(queue)
    while left > 0 and queue:
        _, at = queue[0]
        weight, _, high = bounds[at]
        shares[at] += 1
        left -= 1
        if high is not None and shares[at] >= high:
            heapq.heappop(queue)
        else:
            heapq.heapreplace(queue, (-Fraction(weight, 2 * shares[at] + 1), at))
    return shares


def _jump(seats: int, bounds: Sequence[Bound]) -> list[int]:
    """Return where the seat by seat procedure stands shortly before its end.

    With every seat of at least some quotient given, the state does not depend on
    the order they were given in; the quotient is found by bisection, in integers.
    """
    total = sum(weight for weight, _, _ in bounds)
    if not total:
        return [low for _, low, _ in bounds]

    def at(scale: int) -> list[int]:
        """Give every seat whose quotient is at least total / scale."""
        found = []
        for weight, low, high in bounds:
            share = max(low, (weight * scale // total + 1) // 2)
            found.append(share if high is None else max(low, min(share, high)))
        return found

    below, above = 0, 2 * seats + 2
    while above - below > 1:
        middle = (below + above) // 2
        if sum(at(middle)) <= seats:
            below = middle
        else:
            above = middle
    return at(below)


def by_demand(seats: int, demands: Sequence[int]) -> list[int]:
    """Share *seats* out max-min fair: nobody gets more than asked, the least first.

    What is left of the division goes one each to the earliest still wanting.
    """
    shares = [0] * len(demands)
    left = seats
    while left > 0:
        wanting = [at for at, asked in enumerate(demands) if shares[at] < asked]
        if not wanting:
            break
        each = max(1, left // len(wanting))
        for at in wanting:
            given = min(each, demands[at] - shares[at], left)
            shares[at] += given
            left -= given
    return shares
