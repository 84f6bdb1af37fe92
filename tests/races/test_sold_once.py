"""Two server processes, 16 callers, 500 tries for 150 places: exactly 150 are held.

The control runs the same with the guard removed: it oversells, every time.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest
import requests
from sqlalchemy import text

from hub.kernel.db import transaction
from hub.verify import verify
from tests.lengths import IS_LONG, RUNS
from tests.races.unguarded import remove_the_guard
from tests.servers import serving

CALLERS = 16
TRIES = 500
PLACES = 150
UNGUARDED = "tests.races.unguarded:create_app"

_HELD = text(
    "SELECT coalesce(sum(l.quantity), 0) FROM hold_line l JOIN hold h"
    " ON h.id = l.hold_id WHERE h.state = 'held'"
)


def rush(urls, keys, offer_id):
    """Send all tries from 16 callers at once; return how often each status came."""
    statuses, numbers, local = [], count(), threading.local()

    def one_try(_):
        number = next(numbers)
        if not hasattr(local, "http"):
            local.http = requests.Session()
        reply = local.http.post(
            f"{urls[number % len(urls)]}/v1/holds",
            json={"lines": [{"offer_id": offer_id, "quantity": 1}]},
            headers={
                "Authorization": f"Bearer {keys[number % len(keys)]}",
                "Idempotency-Key": f"rush-{number}",
            },
            timeout=30,
        )
        statuses.append(reply.status_code)

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(one_try, range(TRIES)))
    return {status: statuses.count(status) for status in set(statuses)}


def race(hub, **options):
    """Return (answers by status, places held in the database)."""
    performance = hub.on_sale(floor=PLACES)
    offer_id = hub.offer_id("ann", performance["id"])
    keys = [hub.keys["ann"], hub.keys["bob"]]
    with (
        serving(hub.settings, **options) as (first, _),
        serving(hub.settings, **options) as (second, _),
    ):
        answers = rush([first, second], keys, offer_id)
    with transaction() as session:
        return answers, session.scalar(_HELD)


@pytest.mark.parametrize("is_batching", [True, False])
@pytest.mark.parametrize("run", range(25 if IS_LONG else 1))
def test_exactly_as_many_are_held_as_there_are(hub, run, is_batching):
    hub.settings = replace(hub.settings, is_batching=is_batching)
    answers, held = race(hub)
    assert answers == {201: PLACES, 409: TRIES - PLACES}
    assert held == PLACES
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_the_guard_oversells(hub, owner_url, run):
    remove_the_guard(owner_url)
    answers, held = race(hub, target=UNGUARDED)
    assert answers[201] > PLACES, f"run {run} was not caught"
    assert held > PLACES
    broken = {fact["law"] for fact in verify().broken}
    assert "every count equals its sum" in broken
