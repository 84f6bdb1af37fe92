"""Wishes as the resources make them, for tests that carry them out themselves."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

from allocation.rules.limits import hash_of_buyer
from hub.access import Callers
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.hot import hot_calls
from hub.kernel.idempotency import Claim, Key
from hub.kernel.ids import new_id
from hub.sales.services import committing, wishes
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import submit
from partners.rules import key_hash
from tests.hubs import SECRET, WORLD


def caller(hub, who):
    return Callers(0).find(key_hash(hub.keys[who], SECRET))


def hold_wish(hub, who, lines, key=None, *, ttl_s=900, buyer=None):
    """Price a wish outside any lock: lines are (offer id, count or [seat ids])."""
    hashed = None if buyer is None else hash_of_buyer(buyer)
    found = caller(hub, who)
    wanted = [
        {"offer_id": UUID(o), "quantity": n}
        if isinstance(n, int)
        else {"offer_id": UUID(o), "seat_ids": n}
        for o, n in lines
    ]
    said = key.encode() if key else b"d"
    claim = Claim(Key(WORLD, found.owner_id, key or str(uuid4())), said)
    with transaction() as session:
        more = {"claim": claim, "ttl_s": ttl_s, "buyer": hashed}
        return wishes.price(session, found, wanted, **more)


def again(wish):
    """Return the same wish as another request: a new key, a new hold."""
    key = replace(wish.claim.key, key=str(uuid4()))
    return replace(wish, claim=replace(wish.claim, key=key), hold_id=new_id())


def confirm_wish(hub, hold_id, reference=None, *, key=None, body=b"d", who="ann"):
    found = caller(hub, who)
    claim = Claim(Key(WORLD, found.owner_id, key or str(uuid4())), body)
    reference = reference or str(uuid4())
    return ConfirmWish(claim, WORLD, found.partner, UUID(str(hold_id)), reference)


def decide(*batch):
    """Carry wishes out in one transaction."""
    with hot_calls() as calls:
        return committing.STEPS.run(calls, list(batch))


def at_once(*works):
    """Do each in a thread of its own, all from one moment on; results or refusals."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        try:
            return work()
        except HubError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def two_processes(*wishes_):
    """Submit each to a committer of its own at the same moment; answers in order."""
    own = [committing.sale_committer() for _ in wishes_]
    return at_once(*map(partial, [submit] * len(own), own, wishes_))
