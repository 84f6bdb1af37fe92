"""Times as suppliers write them: every reader against what it must give back."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rules import times

ZONES = st.sampled_from(["Europe/Vienna", "Asia/Shanghai", "Australia/Sydney", "UTC"])
DAYS = st.dates(date(2001, 1, 1), date(2090, 1, 1))


@given(st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)), ZONES)
def test_a_wall_clock_is_read_back_unless_it_was_skipped(local, zone):
    found = times.at(local, zone)
    back = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    assert found.tzinfo is UTC
    assert back - local in {timedelta(0), timedelta(hours=1)}


@given(st.integers(0, 47), st.integers(0, 59), DAYS)
def test_times_of_day_in_every_form(hours, minutes, day):
    wanted = datetime(day.year, day.month, day.day) + timedelta(
        hours=hours, minutes=minutes
    )
    forms = [
        f"{hours}:{minutes:02d}",
        f"{hours:02d}:{minutes:02d}:00",
        str(hours * 100 + minutes),
    ]
    for said in forms:
        assert times.wall(day, said) == wanted


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)), st.integers(1, 23 * 60)
)
def test_an_end_before_its_start_is_of_the_next_morning(start, minutes):
    start = start.replace(second=0, microsecond=0)
    end = start + timedelta(minutes=minutes)
    assert times.ending(start, f"{end:%H:%M}") == end


@pytest.mark.parametrize("said", sorted(times.NEVER))
def test_zero_dates_are_none(said):
    assert times.wall_date(said) is None


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("205", (2, 5)),
        ("0205", (2, 5)),
        ("2005", (20, 5)),
        ("5", (0, 5)),
        ("25:10", (25, 10)),
    ],
)
def test_five_past_two_without_a_leading_nought(said, wanted):
    assert times.wall_time(said) == timedelta(hours=wanted[0], minutes=wanted[1])


@pytest.mark.parametrize("said", ["2460", "60", "48:00", "x", "", "-5"])
def test_what_is_no_time_is_refused(said):
    with pytest.raises(ValueError):
        times.wall_time(said)


def test_an_hour_that_is_there_twice_is_the_first_and_one_that_is_not_comes_after():
    assert times.at(datetime(2027, 10, 31, 2, 30), "Europe/Vienna") == datetime(
        2027, 10, 31, 0, 30, tzinfo=UTC
    )
    assert times.at(datetime(2027, 3, 28, 2, 30), "Europe/Vienna") == datetime(
        2027, 3, 28, 1, 30, tzinfo=UTC
    )
