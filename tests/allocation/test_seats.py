"""Which seats go together: the best available, what is given up, what is left alone."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from allocation.rules.seat_plan import PlannedSeat, Row, compiled
from allocation.rules.seats import (
    Asked,
    Singles,
    _clean,
    _runs,
    best,
    from_row_ends,
    leaves_single,
)


def row(*numbers, **more):
    return [PlannedSeat(UUID(int=number), **more) for number in numbers]


def pick(rows, taken=(), count=1, *, free=None, **asked):
    plan = compiled(rows)
    gone = plan.masks([UUID(int=number) for number in taken])
    mine = free and plan.masks([UUID(int=number) for number in free])
    return [seat.int for seat in best(plan, mine, gone, Asked(count, **asked))]


def test_adjacent_in_the_best_row_nearest_the_middle():
    assert pick([row(*range(1, 10)), row(11, 12, 13)], count=3) == [4, 5, 6]
    assert pick([row(1, 2, 3), row(4, 5, 6)], [2], 3) == [4, 5, 6]


def test_rather_the_next_row_than_a_single_seat_left_over():
    assert pick([row(1, 2, 3), row(4, 5)], count=2) == [4, 5]
    assert pick([row(1, 2, 3)], count=2) == [1, 2]


def test_r8_a_single_seat_is_left_only_when_there_is_no_other_way():
    eight = row(*range(1, 9))
    assert pick([eight, row(*range(11, 16))], [1, 2], 5) == list(range(11, 16))
    assert pick([eight], [1, 2], 5) in ([3, 4, 5, 6, 7], [4, 5, 6, 7, 8])
    assert pick([eight], [1, 2], 5, singles=Singles.NEVER) == []
    assert pick([eight, row(*range(11, 16))], [1, 2], 5, singles=Singles.ALLOW)[0] < 9


def test_a_seat_that_was_alone_before_may_stay_alone():
    plan = compiled([row(1, 2, 3, 4)])
    assert not leaves_single(plan.rows[0], 0b0010, 0b1100)  # seat 1 was alone
    assert leaves_single(plan.rows[0], 0b0000, 0b0110)
    assert not leaves_single(plan.rows[0], 0b0000, 0b1111)


def test_nobody_sits_beside_somebody_across_an_aisle():
    left = [*row(1), PlannedSeat(UUID(int=2), is_before_aisle=True)]
    assert pick([[*left, *row(3, 4)]], count=3, is_adjacent=True) == []
    assert pick([[*left, *row(3, 4)]], count=2) == [1, 2]
    assert pick([[*left, *row(3, 4)]], [1, 2], count=2) == [3, 4]
    # Across the aisle two free seats are two single ones, and were so before.
    plan = compiled([[*left, *row(3, 4)]])
    assert leaves_single(plan.rows[0], 0, 0b0001)


def test_two_rows_behind_each_other_before_seats_anywhere():
    rows = [row(1, 2, 3), row(4, 5, 6), row(7, 8, 9)]
    assert pick(rows, [3, 6], 4) == [1, 2, 4, 5]


def test_scattered_if_there_is_no_other_way():
    assert pick([row(1, 2, 3), row(4, 5, 6)], [2, 5], 3) == [1, 3, 4]
    assert pick([row(1, 2, 3), row(4, 5, 6)], [2, 5], 3, is_adjacent=True) == []
    assert pick([row(1, 2)], count=3) == []


def test_sofas_are_sold_whole():
    sofa = row(1, 2, pair="a") + row(3, 4, pair="b") + row(5)
    assert pick([sofa], count=1) == [5]
    assert pick([sofa], [5], 1) == []
    assert pick([sofa], count=2) in ([1, 2], [3, 4])
    assert pick([sofa], count=3, is_adjacent=True) == [3, 4, 5]
    assert pick([sofa], [2], 4) == []  # half a sofa is nobody's


def test_a_companion_sits_beside_the_wheelchair_place():
    seats = [
        *row(1),
        *row(2, kind="wheelchair"),
        *row(3, kind="companion"),
        *row(4, 5),
        *row(6, kind="wheelchair"),
    ]
    assert pick([seats], count=2, accessible=1) == [2, 3]
    assert pick([seats], [3], 2, accessible=1) in ([1, 2], [5, 6])
    assert pick([seats], count=1, accessible=1) in ([2], [6])
    assert pick([seats], count=3, accessible=2) == []
    assert not {2, 3, 6} & set(pick([seats], count=3))


def test_wheelchair_places_leave_no_seat_alone_either():
    wheels = [
        *row(1),
        *row(2, kind="wheelchair"),
        *row(3, 4, 5),
        *row(6, kind="wheelchair"),
    ]
    assert pick([wheels], [5], 1, accessible=1) == [6]  # at 2 seat 1 would be alone
    assert pick([wheels], [5, 6], 1, accessible=1) == [2]
    assert pick([wheels], [5, 6], 1, accessible=1, singles=Singles.NEVER) == []
    assert pick([wheels], [], 1, accessible=1, singles=Singles.ALLOW) == [2]


def test_only_among_what_may_be_chosen():
    rows = [row(1, 2, 3, 4), row(5, 6, 7, 8)]
    assert pick(rows, count=2, free=[6, 7]) == [6, 7]
    assert pick(rows, [6], 2, free=[6, 7]) == []


def test_what_is_given_up_are_runs_from_the_ends_of_the_worst_rows():
    plan = compiled([row(1, 2, 3, 4), row(5, 6, 7, 8)])
    mine = [UUID(int=n) for n in (2, 3, 4, 5, 6, 7)]
    found = from_row_ends(plan, mine, 4)
    assert [seat.int for seat in found] == [7, 6, 5, 4]


@given(
    taken=st.sets(st.integers(1, 30)),
    count=st.integers(1, 10),
    width=st.integers(1, 10),
    singles=st.sampled_from([Singles.AVOID, Singles.ALLOW]),
)
def test_free_distinct_and_as_many_as_wanted(taken, count, width, singles):
    rows = [row(*range(start, start + width)) for start in range(1, 31, width)]
    found = pick(rows, taken, count, singles=singles)
    every = {seat.id.int for found_row in rows for seat in found_row}
    free = every - taken
    if not found:
        assert len(free) < count
    else:
        assert len(found) == len(set(found)) == count
        assert set(found) <= free


@given(
    taken=st.sets(st.integers(0, 11)), start=st.integers(0, 11), count=st.integers(1, 4)
)
def test_singles_are_what_they_are_by_their_definition(taken, start, count):
    seats = list(range(1, 13))
    place = {n for n in range(start, min(start + count, 12)) if n not in taken}

    def alone(gone):
        return {
            n
            for n in range(12)
            if n not in gone and all(m in gone for m in (n - 1, n + 1) if 0 <= m < 12)
        }

    plan = compiled([row(*seats)])
    mask = lambda found: sum(1 << n for n in found)  # noqa: E731
    wanted = bool(alone(taken | place) - alone(taken))
    assert leaves_single(plan.rows[0], mask(taken), mask(place)) == wanted


@given(
    size=st.integers(1, 14),
    starts=st.integers(0, 2**14 - 1),
    gone=st.integers(0, 2**14 - 1),
    hidden=st.integers(0, 2**14 - 1),
    count=st.integers(1, 6),
)
def test_what_leaves_no_single_is_found_for_all_places_at_once(
    size, starts, gone, hidden, count
):
    found = Row(tuple(UUID(int=n) for n in range(size)))
    found.starts, gone = starts & found.every | 1, gone & found.every
    mask = found.every & ~gone & ~hidden
    runs = _runs(found, mask, count)[-1]
    one_by_one = 0
    for bit in range(size):
        place = ((1 << count) - 1) << bit
        if runs >> bit & 1 and not leaves_single(found, gone, place):
            one_by_one |= 1 << bit
    assert _clean(found, runs, gone, count) == one_by_one
