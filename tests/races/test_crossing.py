"""Many who want the same: seats, baskets in either order, what a surge left behind."""

import time
from collections import Counter
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from allocation.errors import SeatsTakenError
from allocation.queries.locks import lock_key
from hub.kernel import committer as kernel
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.sales.queries import sale
from hub.sales.services import committing, lapse
from hub.sales.services.placing import place_hold
from hub.sales.services.wishes import REQUEST
from hub.verify import verify
from tests.hubs import auditorium, performance, production, venue
from tests.lengths import RUNS
from tests.races.unguarded import (
    WINDOW_S,
    change_function,
    drop,
    remove_the_guard,
    write_late,
)
from tests.wishes import again, at_once, confirm_wish, hold_wish, two_processes

TIMES = 10
_AT_RANDOM = "ORDER BY random()"


def test_the_database_knows_a_performances_lock(hub):
    ids = [uuid4() for _ in range(50)] + [UUID(int=0), UUID(int=2**128 - 1)]
    asked = text("SELECT id, lock_key(id) FROM unnest(CAST(:ids AS uuid[])) AS id")
    with transaction() as session:
        found = dict(session.execute(asked, {"ids": ids}).all())
    assert found == {one: lock_key(one) for one in ids}


def seated(hub):
    """Have two processes hold overlapping seats; return those that were held twice."""
    sold = hub.on_sale(stalls=30)
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    seats = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    seats = [UUID(seat["id"]) for seat in seats]
    held = Counter()
    for first in range(0, 24, 2):
        pair = [seats[first : first + 4], seats[first + 2 : first + 5][::-1]]
        wishes = [hold_wish(hub, "ann", [(offer_id, chosen)]) for chosen in pair]
        answers = two_processes(*wishes)
        for chosen, answer in zip(pair, answers, strict=True):
            if not isinstance(answer, HubError):
                held.update(chosen)
            else:
                assert isinstance(answer, SeatsTakenError)
                assert {UUID(s["id"]) for s in answer.facts["seats"]} <= set(chosen)
    assert held
    return [seat for seat, times in held.items() if times > 1]


def test_i3_no_seat_is_held_twice(hub):
    assert seated(hub) == []
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_the_key_and_the_lock_seats_are_held_twice(
    hub, owner_url, monkeypatch, run
):
    remove_the_guard(owner_url)
    drop(owner_url, "seat_taken", "pk_seat_taken")
    write_late(monkeypatch)
    assert seated(hub), f"run {run}"


def noted(monkeypatch):
    """Return a list that notes every batch that has to be decided again."""
    stuck, is_retryable = [], kernel.is_retryable

    def note(error):
        stuck.append(error)
        return is_retryable(error)

    monkeypatch.setattr(kernel, "is_retryable", note)
    return stuck


def basketed(hub, monkeypatch):
    """Hold A and B against B and A, both ways round; return how often they got stuck."""
    big = [performance(ref, floor=1_000) for ref in ("p1", "p2", "p3")]
    hub.deliver([venue(), auditorium(standing=1_000), production(), *big])
    hub.plan()
    sold = hub.get("ann", "/v1/performances")["items"]
    offers = [hub.offer_id("ann", found["id"]) for found in sold]
    stuck = noted(monkeypatch)
    ways = [[(offer, 1) for offer in way] for way in (offers, offers[::-1])]
    wishes = [hold_wish(hub, ref, way) for ref in ("ann", "bob") for way in ways]
    for _ in range(5 * TIMES):
        answers = two_processes(*(again(wish) for wish in wishes))
        if stuck:
            break
        assert not any(isinstance(answer, HubError) for answer in answers)
    return stuck


def test_r20_baskets_in_either_order_never_wait_in_a_circle(hub, monkeypatch):
    assert basketed(hub, monkeypatch) == []
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_locked_in_any_order_they_do(hub, owner_url, monkeypatch, run):
    change_function(
        owner_url, "lock_sales", "ORDER BY cardinality(path) DESC, id", _AT_RANDOM
    )
    assert basketed(hub, monkeypatch), f"run {run}"


def granted(hub, monkeypatch, kind=REQUEST):
    """Grant requests while their agent tries to confirm them; return what got stuck."""
    rule = {"agent": "ann", "mode": "on-request"}
    own = {"channel": "online", "rules": [rule, {"agent": "bob"}]}
    offer_id = hub.offer_id("ann", hub.on_sale({"rules": [own]})["id"])
    stuck = noted(monkeypatch)
    write_late(monkeypatch)
    for _ in range(TIMES):
        made = hub.hold("ann", [(offer_id, 1)], expect=202)
        grant = hold_wish(hub, "ann", [(offer_id, 1)])
        grant = replace(grant, hold_id=UUID(made["id"]), kind=kind)
        answers = two_processes(grant, confirm_wish(hub, made["id"]))
        assert not isinstance(answers[0], HubError)
        if stuck:
            break
    return stuck


def test_a_request_is_granted_while_its_agent_tries_to_confirm_it(hub, monkeypatch):
    assert granted(hub, monkeypatch) == []
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_one_has_the_hold_and_wants_the_credit_the_other_has(
    hub, owner_url, monkeypatch, run
):
    held, locked = "SELECT unnest(v_held)", "SELECT unnest(v_locked)"
    change_function(owner_url, "lock_sales", held, locked)
    change_function(owner_url, "lock_sales", " SKIP LOCKED", "")
    assert granted(hub, monkeypatch, kind="hold"), f"run {run}"


def surged(hub):
    """Fill an area, let it all lapse, have many ask at once; return seats held then."""
    sold = hub.on_sale(floor=40)
    offer_id = hub.offer_id("ann", sold["id"])
    for _ in range(4):
        hub.hold("ann", [(offer_id, 10)])
    hub.move_clock(hours=2)
    wishes = [
        hold_wish(hub, ("ann", "bob")[no % 2], [(offer_id, 5)]) for no in range(10)
    ]
    own = [committing.sale_committer() for _ in range(2)]
    answers = at_once(
        *(partial(place_hold, own[no % 2], wish) for no, wish in enumerate(wishes))
    )
    return 5 * sum(not isinstance(answer, HubError) for answer in answers)


def test_what_a_surge_has_held_is_free_again_when_it_lapses(hub):
    """Holds that were given up stayed counted (emfcamp#1901)."""
    assert surged(hub) == 40
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_without_its_lock_what_lapses_is_given_back_twice(
    hub, monkeypatch, run
):
    locked = sale._LOCKED
    unlocked = {
        one: str(said).replace("FOR UPDATE OF h", "") for one, said in locked.items()
    }
    monkeypatch.setattr(
        sale, "_LOCKED", {one: text(said) for one, said in unlocked.items()}
    )

    def slowly(*said, real=lapse.end_holds):
        time.sleep(WINDOW_S)
        real(*said)

    monkeypatch.setattr(lapse, "end_holds", slowly)
    try:
        surged(hub)
    except (IntegrityError, OperationalError) as error:
        # Given back twice, or two who lapse the same holds wait in a circle.
        assert any(said in str(error) for said in ("ck_node_counts", "deadlock"))
    else:
        assert verify().broken, f"run {run}"
