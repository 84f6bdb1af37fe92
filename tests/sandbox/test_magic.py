"""What is magic in a sandbox: performances, areas and seats, buyers."""

import time

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from hub.kernel.errors import Retry
from hub.sandbox.rules import LOST, MAGIC_HOST, SLOW_S
from hub.sandbox.services.magic import refusals
from hub.suppliers import work_off
from tests.dialects.test_tiqets import Tiqets

PERFORMANCES = {
    "sold-out": (1, "allotment-exhausted"),
    "last-two": (3, "allotment-exhausted"),
    "sales-closed": (1, "sales-closed"),
    "opens-later": (1, "sales-not-open"),
    "cancelled": (1, "performance-cancelled"),
    "postponed": (1, "performance-postponed"),
    "comes-back": (1, "allotment-exhausted"),
    "one-each": (1, "buyer-needed"),
    "credit": (3, "credit-exhausted"),
    "abroad": (1, "no-terms"),
}


def magic(word):
    return {"name": "Ada", "email": f"{word}@{MAGIC_HOST}"}


def test_a_sandbox_has_a_season_that_sells(rehearsal):
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    assert rehearsal.sell(hold)["state"] == "confirmed"


def test_performances_refuse_as_their_names_say(rehearsal):
    offers = offers_of(rehearsal)
    for ref, (count, code) in PERFORMANCES.items():
        lines = [{"offer_id": offers[ref], "quantity": count}]
        refused = rehearsal.post("/v1/holds", {"lines": lines}, None)
        assert refused["code"] == code, (ref, refused)


def offers_of(rehearsal):
    """Return an offer of each magic production's floor, on sale or not."""
    with transaction() as session:
        rows = session.execute(
            text(
                "SELECT s.ref, o.id FROM offer o JOIN performance_area pa ON pa.id ="
                " o.performance_area_id JOIN area a ON a.id = pa.area_id JOIN performance"
                " p ON p.id = pa.performance_id JOIN production s ON s.id = p.production_id"
                " WHERE p.world = :world AND a.ref = 'floor' ORDER BY p.starts_at DESC"
            ),
            {"world": rehearsal.world},
        )
        return {row.ref: str(row.id) for row in rows}


def test_one_each_is_one_for_a_buyer(rehearsal):
    one = rehearsal.show("one-each")
    rehearsal.hold(one, 1, buyer="ada@example.org")
    refused = rehearsal.hold(one, 1, buyer="ada@example.org", expect=409)
    assert refused["code"] == "cap-reached"
    rehearsal.hold(one, 1, buyer="bob@example.org")


def test_names_are_asked_for_and_taken_once(rehearsal):
    ada = {"name": "Ada", "id_type": "passport", "id_number": "P-1234"}
    named = rehearsal.show("named")
    hold = rehearsal.hold(named, 1)
    assert rehearsal.sell(hold, 422)["code"] == "real-name-required"
    rehearsal.sell(hold, holders=[ada])
    again = rehearsal.hold(named, 1)
    assert rehearsal.sell(again, 409, holders=[ada])["code"] == "name-taken"


def test_a_request_waits_for_its_supplier(rehearsal):
    asked = rehearsal.hold(rehearsal.show("on-request"), expect=202)
    assert asked["state"] == "requested"
    assert rehearsal.sell(asked, 409)["code"] == "hold-requested"
    path = f"/v1/sandbox/requests/{asked['id']}/decision"
    assert rehearsal.post(path, {"decision": "accept"}, 200)["state"] == "held"
    assert rehearsal.sell(asked)["state"] == "confirmed"


AT_HOLD = {
    "taken": (409, "supplier-refused"),
    "dearer": (409, "supplier-price"),
    "silent": (503, "supplier-silent"),
}


@pytest.mark.parametrize("area", sorted(AT_HOLD))
def test_what_goes_wrong_when_it_is_held(rehearsal, area):
    refused = rehearsal.hold(rehearsal.by_its_word(), area=area, expect=None)
    status, code = AT_HOLD[area]
    assert (refused["status"], refused["code"]) == (status, code), refused


def sold(rehearsal, area):
    hold = rehearsal.hold(rehearsal.by_its_word(), area=area)
    return rehearsal.sell(hold, None)


def test_all_goes_well(rehearsal):
    assert sold(rehearsal, "fine")["state"] == "confirmed"


def test_slowness_takes_two_seconds_an_answer(rehearsal):
    began = time.monotonic()
    assert sold(rehearsal, "slow")["state"] == "confirmed"
    assert time.monotonic() - began >= 4.0


@pytest.mark.parametrize("area", ["sold-lost", "pending"])
def test_what_is_not_known_is_confirmed_at_last(rehearsal, area):
    told = sold(rehearsal, area)
    assert told["state"] == "unknown", told
    found = rehearsal.settle(told["id"])
    assert found["state"] == "confirmed"
    assert len(found["tickets"]) == 2


@pytest.mark.parametrize("area", ["not-sold", "half"])
def test_what_was_not_sold_whole_is_taken_back(rehearsal, area):
    told = sold(rehearsal, area)
    assert rehearsal.settle(told["id"])["state"] == "rejected"


def test_a_sale_is_refused_by_its_supplier(rehearsal):
    assert sold(rehearsal, "refused")["code"] == "supplier-refused"


def test_a_lock_whose_answer_is_lost_is_let_go(rehearsal):
    told = rehearsal.hold(rehearsal.by_its_word(), area="lock-lost", expect=None)
    assert told["code"] == "supplier-silent"
    work_off(rehearsal.suppliers)
    with transaction() as session:
        states = session.scalars(text("SELECT state FROM rehearsal_order")).all()
    assert states == ["cancelled"]


def cancel(rehearsal, order, expect=None):
    path = f"/v1/orders/{order['id']}/cancellations"
    return rehearsal.post(path, {"ticket_ids": [order["tickets"][0]["id"]]}, expect)


def test_a_cancellation_is_refused_by_its_supplier(rehearsal):
    order = sold(rehearsal, "no-refund")
    refused = cancel(rehearsal, order)
    assert (refused["code"], refused["reason"]) == (
        "supplier-refused",
        "past-cancellation",
    )


def test_a_cancellation_whose_answer_is_lost_is_made(rehearsal):
    order = sold(rehearsal, "refund-lost")
    cancel(rehearsal, order, 202)
    rehearsal.work_off()
    states = [t["state"] for t in rehearsal.get(f"/v1/orders/{order['id']}")["tickets"]]
    assert sorted(states) == ["cancelled", "valid"]


def test_rows_of_the_stalls_do_what_areas_do(rehearsal):
    show = rehearsal.by_its_word()
    seats = rehearsal.get(f"/v1/performances/{show}/seats")["items"]
    taken = next(seat for seat in seats if seat["row"] == "taken")
    offer = rehearsal.offer(show, "stalls")
    lines = [{"offer_id": offer, "seat_ids": [taken["id"]]}]
    refused = rehearsal.post("/v1/holds", {"lines": lines}, None)
    assert refused.get("reason") == "seats-taken", refused


def test_a_buyer_is_refused_with_every_code_there_is(rehearsal):
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    for code, kind in refusals().items():
        if code == LOST:
            continue
        refused = rehearsal.sell(hold, None, buyer=magic(code))
        assert (refused["code"], refused["status"]) == (code, kind.status)
        assert refused["rehearsed"] is True
        assert refused["retry"] == str(kind.retry)
    assert len(refusals()) > 100
    assert rehearsal.sell(hold)["state"] == "confirmed"


def test_a_refusal_that_passes_says_when(rehearsal):
    lines = {"lines": [], "buyer": f"overloaded@{MAGIC_HOST}"}
    answer = rehearsal.hub.call(rehearsal.who, "POST", "/v1/holds", lines, key="k")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.get_json()["retry"] in {str(Retry.LATER), str(Retry.SAME_KEY)}


def test_an_answer_is_lost_once_and_then_told(rehearsal):
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    wanted = {"hold_id": hold["id"], "reference": "l-1", "buyer": magic(LOST)}
    lost = rehearsal.post("/v1/orders", wanted, 504, key="lost")
    assert lost["code"] == LOST
    order = rehearsal.post("/v1/orders", wanted, 201, key="lost")
    assert order["state"] == "confirmed"
    assert len(rehearsal.get("/v1/orders")["items"]) == 1


def test_a_slow_buyer_waits(rehearsal):
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    began = time.monotonic()
    assert rehearsal.sell(hold, buyer=magic("slow"))["state"] == "confirmed"
    assert time.monotonic() - began >= SLOW_S


def test_magic_is_not_for_the_world_outside(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    wanted = {"hold_id": hold["id"], "reference": "x", "buyer": magic("overloaded")}
    assert hub.post("ann", "/v1/orders", wanted, 201, key="o")["state"] == "confirmed"


def test_magic_is_said_in_any_language(rehearsal):
    tiqets = Tiqets(rehearsal.hub, rehearsal.who)
    product = tiqets.products()["Ordinary - Rehearsal hall"]
    when = next(iter(tiqets.slots(product)))
    held = tiqets.reserve(product, when, {"floor:adult": 1})
    gone = f"hold-expired@{MAGIC_HOST}"
    assert tiqets.book(held, gone, 400)["error_code"] == 3001
    tiqets.book(held, f"overloaded@{MAGIC_HOST}", 500)
    lost = f"{LOST}@{MAGIC_HOST}"
    tiqets.book(held, lost, 500)
    assert tiqets.book(held, lost)["tickets"]
    left = rehearsal.get("/v1/sandbox/checklist")["left"]
    assert not {"busy", "retry", "order", "hold", "catalogue"} & set(left)
