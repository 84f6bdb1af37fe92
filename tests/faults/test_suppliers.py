"""Sales through suppliers that fail in every way: both sides agree in the end.

Faults strike a third of all calls, and the box office sells seats beside us. When the
supplier answers again everything is known: what is sold here is sold there and the
other way round, nothing stays locked, nobody is charged for what it did not get.
"""

import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest
import requests
from sqlalchemy import text

from connectors.rules import breaking
from hub import serve
from hub.kernel.db import transaction
from tests.faults.test_killed_servers import kill_workers
from tests.faults.tills import clerk, strike
from tests.lengths import IS_LONG
from tests.servers import environment, serving
from tests.simulators.house import HouseError
from tests.simulators.hubs import opened
from tests.simulators.kinds import SELLERS, operations

ORDERS = 2_000 if IS_LONG else 60
KILLS = 25 if IS_LONG else 2  # of each kind
ALIVE_S = 1.5
IN_PROGRESS = "idempotency-in-progress"
PATIENCE_S = 90  # a server that is killed is up again long before, on a busy machine
AT_ONCE = 6
SELLING = operations("lock", "sell", "ask", "release", "cancel", "look")


@pytest.fixture
def quick(monkeypatch):
    """Suppliers that are asked again after moments, not minutes."""
    monkeypatch.setattr(breaking, "PAUSE_S", 0.05)


def box_office(house, times):
    """Sell seats at the cinema itself, as it does all day."""
    dice = random.Random(times)  # noqa: S311 - a test's
    for n in range(times):
        cinema = house.cinemas["0001"]
        session = dice.choice(list(cinema.sessions))
        try:
            house.lock(f"box{n}", cinema.id, session, [("STAL", "0001", 1)])
            house.sell(f"box{n}")
        except HouseError:
            continue


@pytest.mark.parametrize("kind", SELLERS)
def test_both_sides_agree_once_the_supplier_answers_again(hub, kind, quick):
    sessions = max(20, ORDERS // 6)
    there = {"sessions": sessions, "lock_s": 3_600}
    with opened(hub, kind, operation_ms=250, **there) as cinemas:
        cinemas.faults.delay_s = 0.4
        offers = {who: cinemas.every_offer(who) for who in ("ann", "bob")}
        cinemas.faults.calls.clear()  # reading has asked for some of it already
        strike(cinemas.faults, SELLING)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sold = pool.submit(box_office, cinemas.house, ORDERS // 5)
            tills = [pool.submit(clerk, cinemas.hub, offers, n) for n in range(ORDERS)]
            for till in [*tills, sold]:
                till.result()
        calls = sum(cinemas.faults.calls[name] for name in SELLING)
        assert calls > ORDERS, calls
        assert len(cinemas.faults.seen) / calls > 0.3, cinemas.faults.calls
        cinemas.faults.clear()
        cinemas.faults.let_all_through()  # what was given up may still be under way
        if not cinemas.can.own_order_key:  # locks whose keys were lost
            cinemas.let_locks_lapse()
        assert cinemas.work(120) == 0, cinemas.waiting()
        agree(cinemas)


class Till:
    """An agent over HTTP that asks again under the same key until it is answered."""

    def __init__(self, key, offers, halt):
        self.url, self.offers, self.halt = "http://127.0.0.1:9", offers, halt
        self.line = requests.Session()
        self.line.headers["Authorization"] = f"Bearer {key}"
        self.orders = {}

    def ask(self, path, body):
        key = {"Idempotency-Key": str(uuid4())}
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                answer = self.line.post(
                    self.url + path, json=body, headers=key, timeout=10
                )
            except requests.RequestException:
                time.sleep(0.2)
                continue
            if answer.status_code != 409 or answer.json()["code"] != IN_PROGRESS:
                return answer
            time.sleep(0.1)
        raise AssertionError(path)  # no server came up again, or it never tells

    def sell(self, seed):
        dice = random.Random(seed)  # noqa: S311 - a test's
        while not self.halt.is_set():
            line = {
                "offer_id": dice.choice(self.offers),
                "quantity": dice.randint(1, 3),
            }
            hold = self.ask("/v1/holds", {"lines": [line]})
            if hold.status_code != 201:
                continue
            wanted = {"hold_id": hold.json()["id"], "reference": str(uuid4())}
            order = self.ask("/v1/orders", wanted)
            if order.status_code in {201, 202}:
                self.orders[order.json()["id"]] = order.status_code


@contextmanager
def server_for(hub, tills):
    """Run a server and have the tills ask it."""
    with serving(hub.settings, workers=1, threads=8) as (url, child):
        for till in tills:
            till.url = url
        yield child


@contextmanager
def clerks(hub):
    """Run the worker that asks suppliers; yield what kills it and starts another."""
    command = [sys.executable, "-m", "hub.cli", "worker", "--only", "suppliers"]
    running = [serve.start(command, environment(hub.settings))]

    def kill():
        running[0].kill()
        running[0].wait()
        running[0] = serve.start(command, environment(hub.settings))

    try:
        yield kill
    finally:
        serve.stop(running)


@pytest.mark.parametrize("kind", SELLERS if IS_LONG else ["cmts", "octo"])
def test_killing_those_who_sell_loses_and_invents_nothing(hub, kind):
    there = {"sessions": 12, "lock_s": 3_600}
    with opened(hub, kind, operation_ms=600, **there) as cinemas:
        cinemas.faults.delay_s = 0.25
        cinemas.faults.set("delay-after", only=SELLING, share=0.5)
        cinemas.faults.set("drop", only=SELLING, share=0.1)
        offers = cinemas.every_offer(performances=12)
        halt, killed = threading.Event(), []
        tills = [Till(hub.keys["ann"], offers, halt) for _ in range(4)]
        with clerks(hub) as kill, ThreadPoolExecutor(4) as pool:
            sold = [pool.submit(till.sell, n) for n, till in enumerate(tills)]
            for _ in range(KILLS):
                with server_for(hub, tills) as child:
                    time.sleep(ALIVE_S)
                    kill_workers(child.pid, killed)
                    os.killpg(child.pid, signal.SIGKILL)
                    kill()
            halt.set()
            with server_for(hub, tills):
                for one in sold:
                    one.result()
        cinemas.faults.clear()
        cinemas.faults.let_all_through()  # what was given up may still be under way
        if not cinemas.can.own_order_key:
            cinemas.let_locks_lapse()
        assert len(killed) >= KILLS
        assert cinemas.work(60) == 0, cinemas.waiting()
        agree(cinemas, least=KILLS)
        for till in tills:
            till.line.close()
            for order_id, status in till.orders.items():
                state = hub.get("ann", f"/v1/orders/{order_id}")["state"]
                assert state == "confirmed" or (status, state) == (202, "rejected")


def agree(cinemas, least=ORDERS // 4):
    """Assert that both sides say the same, and that nobody pays for nothing."""
    ours = {cinemas.key_of(part) for part in cinemas.parts()}
    assert cinemas.sold_here() == cinemas.sold_there(ours)
    assert len(cinemas.sold_here()) > least
    keys = {key for key in cinemas.house.orders if not key.startswith("box")}
    # Nothing was sent under a key that nobody wrote down, or it came to nothing.
    cinemas.house.locks()  # what has run out is let go when somebody looks
    lost = {cinemas.house.orders[key].state for key in keys - ours}
    assert lost <= (set() if cinemas.can.own_order_key else {"lapsed"})
    standing = text(
        "SELECT h.id FROM hold h WHERE h.kind = 'live' AND h.state = 'held'"
        " AND (h.is_frozen OR NOT EXISTS (SELECT FROM supplier_order p"
        " WHERE p.hold_id = h.id AND p.state = 'locked'))"
    )
    odd = text(
        "SELECT count(*) FROM supplied_sale s LEFT JOIN sale_order o ON o.id = s.order_id"
        " WHERE s.state NOT IN ('confirmed', 'rejected')"
        " OR (s.state = 'confirmed') <> (o.id IS NOT NULL)"
    )
    with transaction() as session:
        assert session.scalars(standing).all() == []
        assert session.scalar(odd) == 0
        held = set(
            session.scalars(
                text("SELECT id FROM supplier_order WHERE state = 'locked'")
            )
        )
    locks = {order.key for order in cinemas.house.locks()}
    known = {cinemas.key_of(one) for one in cinemas.parts() if one["id"] in held}
    assert locks - known == set(), "a lock nobody knows of"
    cinemas.hub.assert_lawful()
