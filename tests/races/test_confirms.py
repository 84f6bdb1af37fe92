"""Two processes confirm at one moment: one reference, one key, one hold; with controls."""

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.sales.errors import AlreadyConfirmedError, ReferenceTakenError
from tests.lengths import RUNS
from tests.races.unguarded import change_function, drop, write_late
from tests.wishes import confirm_wish, two_processes

TIMES = 12


@pytest.fixture
def offer_id(hub):
    return hub.offer_id("ann", hub.on_sale()["id"])


def orders():
    with transaction() as session:
        return session.scalar(text("SELECT count(*) FROM sale_order"))


def refusals(answers):
    return [type(answer) for answer in answers if isinstance(answer, HubError)]


def referenced(hub, offer_id):
    """Confirm two holds under one reference, again and again; return who was refused."""
    found = []
    for no in range(TIMES):
        holds = [hub.hold("ann", [(offer_id, 1)]) for _ in range(2)]
        wishes = [confirm_wish(hub, hold["id"], f"r{no}") for hold in holds]
        found += refusals(two_processes(*wishes))
    return found


def test_of_two_processes_with_one_reference_one_has_it(hub, offer_id):
    assert referenced(hub, offer_id) == [ReferenceTakenError] * TIMES
    assert orders() == TIMES
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_its_constraint_both_have_the_reference(
    hub, offer_id, owner_url, monkeypatch, run
):
    drop(owner_url, "sale_order", "uq_sale_order_agent_id_reference")
    write_late(monkeypatch)
    assert len(referenced(hub, offer_id)) < TIMES, f"run {run}"


def keyed(hub, offer_id):
    """Send one confirm twice, again and again; return answers that are no replay."""
    odd = []
    for no in range(TIMES):
        hold = hub.hold("ann", [(offer_id, 1)])
        same = [confirm_wish(hub, hold["id"], f"r{no}", key=f"k{no}") for _ in range(2)]
        answers = two_processes(*same)
        odd += refusals(answers)
        if not odd:
            assert sorted(answer.is_replay for answer in answers) == [False, True]
            assert answers[0].body == answers[1].body
    return odd


def test_one_key_in_two_processes_is_answered_once_and_replayed(hub, offer_id):
    assert keyed(hub, offer_id) == []
    assert orders() == TIMES
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_if_keys_are_not_read_under_the_lock_a_repeat_is_refused(
    hub, offer_id, owner_url, run
):
    known = "ON (i.world, i.owner_id, i.key) = (k.w, k.o, k.k)"
    change_function(owner_url, "lock_sales", known, "ON false")
    assert keyed(hub, offer_id), f"run {run}"


def held(hub, offer_id):
    """Confirm one hold under two references, again and again; return the refusals."""
    found = []
    for _ in range(TIMES):
        hold = hub.hold("ann", [(offer_id, 1)])
        wishes = [confirm_wish(hub, hold["id"]) for _ in range(2)]
        found += refusals(two_processes(*wishes))
    return found


def test_one_hold_in_two_processes_is_sold_once(hub, offer_id):
    assert held(hub, offer_id) == [AlreadyConfirmedError] * TIMES
    assert orders() == TIMES
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_its_lock_a_hold_is_sold_twice(
    hub, offer_id, owner_url, monkeypatch, run
):
    """The unique hold and the credit reserved would find it out: they are gone too."""
    drop(owner_url, "sale_order", "uq_sale_order_hold_id")
    drop(owner_url, "credit", "ck_credit_reserved_minor")
    locked = "WHERE id = ANY(v_confirm || v_grant)\n              ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
    unlocked = "WHERE id = ANY(v_confirm || v_grant)"
    change_function(owner_url, "lock_sales", locked, unlocked)
    write_late(monkeypatch)
    assert len(held(hub, offer_id)) < TIMES, f"run {run}"
