"""Which seats go together. Pure: seats are ids in the order of their rows."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID


def pick(
    rows: Sequence[Sequence[UUID]], taken: AbstractSet[UUID], count: int
) -> list[UUID] | None:
    """Return *count* free seats, best row first; None if there are too few.

    Adjacent in one row where that is possible, preferring not to leave a single
    seat; else as they come.
    """
    fallback: list[UUID] | None = None
    for row in rows:
        for run in _runs(row, taken):
            if len(run) >= count and len(run) - count != 1:
                return run[:count]
            if len(run) >= count and fallback is None:
                fallback = run[:count]
    return fallback or _scattered(rows, taken, count)


def _runs(row: Sequence[UUID], taken: AbstractSet[UUID]) -> list[list[UUID]]:
    runs: list[list[UUID]] = [[]]
    for seat in row:
        if seat in taken:
            runs.append([])
        else:
            runs[-1].append(seat)
    return [run for run in runs if run]


def _scattered(
    rows: Sequence[Sequence[UUID]], taken: AbstractSet[UUID], count: int
) -> list[UUID] | None:
    free = [seat for row in rows for seat in row if seat not in taken]
    return free[:count] if len(free) >= count else None
