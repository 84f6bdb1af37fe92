"""Confirming holds over HTTP: with postings, credit and totals, nothing left out."""

import json
from dataclasses import replace
from itertools import count

from sqlalchemy import text

from hub.kernel.callers import Caller, Kind
from hub.kernel.db import transaction
from hub.kernel.hot import hot_calls
from hub.kernel.idempotency import Claim, Key, Reply
from hub.kernel.ids import new_id
from hub.sales.services.committing import STEPS
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.wishes import price
from tests.bench.load import request

BATCH = 128
NUMBERS = count()
_CALLERS = text(
    "SELECT id, holder_id, world, partner_id, name FROM credential WHERE partner_id = :id"
)


def holds(hub, offer_id, wanted):
    """Place holds of one ticket each, in turn for two agents; return (key, hold)."""
    made = []
    wishes = [_wish(hub, ref, offer_id) for ref in ("ann", "bob")]
    for start in range(0, wanted, BATCH):
        batch = [_again(wishes[no % 2]) for no in range(start, start + BATCH)]
        with hot_calls() as calls:
            answers = STEPS.run(calls, batch)
        for no, answer in enumerate(answers):
            made.append((hub.keys[("ann", "bob")[no % 2]], answer.body["id"]))
    return made


def sell(hub, offer_id, wanted):
    """Hold and confirm tickets, one an order, in turn for two agents."""
    wishes = [_wish(hub, ref, offer_id) for ref in ("ann", "bob")]
    for start in range(0, wanted, BATCH):
        batch = [_again(wishes[no % 2]) for no in range(min(BATCH, wanted - start))]
        orders = [
            ConfirmWish(
                replace(w.claim, key=replace(w.claim.key, key=f"{w.claim.key.key}-o")),
                *(w.world, w.agent_id, w.hold_id, w.claim.key.key),
            )
            for w in batch
        ]
        for part in (batch, orders):
            with hot_calls() as calls:
                answers = STEPS.run(calls, part)
            assert all(isinstance(answer, Reply) for answer in answers)


def _wish(hub, ref, offer_id):
    with transaction() as session:
        row = session.execute(_CALLERS, {"id": hub.ids[ref]}).first()
        who = Caller(
            *(row.id, row.holder_id, row.world, Kind.AGENT, row.partner_id),
            *(frozenset({"write"}), None, row.name),
        )
        claim = Claim(Key(who.world, who.owner_id, "x"), b"x")
        lines = [{"offer_id": offer_id, "quantity": 1}]
        return price(session, who, lines, claim=claim, ttl_s=3_600)


def _again(wish):
    key = replace(wish.claim.key, key=f"bench-{next(NUMBERS)}")
    return replace(wish, claim=Claim(key, b"x"), hold_id=new_id())


def confirming(made):
    """Confirm one hold after the other, whoever calls."""
    left = iter(made)

    def confirm(_, __, wire):
        key, hold_id = next(left)
        number = next(NUMBERS)
        body = {"hold_id": hold_id, "reference": f"c{number}"}
        sent = request(
            "POST",
            "/v1/orders",
            body=json.dumps(body).encode(),
            key=key,
            idempotency=f"c{number}",
        )
        return [wire.send(sent)[0]]

    return confirm
