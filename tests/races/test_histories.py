"""Histories of two server processes and many callers, checked against the database."""

import random
import threading
import time
from dataclasses import replace

import pytest
import requests

from tests.lengths import IS_LONG
from tests.races import witness
from tests.races.test_sold_once import UNGUARDED
from tests.races.unguarded import remove_the_guard
from tests.races.witness import Call, violations
from tests.servers import serving

CALLERS = 10
TURNS = 30
SEEDS = range(20 if IS_LONG else 1)
PLAN = {
    "rules": [
        {
            "area": "floor",
            "rules": [
                {
                    "channel": "online",
                    "rules": [
                        {"agent": "ann", "kind": "fixed", "seats": 30, "ceiling": 60},
                        {"agent": "bob"},
                    ],
                }
            ],
        }
    ]
}


class Caller(threading.Thread):
    """Holds, releases and confirms as its dice fall, and notes what it saw."""

    def __init__(self, name, agent, urls, hub, offer_id):
        super().__init__(name=name)
        self.dice = random.Random(name)  # noqa: S311
        self.agent, self.urls, self.offer_id = agent, urls, offer_id
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {hub.keys[self.agent]}"
        self.calls, self.own, self.failed, self.turns = [], [], None, TURNS

    def run(self):
        try:
            for turn in range(self.turns):
                self.act(turn)
        except Exception as error:  # noqa: BLE001 - told by the test
            self.failed = error

    def act(self, turn):
        what = self.dice.choice(["hold"] * 5 + ["release"] * 3 + ["confirm"])
        if what == "hold" or not self.own:
            seats = self.dice.randint(1, 8)
            line = {"offer_id": self.offer_id, "quantity": seats}
            where = ("POST", "/v1/holds")
            self.send("hold", seats, where, turn, json={"lines": [line]})
            return
        hold_id, seats = self.own.pop(self.dice.randrange(len(self.own)))
        if what == "release":
            where = ("DELETE", f"/v1/holds/{hold_id}")
            self.send("release", seats, where, turn, hold_id=hold_id)
        else:
            body = {"hold_id": hold_id, "reference": f"{self.name}-{turn}"}
            where = ("POST", "/v1/orders")
            self.send("confirm", seats, where, turn, hold_id=hold_id, json=body)

    def send(self, what, seats, request, turn, *, hold_id=None, **more):
        method, path = request
        url = self.dice.choice(self.urls)
        headers = {"Idempotency-Key": f"{self.name}-{turn}"}
        invoked = time.time()
        reply = self.http.request(
            method, f"{url}{path}", headers=headers, timeout=30, **more
        )
        returned, body = time.time(), reply.json()
        if what == "hold" and reply.status_code == 201:
            hold_id = body["id"]
            self.own.append((hold_id, seats))
        self.calls.append(
            Call(
                *(what, self.agent, seats, invoked, returned),
                *(reply.status_code, body.get("code"), hold_id),
            )
        )


def history(hub, owner_url, seed, *, turns=TURNS, **options):
    """Let everybody loose; return what the witness has, and what the callers saw."""
    sold = hub.on_sale(PLAN, floor=120)
    offer_id = hub.offer_id("ann", sold["id"])
    for who in ("ann", "bob"):  # leaves are made before: the witness begins with them
        held = hub.hold(who, [(offer_id, 1)])
        hub.call(who, "DELETE", f"/v1/holds/{held['id']}")
    witness.install(owner_url)
    with (
        serving(hub.settings, **options) as (first, _),
        serving(hub.settings, **options) as (second, _),
    ):
        callers = [
            Caller(f"{seed}-{n}", ("ann", "bob")[n % 2], [first, second], hub, offer_id)
            for n in range(CALLERS)
        ]
        for caller in callers:
            caller.turns = turns
            caller.start()
        for caller in callers:
            caller.join()
    assert [caller.failed for caller in callers if caller.failed] == []
    record = witness.read(owner_url, sold["id"])
    return record, [call for caller in callers for call in caller.calls]


@pytest.mark.parametrize("is_batching", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_history_is_one_the_database_can_witness(
    hub, owner_url, seed, is_batching
):
    hub.settings = replace(hub.settings, is_batching=is_batching)
    record, calls = history(hub, owner_url, seed)
    told = [call.code for call in calls if call.what == "hold"]
    assert told.count("allotment-exhausted") > 5
    assert told.count(None) > 40
    assert violations(record, calls) == []
    hub.assert_lawful()


@pytest.mark.parametrize("run", range(5 if IS_LONG else 1))
def test_control_without_the_guard_no_witness_agrees(hub, owner_url, run):
    remove_the_guard(owner_url)
    record, calls = history(hub, owner_url, run, turns=4, target=UNGUARDED)
    assert any("its holds" in said for said in violations(record, calls))


@pytest.fixture
def good(hub, owner_url):
    record, calls = history(hub, owner_url, "good")
    assert violations(record, calls) == []
    return record, calls


def test_control_forged_histories_are_found(good):
    """The check itself: one history is forged in every way it is meant to find."""
    record, calls = good
    held = [c for c in calls if (c.what, c.status) == ("hold", 201)]
    small = min(held, key=lambda call: call.invoked)

    def told(*forged, without=()):
        kept = [call for call in calls if call not in without]
        return " ".join(violations(record, [*kept, *forged]))

    assert "1 rows, 0 answers" in told(without=[small])
    assert "0 rows, 1 answers" in told(replace(small, hold_id="0" * 32))
    assert "1 rows, 2 answers" in told(replace(small))
    refused = replace(small, status=409, code="allotment-exhausted", seats=1)
    refused = replace(refused, returned=small.invoked)  # all is free at that moment
    assert "there all the time" in told(refused)  # the first call of all: all is free
    own = replace(refused, agent="ann")
    assert "refused its guarantee" in told(own)
    late = replace(small, invoked=time.time(), returned=time.time())
    assert "had returned" in told(late, without=[small])
    gone = replace(small, what="release", status=200, hold_id="0" * 32)
    assert "release of" in told(gone)
    sold = next(c for c in calls if (c.what, c.status) == ("confirm", 201))
    assert "confirm of" in told(without=[sold])
    assert "confirm of" in told(replace(sold, hold_id="0" * 32))
    late = replace(sold, invoked=time.time(), returned=time.time())
    assert "had returned" in told(late, without=[sold])
    change = next(c for c in record.changes if any(s == "held" for _, s in c.holds))
    areas = [n for n, found in record.nodes.items() if found.level == "area"]
    area = next(n for n in areas if record.nodes[n].ceiling == 120)
    change.counts[area] = 121
    assert "area has 121 of 120" in told()
