"""A server killed, or PostgreSQL stopped as by a power cut, in the middle of a rush.

No hold or order that was acknowledged is lost, none is invented or made twice, and
every law holds.
"""

import random
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy import text

from hub import migrations
from hub.config import load
from hub.kernel import db
from hub.kernel.db import transaction
from hub.kernel.embedded import Embedded
from hub.verify import verify
from tests.hubs import SECRET, Hub
from tests.lengths import IS_LONG
from tests.servers import serving

SEEDS = range(50 if IS_LONG else 1)
CALLERS = 6
_HELD = text("SELECT id::text FROM hold")
_SOLD = text("SELECT reference, id::text, hold_id::text FROM sale_order")
_KEYS = text("SELECT key, coalesce(reply->>'held', reply->>'id') FROM idempotency_key")


class Storm:
    """Callers that hold, confirm and let go at random, and note what was answered.

    By the key of each request: what was sent, and the id that was acknowledged.
    """

    def __init__(self, url, key, offer_id):
        self.url, self.key, self.offer_id = url, key, offer_id
        self.sent, self.held, self.sold = set(), {}, {}
        self.lock = threading.Lock()

    def rage(self, seed, ends):
        callers = [
            threading.Thread(target=self.call, args=(f"{seed}-{no}", ends))
            for no in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    def call(self, name, ends):
        dice, http = random.Random(name), requests.Session()  # noqa: S311
        http.headers["Authorization"] = f"Bearer {self.key}"
        turn = 0
        while time.monotonic() < ends:
            turn += 1
            try:
                self.turn(dice, http, f"{name}-{turn}")
            except requests.RequestException:
                time.sleep(0.05)

    def turn(self, dice, http, name):
        line = {"offer_id": self.offer_id, "quantity": dice.randint(1, 3)}
        hold_id = self.post(http, "holds", name, {"lines": [line]}, self.held)
        choice = dice.random()
        if hold_id is None:
            return
        if choice < 0.4:
            body = {"hold_id": hold_id, "reference": name}
            self.post(http, "orders", f"o-{name}", body, self.sold)
        elif choice < 0.7:
            http.delete(f"{self.url}/v1/holds/{hold_id}", timeout=5)

    def post(self, http, what, key, body, noted):
        with self.lock:
            self.sent.add(key)
        url, headers = f"{self.url}/v1/{what}", {"Idempotency-Key": key}
        reply = http.post(url, json=body, headers=headers, timeout=5)
        if reply.status_code != 201:
            return None
        with self.lock:
            noted[key] = reply.json()["id"]
        return reply.json()["id"]

    def check(self):
        """Compare what was acknowledged with what is there; every law must hold."""
        with transaction() as session:
            holds = set(session.scalars(_HELD))
            orders = session.execute(_SOLD).all()
            kept = {key: i for key, i in session.execute(_KEYS) if key in self.sent}
        sold = {f"o-{reference}": order_id for reference, order_id, _ in orders}
        assert set(self.held.values()) <= holds, "an acknowledged hold is lost"
        assert self.sold.items() <= sold.items(), "an acknowledged order is lost"
        assert len({hold_id for _, _, hold_id in orders}) == len(orders), "sold twice"
        assert holds | set(sold.values()) == set(kept.values()), "made for nobody"
        assert len(kept) == len(holds) + len(sold), "asked for once and made twice"
        assert (self.held | self.sold).items() <= kept.items()
        assert verify().broken == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_server_loses_and_invents_nothing(hub, seed):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    with serving(hub.settings, workers=1, threads=8) as (url, child):
        ends = time.monotonic() + 2.5
        kill_at = 0.5 + random.Random(seed).random()  # noqa: S311
        killed: list[int] = []
        killer = threading.Timer(kill_at, kill_workers, (child.pid, killed))
        killer.start()
        storm = Storm(url, hub.keys["ann"], offer_id)
        storm.rage(seed, ends)
        killer.join()
    assert killed
    assert len(storm.held) > 5
    assert storm.sold
    storm.check()


def kill_workers(pid, killed):
    """Kill what granian runs, as it is at this moment; granian starts it again."""
    for process in psutil.Process(pid).children(recursive=True):
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue  # ended by itself between the look and the blow
        killed.append(process.pid)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_power_cut_of_the_database_loses_and_invents_nothing(tmp_path, seed):
    embedded = Embedded(tmp_path / "var")  # with fsync
    stores = embedded.start()
    try:
        migrations.upgrade(stores.owner_url)
        settings = load(
            {
                "HUB_VAR": str(Path(tmp_path)),
                "HUB_DATABASE_URL": stores.database_url,
                "HUB_REDIS_URL": stores.redis_url,
                "HUB_SECRET_KEY": SECRET,
                "HUB_LOG_LEVEL": "error",
                "HUB_RATE_PERCENT": "0",
                "HUB_AGENT_AT_ONCE": "0",
            }
        )
        engine = db.connect(stores.database_url)
        db.bind(engine)
        hub = Hub.open(settings, engine)
        sold = hub.on_sale()
        offer_id = hub.offer_id("ann", sold["id"])
        engine.dispose()
        with serving(settings, workers=1, threads=8) as (url, _):
            ends = time.monotonic() + 3.5
            cut_at = 0.7 + random.Random(seed).random()  # noqa: S311
            cut = threading.Timer(cut_at, embedded.postgres.crash)
            cut.start()
            storm = Storm(url, hub.keys["ann"], offer_id)
            storm.rage(seed, ends)
            cut.join()
        assert len(storm.held) > 5
        assert storm.sold
        storm.check()
        engine.dispose()
    finally:
        embedded.stop()
