"""Tills that sell through suppliers that fail: hold, confirm, let go, give back."""

import random
import time
from uuid import uuid4

from tests.simulators.faults import WIRE

SHARE = 1 / 3
REFUSALS = {
    *("supplier-refused", "supplier-unavailable", "supplier-silent"),
    *("allotment-exhausted", "hold-expired", "hold-voided", "sale-under-way"),
    *("must-also-cancel",),
}


def strike(faults, only):
    """Each fault of the wire in its part of a third of the calls that sell."""
    for name in WIRE:
        faults.set(name, only=only, share=SHARE / len(WIRE) * 1.15)


def clerk(hub, offers, seed):
    """One agent's till: hold, confirm, sometimes let go or give back."""
    dice = random.Random(seed)  # noqa: S311 - a test's
    who = dice.choice(("ann", "bob"))
    line = {"offer_id": dice.choice(offers[who]), "quantity": dice.randint(1, 3)}
    for _ in range(200):
        answered = hub.call(
            who, "POST", "/v1/holds", {"lines": [line]}, key=str(uuid4())
        )
        hold = answered.get_json()
        if hold.get("code") != "supplier-unavailable":
            break
        time.sleep(0.05)  # it was not asked: it does not answer of late
    if answered.status_code != 201:
        assert hold["code"] in REFUSALS, hold
        return
    if dice.random() < 0.1:
        hub.call(who, "DELETE", f"/v1/holds/{hold['id']}")
        return
    wanted = {"hold_id": hold["id"], "reference": f"R{seed}"}
    key = str(uuid4())
    answered = hub.call(who, "POST", "/v1/orders", wanted, key=key)
    again = hub.call(who, "POST", "/v1/orders", wanted, key=key)  # as who lost a reply
    order = answered.get_json()
    if answered.status_code not in {201, 202}:
        assert order["code"] in REFUSALS, order
        return
    if again.status_code in {201, 202}:
        assert again.get_json()["id"] == order["id"]
    if answered.status_code == 201 and dice.random() < 0.3:
        path = f"/v1/orders/{order['id']}/cancellations"
        answered = hub.call(who, "POST", path, {}, key=str(uuid4()))
        if answered.status_code not in {201, 202}:
            assert answered.get_json()["code"] in REFUSALS, answered.get_json()
