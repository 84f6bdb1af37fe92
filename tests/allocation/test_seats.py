"""Which seats go together."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from allocation.rules.seats import pick


def row(*numbers):
    return [UUID(int=number) for number in numbers]


def numbers(found):
    return found and [seat.int for seat in found]


def test_adjacent_in_the_best_row():
    assert numbers(pick([row(1, 2, 3), row(4, 5, 6)], set(), 3)) == [1, 2, 3]
    assert numbers(pick([row(1, 2, 3), row(4, 5, 6)], {UUID(int=2)}, 3)) == [4, 5, 6]


def test_rather_the_next_row_than_a_single_seat_left_over():
    assert numbers(pick([row(1, 2, 3), row(4, 5)], set(), 2)) == [4, 5]
    assert numbers(pick([row(1, 2, 3)], set(), 2)) == [1, 2]


def test_scattered_if_there_is_no_other_way():
    taken = {UUID(int=2), UUID(int=5)}
    assert numbers(pick([row(1, 2, 3), row(4, 5, 6)], taken, 3)) == [1, 3, 4]
    assert pick([row(1, 2)], set(), 3) is None


@given(
    taken=st.sets(st.integers(1, 30)),
    count=st.integers(1, 10),
    width=st.integers(1, 10),
)
def test_free_distinct_and_as_many_as_wanted(taken, count, width):
    rows = [row(*range(start, start + width)) for start in range(1, 31, width)]
    busy = {UUID(int=number) for number in taken}
    found = pick(rows, busy, count)
    free = [seat for found_row in rows for seat in found_row if seat not in busy]
    if found is None:
        assert len(free) < count
    else:
        assert len(set(found)) == count
        assert set(found) <= set(free)
