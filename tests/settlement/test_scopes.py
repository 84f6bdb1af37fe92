"""The most specific terms win; a moment belongs to one version."""

from datetime import UTC, datetime
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.rules.running import Bucket
from settlement.rules.scopes import DIMENSIONS, Scope, resolve
from tests.settlement.samples import NOON, line, terms

HERE = {name: name[0] for name in DIMENSIONS}
SOLD = line(**HERE)


def version(no, scope, **more):
    return terms("agent", scope=scope, terms_id=UUID(int=no), **more)


@pytest.mark.parametrize(
    ("wider", "narrower"),
    [
        ({}, {"supplier": "s"}),
        ({"supplier": "s"}, {"venue": "v"}),
        ({"venue": "v"}, {"production": "p"}),
        ({"production": "p"}, {"performance": "p"}),
        ({"venue": "v", "area": "a"}, {"performance": "p"}),
        ({"price_type": "p", "channel": "c"}, {"performance": "p"}),
        ({"performance": "p"}, {"performance": "p", "area": "a"}),
        ({"area": "a"}, {"price_type": "p"}),
        ({"price_type": "p"}, {"channel": "c"}),
        ({"supplier": "s", "venue": "v"}, {"production": "p", "area": "a"}),
    ],
)
def test_the_narrower_scope_wins(wider, narrower):
    found = [version(1, wider), version(2, narrower)]
    assert resolve(found, SOLD) is found[1]
    assert resolve(found[::-1], SOLD) is found[1]


def test_no_two_scopes_are_equally_narrow():
    """So one answer is always the best: two that match would have to be the same."""
    scopes = [
        Scope(**{name: HERE[name] for name in names})
        for size in range(len(DIMENSIONS) + 1)
        for names in combinations(DIMENSIONS, size)
    ]
    ranks = [scope.specificity for scope in scopes]
    assert len(set(ranks)) == len(scopes) == 2 ** len(DIMENSIONS)


@given(st.sampled_from(DIMENSIONS))
def test_terms_for_something_else_do_not_cover(name):
    assert resolve([version(1, {name: "other"})], SOLD) is None


def test_the_edge_of_a_validity_belongs_to_the_next():
    edge = datetime(2026, 1, 5, 12, tzinfo=UTC)
    old = version(1, {}, valid_until=edge)
    new = version(2, {}, valid_from=edge)
    assert resolve([old, new], line(sold_at=edge)) is new
    before = line(sold_at=edge.replace(hour=11, minute=59))
    assert resolve([old, new], before) is old
    assert resolve([old], line(sold_at=edge)) is None


def test_cinema_weeks_begin_at_a_time_on_the_contracts_clocks():
    thursdays = Bucket("cinema-week", "Asia/Shanghai", starts="thursday", at="06:00")
    at = datetime(2026, 1, 7, 21, 59, tzinfo=UTC)  # Thursday 05:59 in Shanghai
    assert thursdays.key(at, None, "") == "week:2026-01-01"
    assert thursdays.key(at.replace(hour=22, minute=0), None, "") == "week:2026-01-08"


def test_buckets_of_months_years_and_events():
    new_year = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)  # 2026 in Shanghai already
    assert Bucket("month", "Asia/Shanghai").key(new_year, None, "") == "month:2026-01"
    assert Bucket("year", "UTC").key(new_year, None, "") == "year:2025"
    assert Bucket("event", "UTC").key(new_year, None, "p9") == "event:p9"
    by_show = Bucket("month", "UTC", by="performance-date")
    assert by_show.key(new_year, NOON, "") == "month:2026-01"
    assert by_show.key(new_year, None, "") == "month:2025-12"
