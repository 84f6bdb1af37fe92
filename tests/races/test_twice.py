"""The same thing twice, or two ends of one hold, at one moment; each with a control."""

import time
from collections import Counter
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.sales import queries
from hub.sales.errors import AlreadyCancelledError
from hub.sales.services import cancelling, committing, lapse
from hub.sales.services.placing import submit
from hub.verify import verify
from tests.lengths import RUNS
from tests.races.unguarded import (
    WINDOW_S,
    change_function,
    drop,
    write_late,
)
from tests.wishes import at_once, caller, confirm_wish, decide, hold_wish

TIMES = 10
EARLY_S = (0.0, 0.2, 0.4, 0.6)  # until it is a race, on a machine that is busy
_HOLD_LOCK = "WHERE id = ANY(v_confirm || v_grant)\n              ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"

_CREDIT_LOCK = "ORDER BY contract_id FOR NO KEY UPDATE"


@pytest.fixture
def offer_id(hub):
    return hub.offer_id("ann", hub.on_sale()["id"])


@pytest.fixture
def unlocked(monkeypatch):
    """Holds and orders are read without their lock, and time passes before the write."""

    def without(real):
        def read(*said, **more):
            found = real(*said, **more | {"lock": False})
            time.sleep(WINDOW_S)
            return found

        return read

    monkeypatch.setattr(queries, "get_hold", without(queries.get_hold))
    monkeypatch.setattr(queries, "get_order", without(queries.get_order))


def broken():
    return {fact["law"] for fact in verify().broken}


def released(hub, offer_id):
    """Have two let go of one hold, again and again; return what is broken by it."""
    who = caller(hub, "ann")

    def let_go(hold_id):
        with transaction() as session:
            lapse.release_hold(session, who, hold_id)

    for _ in range(TIMES):
        hold_id = UUID(hub.hold("ann", [(offer_id, 2)])["id"])
        hub.hold("ann", [(offer_id, 2)])  # or there is nothing to give back twice
        twice = [lambda h=hold_id: let_go(h)] * 2
        answers = at_once(*twice)
        assert not any(isinstance(a, HubError) for a in answers)
    return broken()


def test_i8_a_hold_is_let_go_once(hub, offer_id):
    assert released(hub, offer_id) == set()


@pytest.mark.usefixtures("unlocked")
@pytest.mark.parametrize("run", RUNS)
def test_control_without_its_lock_a_hold_gives_back_twice(hub, offer_id, run):
    assert "every count equals its sum" in released(hub, offer_id), f"run {run}"


def cancelled(hub, offer_id):
    """Cancel the same ticket twice at one moment; return how often it was refused."""
    who, refused = caller(hub, "ann"), Counter()

    def cancel(order):
        with transaction() as session:
            mine = [UUID(order["tickets"][0]["id"])]
            cancelling.cancel_tickets(session, who, UUID(order["id"]), mine)

    for _ in range(TIMES):
        order = hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
        answers = at_once(lambda o=order: cancel(o), lambda o=order: cancel(o))
        refused.update(type(a) for a in answers if isinstance(a, HubError))
    return refused


def test_i8_a_ticket_is_cancelled_once(hub, offer_id):
    assert cancelled(hub, offer_id) == {AlreadyCancelledError: TIMES}
    hub.assert_lawful()


@pytest.mark.usefixtures("unlocked")
@pytest.mark.parametrize("run", RUNS)
def test_control_without_its_lock_a_ticket_is_cancelled_twice(hub, offer_id, run):
    """The journal's unique entry would stop the second: it is taken away too."""
    try:
        refused = cancelled(hub, offer_id)
    except Exception as error:  # noqa: BLE001 - whatever the database says of it
        assert "uq_journal_entry" in str(error), f"run {run}"
    else:
        assert refused[AlreadyCancelledError] < TIMES, f"run {run}"


def ends(hub, offer_id, other):
    """Confirm holds while *other* ends them; return (orders, holds by state)."""
    subject = committing.sale_committer()
    answers = []
    for no in range(2 * TIMES):
        wish = hold_wish(hub, "ann", [(offer_id, 1)], ttl_s=1)
        committing.sale_committer(is_batching=False).submit(wish)
        mine = confirm_wish(hub, wish.hold_id)
        both = [partial(submit, subject, mine), partial(other, wish, no)]
        answers.append(at_once(*both)[0])
    with transaction() as session:
        states = Counter(session.scalars(text("SELECT state FROM hold")))
    return sum(not isinstance(a, HubError) for a in answers), states


def let_go(hub):
    who = caller(hub, "ann")

    def other(wish, no):
        time.sleep(0.001 * (no % 6))
        with transaction() as session:
            lapse.release_hold(session, who, wish.hold_id)

    return other


def test_i8_a_hold_is_confirmed_or_let_go(hub, offer_id):
    sold, states = ends(hub, offer_id, let_go(hub))
    assert states["confirmed"] == sold
    assert states["confirmed"] + states["released"] == 2 * TIMES
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_the_locks_it_is_both(
    hub, offer_id, owner_url, monkeypatch, run
):
    unlock(owner_url, monkeypatch)
    ends(hub, offer_id, let_go(hub))
    assert "every count equals its sum" in broken(), f"run {run}"


def unlock(owner_url, monkeypatch):
    """Confirm without locks on the hold and its credit, and without the last check."""
    change_function(
        owner_url, "lock_sales", _HOLD_LOCK, "WHERE id = ANY(v_confirm || v_grant)"
    )
    change_function(owner_url, "lock_sales", _CREDIT_LOCK, "")
    drop(owner_url, "credit", "ck_credit_reserved_minor")
    write_late(monkeypatch, 0.1)


def lapsing(hub, offer_id, early_s=0.0):
    """Confirm holds in the moment they lapse, and sweep all the time; return both.

    *early_s*: how much sooner they are confirmed, where the machine is busy.
    """
    wishes = [hold_wish(hub, "ann", [(offer_id, 1)], ttl_s=1) for _ in range(2 * TIMES)]
    subject = committing.sale_committer(is_batching=False)
    decide(*wishes)  # all at one moment, and so they lapse
    until = time.monotonic() + 1 - early_s

    def confirm(no):
        mine = confirm_wish(hub, wishes[no].hold_id)
        time.sleep(max(0.0, until - time.monotonic() + 0.02 * (no - TIMES)))
        return submit(subject, mine)

    def sweep():
        while time.monotonic() < until + early_s + 0.02 * TIMES + 0.3:
            with transaction() as session:
                lapse.lapse_due(session)

    each = [partial(confirm, no) for no in range(2 * TIMES)]
    *answers, _ = at_once(*each, sweep)
    with transaction() as session:
        states = Counter(session.scalars(text("SELECT state FROM hold")))
    return sum(not isinstance(a, HubError) for a in answers), states


def test_r18_a_hold_is_confirmed_in_time_or_lapses(hub, offer_id):
    sold = held = 0
    for early_s in EARLY_S:
        again, states = lapsing(hub, offer_id, early_s)
        sold, held = sold + again, held + 2 * TIMES
        assert states == Counter(confirmed=sold, lapsed=held - sold)
        if 0 < again < 2 * TIMES:
            break
    assert 0 < again < 2 * TIMES, "it was never a race"
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_the_locks_a_hold_lapses_and_is_confirmed(
    hub, offer_id, owner_url, monkeypatch, run
):
    unlock(owner_url, monkeypatch)
    for early_s in EARLY_S:
        lapsing(hub, offer_id, early_s)
        if found := broken():
            break
    assert found, f"run {run}"
