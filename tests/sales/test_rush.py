"""What happened in review: holds among plan changes, twins, lapses and map changes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from allocation.errors import AllotmentExhaustedError, SeatsTakenError
from allocation.models import Node as NodeRow
from allocation.queries.locks import stop_performances
from allocation.queries.trees import lock_all_nodes
from allocation.services import sharing
from allocation.services.sharing import mend_cut_trees
from hub.kernel import clock, db
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Reply
from hub.sales.errors import OfferChangedError, PerformanceBusyError
from hub.sales.services import committing, placing
from hub.sales.services.halls import halls
from tests.hubs import WORLD, auditorium, performance, production, venue
from tests.lengths import RUNS
from tests.races.unguarded import WINDOW_S, drop
from tests.wishes import decide, hold_wish

_TAKE = text(
    "INSERT INTO seat_taken (performance_id, seat_id, hold_id) VALUES (:p, :s, :h)"
)


def channel(name, *agents, kind="free-sale", **more):
    return {"channel": name, "kind": kind, "rules": list(agents), **more}


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def mended():
    with transaction() as session:
        return mend_cut_trees(session)


def test_a_dropped_channel_keeps_the_seats_it_sold(hub):
    hub.add_partner("tom", "agent", channel="trade", commission_bp=100)
    sold = hub.on_sale(
        {"rules": [channel("online", agent("ann")), channel("trade", agent("tom"))]},
        floor=10,
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("tom", hub.hold("tom", [(offer_id, 10)]))
    hub.plan({"rules": [channel("online", agent("ann"))]})
    refused = hub.hold("ann", [(offer_id, 1)], expect=409)
    assert refused["code"] == "allotment-exhausted"
    hub.assert_lawful()


def test_a_guarantee_cut_for_holds_comes_back_when_they_go(hub):
    sold = hub.on_sale({"rules": [channel("online", agent("bob"))]}, floor=20)
    offer_id = hub.offer_id("bob", sold["id"])
    taken = [hub.hold("bob", [(offer_id, 10)]) for _ in range(2)]
    plan = {"rules": [channel("online", agent("ann", "fixed", seats=15), agent("bob"))]}
    hub.plan(plan)
    assert mended() == 0
    for found in taken:
        hub.call("bob", "DELETE", f"/v1/holds/{found['id']}")
    assert mended() == 1
    assert mended() == 0
    hub.hold("bob", [(offer_id, 5)])
    assert hub.hold("bob", [(offer_id, 1)], expect=409)["bound_by"] == "area"
    hub.hold("ann", [(offer_id, 10)])
    hub.hold("ann", [(offer_id, 5)])
    hub.assert_lawful()


def test_a_hopeless_wish_takes_no_seats_from_others_of_its_batch(hub):
    hub.deliver(
        [
            venue(),
            auditorium(rows=1, seats_in_row=10),
            production(),
            performance(stalls=10),
        ]
    )
    hub.plan(
        {
            "rules": [
                channel(
                    "online",
                    agent("ann", ceiling=1),
                    agent("bob", "fixed", seats=10),
                )
            ]
        }
    )
    sold = hub.get("bob", "/v1/performances")["items"][0]
    offer_id = hub.offer_id("bob", sold["id"], "stalls")
    hopeless, fair = decide(
        hold_wish(hub, "ann", [(offer_id, 10)]), hold_wish(hub, "bob", [(offer_id, 2)])
    )
    assert isinstance(hopeless, AllotmentExhaustedError)
    assert hopeless.facts["bound_by"] == "agent"
    assert isinstance(fair, Reply)
    hub.assert_lawful()


def overtaken_by_another(hub):
    """Hold seats that another takes between choice and write; both's seats."""
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    slow = committing.sale_committer(is_batching=False)
    mine = hold_wish(hub, "ann", [(offer_id, 2)])
    real, theirs = committing.said_of_holds, []

    def overtaken(batch):
        if not theirs:
            theirs.extend(batch.seating.keys(mine))
            with transaction() as other:
                for key in theirs:
                    taken = {"p": key[0], "s": key[1], "h": uuid4()}
                    other.execute(_TAKE, taken)
        return real(batch)

    committing.said_of_holds = overtaken
    try:
        reply = slow.submit(mine)
    finally:
        committing.said_of_holds = real
    mine = {UUID(seat["id"]) for seat in reply.body["lines"][0]["seats"]}
    return mine, {seat for _, seat in theirs}


def test_seats_are_chosen_again_when_another_process_was_faster(hub):
    mine, theirs = overtaken_by_another(hub)
    assert (len(mine), len(theirs), mine & theirs) == (2, 2, set())


@pytest.mark.parametrize("run", RUNS)
def test_control_without_the_key_of_a_seat_the_slower_has_it_too(hub, owner_url, run):
    drop(owner_url, "seat_taken", "pk_seat_taken")
    mine, theirs = overtaken_by_another(hub)
    assert mine == theirs, f"run {run}"


def test_explicit_seats_in_one_batch_go_to_the_first(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    seats = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    chosen = [UUID(seats[0]["id"]), UUID(seats[1]["id"])]
    first, second = decide(
        hold_wish(hub, "ann", [(offer_id, chosen)]),
        hold_wish(hub, "bob", [(offer_id, chosen[1:])]),
    )
    assert isinstance(first, Reply)
    assert isinstance(second, SeatsTakenError)
    hub.assert_lawful()


def test_one_key_in_one_batch_is_decided_once(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    same = [hold_wish(hub, "ann", [(offer_id, 1)], key="k") for _ in range(2)]
    first, second = decide(*same)
    assert (first.body["id"], first.is_replay, second.is_replay) == (
        second.body["id"],
        False,
        True,
    )
    other = hold_wish(hub, "ann", [(offer_id, 1)], key="k")
    other = replace(other, claim=Claim(other.claim.key, b"another body"))
    wrong, right = decide(other, hold_wish(hub, "ann", [(offer_id, 1)], key="k"))
    assert isinstance(wrong, HubError)
    assert right.is_replay
    hub.assert_lawful()


def asked_at_once_for_what_lapsed(hub):
    """Have eight ask at one moment for seats whose holds have lapsed; their statuses."""
    sold = hub.on_sale(floor=40)
    offer_id = hub.offer_id("ann", sold["id"])
    for _ in range(4):
        hub.hold("ann", [(offer_id, 10)])
    hub.move_clock(minutes=16)

    def one(number):
        with hub.app.test_client() as client:
            return client.post(
                "/v1/holds",
                json={"lines": [{"offer_id": offer_id, "quantity": 1}]},
                headers={
                    "Authorization": f"Bearer {hub.keys['bob']}",
                    "Idempotency-Key": str(number),
                },
            ).status_code

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(one, range(8)))


def test_seats_that_lapsed_are_found_by_all_who_ask_at_once(hub):
    assert asked_at_once_for_what_lapsed(hub) == {201}
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_if_one_gives_back_and_nobody_waits_some_find_nothing(
    hub, monkeypatch, run
):
    """Whoever finds the rows locked goes on, as if there were nothing to give back."""
    is_busy = threading.Lock()

    def not_waiting(*, real=placing._lapse, **whose):
        if not is_busy.acquire(blocking=False):
            return False
        try:
            time.sleep(10 * WINDOW_S)  # until all have asked
            return real(**whose)
        finally:
            is_busy.release()

    monkeypatch.setattr(placing, "_lapse", not_waiting)
    assert 409 in asked_at_once_for_what_lapsed(hub), f"run {run}"


def test_a_new_seat_map_is_seen_before_an_old_seat_is_held(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    old = hold_wish(hub, "ann", [(offer_id, 1)])
    hub.deliver([auditorium(version=2, seats_in_row=9)])
    assert isinstance(decide(old)[0], OfferChangedError)


def test_a_performance_being_changed_does_not_hold_up_the_others(hub):
    first = hub.on_sale()
    hub.deliver([performance("p2", days=31)])
    second = hub.get("ann", "/v1/performances")["items"][1]
    busy = hold_wish(hub, "ann", [(hub.offer_id("ann", first["id"]), 1)])
    free = hold_wish(hub, "ann", [(hub.offer_id("ann", second["id"]), 1)])
    with db.SessionFactory() as changing:
        stop_performances(changing, [busy.lines[0].offer.performance_id])
        waiting, placed = decide(busy, free)
        changing.rollback()
    assert isinstance(waiting, PerformanceBusyError)
    assert isinstance(placed, Reply)
    hub.assert_lawful()


def test_a_hold_waits_out_a_short_change(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    is_open, may_end = threading.Event(), threading.Event()

    def change():
        with transaction() as session:
            ids = session.scalars(text("SELECT id FROM performance")).all()
            stop_performances(session, ids)
            is_open.set()
            may_end.wait(10)

    changer = threading.Thread(target=change)
    changer.start()
    is_open.wait(10)
    threading.Timer(0.3, may_end.set).start()
    assert hub.hold("ann", [(offer_id, 1)])["state"] == "held"
    changer.join()


def test_a_performance_being_changed_holds_up_no_other(hub):
    hub.deliver([venue(), auditorium(), production(), performance(), performance("p2")])
    hub.plan()
    first, second = (i["id"] for i in hub.get("ann", "/v1/performances")["items"])
    offers = [hub.offer_id("ann", found) for found in (first, second)]
    batch = [
        hold_wish(hub, "ann", [(offers[0], 1)]),
        hold_wish(hub, "bob", [(offers[1], 1)]),
    ]
    with transaction() as session:
        stop_performances(session, [UUID(first)])
        lock_all_nodes(session, [UUID(first)])
        busy, fair = decide(*batch)
    assert isinstance(busy, PerformanceBusyError)
    assert isinstance(fair, Reply)
    hub.assert_lawful()


def test_what_is_known_of_seats_outlives_a_busy_moment(hub):
    """Nothing was answered, and that was read as: all of them are free."""
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    seats = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    taken = [UUID(seat["id"]) for seat in seats[:2]]
    first, second = (hold_wish(hub, ref, [(offer_id, taken)]) for ref in ("ann", "bob"))
    assert isinstance(decide(first)[0], Reply)
    hall = halls.hall(first.lines[0])
    with transaction() as session:
        stop_performances(session, [UUID(sold["id"])])
        assert isinstance(decide(second)[0], PerformanceBusyError)
        assert all(hall.is_taken(seat) for seat in taken)
    assert isinstance(decide(second)[0], SeatsTakenError)


def sold_while_changed(hub):
    """Hold and release while the feed changes the capacity; statuses of releases."""
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    statuses = []

    def sell(number):
        with hub.app.test_client() as client:
            headers = {"Authorization": f"Bearer {hub.keys['ann']}"}
            for turn in range(10):
                key = {"Idempotency-Key": f"{number}-{turn}"}
                made = client.post(
                    "/v1/holds",
                    json={"lines": [{"offer_id": offer_id, "quantity": 1}]},
                    headers=headers | key,
                ).get_json()
                if made.get("code") == "offer-changed":
                    continue  # the feed changed it three times meanwhile
                gone = client.delete(f"/v1/holds/{made['id']}", headers=headers)
                statuses.append(gone.status_code)

    with ThreadPoolExecutor(3) as pool:
        sales = [pool.submit(sell, number) for number in range(3)]
        version = 2
        while not all(sale.done() for sale in sales):
            hub.deliver([performance(version=version, floor=100 + version % 50)])
            version += 1
        for sale in sales:
            sale.result()
    assert len(statuses) >= 10
    return set(statuses)


def test_capacity_changes_and_releases_do_not_deadlock(hub):
    """Both lock a tree deepest first."""
    assert sold_while_changed(hub) == {200}
    hub.assert_lawful()


@pytest.mark.parametrize("run", RUNS)
def test_control_locked_from_the_top_they_do(hub, monkeypatch, run):
    def from_the_top(session, ids):
        wanted = select(NodeRow.id).where(NodeRow.performance_id.in_(ids))
        for node in session.scalars(wanted.order_by(text("cardinality(node.path)"))):
            own = select(NodeRow).where(NodeRow.id == node)
            session.execute(own.with_for_update())
            time.sleep(WINDOW_S)  # somebody comes from below meanwhile
        return lock_all_nodes(session, ids)

    monkeypatch.setattr(sharing, "lock_all_nodes", from_the_top)
    try:
        assert sold_while_changed(hub) != {200}, f"run {run}"
    except OperationalError as error:  # the change was the one that had to give way
        assert "deadlock" in str(error)


def test_a_channel_never_holds_more_than_its_ceiling(hub):
    plan = {"rules": [channel("online", agent("bob"), ceiling=30)]}
    sold = hub.on_sale(plan)
    offer_id = hub.offer_id("bob", sold["id"])
    hub.hold("bob", [(offer_id, 10)])
    hub.hold("bob", [(offer_id, 10)])
    hub.plan(
        {
            "rules": [
                channel(
                    "online",
                    agent("ann", "fixed", seats=30),
                    kind="fixed",
                    seats=30,
                    ceiling=30,
                )
            ]
        }
    )
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 10
    hub.hold("ann", [(offer_id, 10)])
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["bound_by"] == "channel"
    hub.assert_lawful()


def test_a_promise_cut_by_a_channels_ceiling_comes_back_and_mending_ends(hub):
    sold = hub.on_sale({"rules": [channel("online", agent("bob"))]}, floor=30)
    offer_id = hub.offer_id("bob", sold["id"])
    taken = [hub.hold("bob", [(offer_id, 10)]) for _ in range(2)]
    hub.plan(
        {
            "rules": [
                channel(
                    "online",
                    agent("ann", "fixed", seats=30),
                    agent("bob"),
                    kind="fixed",
                    seats=30,
                    ceiling=30,
                )
            ]
        }
    )
    assert hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"] == 10
    assert mended() == 0  # there is no room: it does not try for ever
    for found in taken:
        hub.call("bob", "DELETE", f"/v1/holds/{found['id']}")
    assert mended() == 1
    assert mended() == 0
    assert hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"] == 30
    assert hub.hold("bob", [(offer_id, 1)], expect=409)["code"] == "allotment-exhausted"
    hub.assert_lawful()


def test_cancellations_of_one_instant_are_lawful(hub, monkeypatch):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 3)]))
    with transaction() as session:
        instant = clock.now(session, WORLD)
    monkeypatch.setattr(clock, "now", lambda *_: instant)
    for ticket in order["tickets"]:
        hub.cancel("ann", order, [ticket["id"]])
    hub.assert_lawful()
