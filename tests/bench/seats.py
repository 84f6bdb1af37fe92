"""The best seats there are in a stadium of 60,000: empty, sold, in pieces, in blocks."""

import random
import statistics
import time
from uuid import UUID

from allocation.queries.seats import Blocks
from allocation.rules.seat_plan import PlannedSeat, compiled
from allocation.rules.seats import Asked, best
from tests.bench.harness import say

ROWS, IN_ROW = 600, 100
TIMES = 40


def cases(plan):
    """Yield (what the hall is like, what may be chosen, what is taken, wish)."""
    dice = random.Random(1)  # noqa: S311 - the same hall each time
    every = (1 << IN_ROW) - 1
    third = sum(1 << bit for bit in range(0, IN_ROW, 3))
    half = {no: dice.getrandbits(IN_ROW) for no in range(ROWS)}
    front = dict.fromkeys(range(ROWS - 1), every)
    yield "empty", None, {}, Asked(4)
    yield "half sold, here and there", None, half, Asked(4)
    yield "all sold but the last row", None, front, Asked(4)
    yield "every third seat sold, 6 asked", None, dict.fromkeys(range(ROWS), third), SIX
    yield "in pieces, 10 side by side asked", None, half, Asked(10, is_adjacent=True)


SIX = Asked(6)


def milliseconds(work):
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), max(took)


def best_available(rows):
    ids = iter(range(1, ROWS * IN_ROW + 1))
    seats = [
        [PlannedSeat(UUID(int=next(ids))) for _ in range(IN_ROW)] for _ in range(ROWS)
    ]
    plan = compiled(seats)
    slowest = []
    for name, free, taken, asked in cases(plan):
        median, most = milliseconds(
            lambda f=free, t=taken, a=asked: best(plan, f, t, a)
        )
        slowest.append((median, most, name))
    blocks = Blocks()
    for row in seats[:200]:
        blocks.seats |= {seat.id: UUID(int=0) for seat in row}
    blocks.owners[UUID(int=0)] = None

    def among_others():
        return best(plan, blocks.open_to(plan, frozenset()), {}, Asked(4))

    slowest.append((*milliseconds(among_others), "20,000 seats in others' blocks"))
    for median, most, name in slowest:
        say(f"best available, {name}: {median:.2f} ms, at most {most:.2f} ms")
    median, most, name = max(slowest)
    told = f"{median:.2f} ms ({name}), at most {most:.2f} ms"
    label = (
        f"best available of {ROWS * IN_ROW} seats, the slowest of {len(slowest)} halls"
    )
    rows.append([label, told, "", "", ""])
