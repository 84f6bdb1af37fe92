"""A server killed, or PostgreSQL stopped as by a power cut, in the middle of a rush.

No hold that was acknowledged is lost, none is invented, and every law holds.
"""

import os
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
from tests.servers import serving

SEEDS = range(50 if os.environ.get("HUB_SOAK") else 5)
CALLERS = 6
_HELD = text("SELECT id::text FROM hold")
_KEYS = text("SELECT key, reply->>'held' FROM idempotency_key")


def storm(url, key, offer_id, seed, may_go_on):
    """Hold, confirm and release at random until told to stop; return what was answered."""
    answered, sent, lock = {}, set(), threading.Lock()

    def call(caller):
        dice, http = random.Random(f"{seed}-{caller}"), requests.Session()  # noqa: S311
        http.headers["Authorization"] = f"Bearer {key}"
        turn = 0
        while may_go_on():
            name = f"{seed}-{caller}-{turn}"
            turn += 1
            with lock:
                sent.add(name)
            try:
                reply = http.post(
                    f"{url}/v1/holds",
                    json={
                        "lines": [
                            {"offer_id": offer_id, "quantity": dice.randint(1, 3)}
                        ]
                    },
                    headers={"Idempotency-Key": name},
                    timeout=5,
                )
                if reply.status_code == 201:
                    with lock:
                        answered[name] = reply.json()["id"]
                    follow(http, url, dice, reply.json()["id"], name)
            except requests.RequestException:
                time.sleep(0.05)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered, sent


def follow(http, url, dice, hold_id, name):
    choice = dice.random()
    if choice < 0.4:
        body = {"hold_id": hold_id, "reference": name}
        headers = {"Idempotency-Key": f"o-{name}"}
        http.post(f"{url}/v1/orders", json=body, headers=headers, timeout=5)
    elif choice < 0.7:
        http.delete(f"{url}/v1/holds/{hold_id}", timeout=5)


def check(answered, sent):
    with transaction() as session:
        holds = set(session.scalars(_HELD))
        stored = {key: found for key, found in session.execute(_KEYS) if key in sent}
    assert set(answered.values()) <= holds, "an acknowledged hold is lost"
    assert len(holds) == len(stored), "a hold nobody asked for, or asked for twice"
    assert set(stored.values()) == holds
    assert all(stored[name] == found for name, found in answered.items())
    assert verify().broken == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_server_loses_and_invents_nothing(hub, seed):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    ends = time.monotonic() + 2.5
    with serving(hub.settings, workers=1, threads=8) as (url, child):
        kill_at = 0.5 + random.Random(seed).random()  # noqa: S311
        killed: list[int] = []
        killer = threading.Timer(kill_at, kill_workers, (child.pid, killed))
        killer.start()
        answered, sent = storm(
            url, hub.keys["ann"], offer_id, seed, lambda: time.monotonic() < ends
        )
        killer.join()
    assert killed
    assert len(answered) > 5
    check(answered, sent)


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
            }
        )
        engine = db.connect(stores.database_url)
        db.bind(engine)
        hub = Hub.open(settings, engine)
        sold = hub.on_sale()
        offer_id = hub.offer_id("ann", sold["id"])
        engine.dispose()
        ends = time.monotonic() + 3.5
        with serving(settings, workers=1, threads=8) as (url, _):
            cut_at = 0.7 + random.Random(seed).random()  # noqa: S311
            cut = threading.Timer(cut_at, embedded.postgres.crash)
            cut.start()
            answered, sent = storm(
                url, hub.keys["ann"], offer_id, seed, lambda: time.monotonic() < ends
            )
            cut.join()
        assert len(answered) > 5
        check(answered, sent)
        engine.dispose()
    finally:
        embedded.stop()
