"""What trees, their history and requests were at revision 0005 they are afterwards."""

import json
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import psycopg
import pytest

from allocation.rules.plans.stages import Bound
from hub import migrations
from hub.sales.api.steering import _asked
from tests.contract.test_migrations import empty  # noqa: F401 - a fixture

PERFORMANCE, PLAN, AGENT, AREA, LEAF, ORDER, OFFER, SEAT, HOLD, ASKED = (
    UUID(int=no) for no in range(1, 11)
)
KEY = "area:floor/agent:ann"
BEFORE = """
SET session_replication_role = replica;
INSERT INTO tree (performance_id, world, supplier_id, plan_id, bounds) VALUES
    (%(performance)s, 'live', %(plan)s, %(plan)s, %(bounds)s);
INSERT INTO node (id, world, performance_id, performance_area_id, key, level, path,
    agent_id, guarantee, ceiling, taken, overcommitted) VALUES
    (%(leaf)s, 'live', %(performance)s, %(area)s, %(key)s, 'agent',
    ARRAY[%(area)s::uuid], %(agent)s, 12, NULL, 9, 0);
INSERT INTO node_change (id, world, performance_id, node_id, key, cause, reason,
    guarantee_before, guarantee_after, unmade_before, unmade_after, taken, made_at)
    VALUES (%(plan)s, 'live', %(performance)s, %(leaf)s, %(key)s, 'plan', 'x', 40, 12, 0, 0, 9,
    now());
INSERT INTO order_line (order_id, no, performance_id, node_id, offer_id, quantity,
    cancelled, currency, face_minor, booking_fee_minor, quote) VALUES
    (%(order)s, 1, %(performance)s, %(leaf)s, %(offer)s, 9, 2, 'EUR', 1, 0, '{}');
INSERT INTO hold (id, world, agent_id, state, version, expires_at, kind) VALUES
    (%(hold)s, 'live', %(agent)s, 'held', 1, now(), 'hold'),
    (%(asked)s, 'live', %(agent)s, 'requested', 1, now(), 'request');
INSERT INTO hold_line (hold_id, no, performance_id, node_id, offer_id, quantity,
    owed_minor, seat_ids, quote_id) VALUES
    (%(hold)s, 1, %(performance)s, %(leaf)s, %(offer)s, 1, 0, '{}', %(plan)s),
    (%(asked)s, 1, %(performance)s, %(leaf)s, %(offer)s, 3, 0, '{}', %(plan)s),
    (%(asked)s, 2, %(performance)s, %(leaf)s, %(offer)s, 1, 0,
     ARRAY[%(seat)s::uuid], %(plan)s);
"""


@pytest.fixture
def after(empty):  # noqa: F811 - the fixture
    migrations.upgrade(empty, "0005")
    superuser = empty.replace("+psycopg", "").replace("hub_owner@", "postgres@")
    said = {
        "performance": PERFORMANCE,
        "plan": PLAN,
        "agent": AGENT,
        "area": AREA,
        "leaf": LEAF,
        "order": ORDER,
        "offer": OFFER,
        "seat": SEAT,
        "hold": HOLD,
        "asked": ASKED,
        "key": KEY,
        "bounds": json.dumps(
            {"area:floor": {"keep": 60}, KEY: {"keep": 25, "unsold": 5}}
        ),
    }
    with psycopg.connect(superuser) as connection:
        psycopg.ClientCursor(connection).execute(BEFORE, said)
    migrations.upgrade(empty)
    with psycopg.connect(superuser) as connection:
        yield connection


def test_what_was_released_is_kept_in_seats_and_has_fired(after):
    (bounds,) = after.execute("SELECT bounds FROM tree").fetchone()
    found = msgspec.convert(bounds, dict[str, Bound])
    assert {key: bound.keep for key, bound in found.items()} == {
        "area:floor": 60,
        KEY: 12,  # 7 confirmed and 5 more, which is fewer than 25
    }
    assert all(
        bound.has_seen(datetime(2026, 1, 1, tzinfo=UTC), str(PLAN))
        for bound in found.values()
    )


def test_a_change_says_whose_the_node_was_and_where(after):
    said = "SELECT agent_before, path_before, pool_before FROM node_change"
    assert after.execute(said).fetchone() == (AGENT, [AREA], None)


def test_a_request_that_waits_can_still_be_granted(after):
    said = dict(after.execute("SELECT id, wanted FROM hold").fetchall())
    assert said[HOLD] is None
    first, second = _asked(said[ASKED])["lines"]
    assert (first["offer_id"], first["quantity"]) == (OFFER, 3)
    assert (second["offer_id"], second["seat_ids"]) == (OFFER, [SEAT])
