"""Work on several things at a time: in order, and no further than it has to."""

import threading
import time

import pytest

from hub.kernel.pools import each_of


def test_what_is_made_comes_in_order_and_two_at_a_time():
    at_once, most, lock = 0, [0], threading.Lock()

    def work(no):
        nonlocal at_once
        with lock:
            at_once += 1
            most[0] = max(most[0], at_once)
        time.sleep(0.02 if no % 3 else 0.06)
        with lock:
            at_once -= 1
        return no * no

    assert list(each_of(range(9), work, at_once=2)) == [n * n for n in range(9)]
    assert most[0] == 2
    assert list(each_of([], work, at_once=2)) == []


def test_after_a_failure_nothing_else_is_begun():
    begun = []

    def work(no):
        begun.append(no)
        if no == 1:
            raise ValueError(no)
        time.sleep(0.2)

    with pytest.raises(ValueError, match="1"):
        list(each_of(range(20), work, at_once=2))
    assert sorted(begun) == [0, 1]


def test_who_stops_listening_stops_it():
    begun = []

    def work(no):
        begun.append(no)
        time.sleep(0.01)
        return no

    for made in each_of(range(50), work, at_once=2):
        if made == 3:
            break
    assert len(begun) < 10
