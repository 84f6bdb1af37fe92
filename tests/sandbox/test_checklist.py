"""The list an agent works through before it goes live: ticked off from what was seen."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from allocation.services.releases import release_due_stages
from hub.catalogue.services.changes import number_changes
from hub.kernel.db import transaction
from hub.sales.services.noticing import tell_disruptions
from hub.sandbox.rules import ITEMS, LOST, MAGIC_HOST
from tests.dialects.reseller import Reseller
from tests.hubs import ZONE, offer, percent, performance
from tests.sandbox.rehearsing import Rehearsal


def cancel(rehearsal, order, count, expect=201):
    path = f"/v1/orders/{order['id']}/cancellations"
    ids = [t["id"] for t in order["tickets"][:count]]
    return rehearsal.post(path, {"ticket_ids": ids}, expect)


def catalogue(rehearsal):
    rehearsal.get("/v1/performances")


def availability(rehearsal):
    show = rehearsal.show("ordinary")
    rehearsal.get(f"/v1/performances/{show}/availability")


def hold(rehearsal):
    rehearsal.hold(rehearsal.show("ordinary"))


def release(rehearsal):
    held = rehearsal.hold(rehearsal.show("ordinary"))
    rehearsal.hub.call(rehearsal.who, "DELETE", f"/v1/holds/{held['id']}")


def lapse(rehearsal):
    held = rehearsal.hold(rehearsal.show("ordinary", -1))
    rehearsal.move(minutes=20)
    assert rehearsal.sell(held, 409)["code"] == "hold-expired"


def order(rehearsal):
    rehearsal.sell(rehearsal.hold(rehearsal.show("ordinary")))


def retry(rehearsal):
    held = rehearsal.hold(rehearsal.show("ordinary"))
    buyer = {"name": "Ada", "email": f"{LOST}@{MAGIC_HOST}"}
    wanted = {"hold_id": held["id"], "reference": "lost", "buyer": buyer}
    rehearsal.post("/v1/orders", wanted, 504, key="lost")
    rehearsal.post("/v1/orders", wanted, 201, key="lost")


def sold_out(rehearsal):
    rehearsal.hold(rehearsal.by_its_word(), area="taken", expect=409)


def closed(rehearsal):
    """An offer is known though nothing of it is for sale yet: it is looked up later."""
    show = rehearsal.show("closes-soon")
    offer = rehearsal.offer(show)
    rehearsal.move(days=2)
    lines = {"lines": [{"offer_id": offer, "quantity": 1}]}
    assert rehearsal.post("/v1/holds", lines, 409)["code"] == "sales-closed"


def changed(rehearsal):
    rehearsal.hold(rehearsal.by_its_word(), area="dearer", expect=409)


def busy(rehearsal):
    held = rehearsal.hold(rehearsal.show("ordinary"))
    buyer = {"name": "Ada", "email": f"overloaded@{MAGIC_HOST}"}
    rehearsal.sell(held, 503, buyer=buyer)


def unknown(rehearsal):
    told = rehearsal.sell(
        rehearsal.hold(rehearsal.by_its_word(), area="sold-lost"), 202
    )
    assert rehearsal.settle(told["id"])["state"] == "confirmed"


def taken_back(rehearsal):
    told = rehearsal.sell(rehearsal.hold(rehearsal.by_its_word(), area="half"), 202)
    assert rehearsal.settle(told["id"])["state"] == "rejected"


def cancel_part(rehearsal):
    sold = rehearsal.sell(rehearsal.hold(rehearsal.show("ordinary")))
    cancel(rehearsal, sold, 1)


def cancel_all(rehearsal):
    cancel(rehearsal, rehearsal.sell(rehearsal.hold(rehearsal.show("ordinary"))), 2)


def disruption(rehearsal):
    show = rehearsal.show("ordinary", -2)
    rehearsal.sell(rehearsal.hold(show))
    wanted = {"kind": "cancelled", "performance_id": show}
    rehearsal.post("/v1/sandbox/events", wanted, 202)
    rehearsal.hub.work()
    with transaction() as session:
        tell_disruptions(session)
        number_changes(session)
    [notice] = rehearsal.get("/v1/notices")["items"]
    rehearsal.post(f"/v1/notices/{notice['id']}/acknowledgement", None, 200)


def statement(rehearsal):
    rehearsal.sell(rehearsal.hold(rehearsal.show("ordinary", -3)))
    period = rehearsal.now().astimezone(ZoneInfo(ZONE)).strftime("%Y-%m")
    wanted = {"period": period}
    assert rehearsal.post("/v1/sandbox/closing", wanted, 409)["code"] == "period-open"
    rehearsal.move(days=32)
    closed = rehearsal.post("/v1/sandbox/closing", wanted, 200)
    assert {one["state"] for one in closed["statements"]} == {"closed"}
    again = rehearsal.post("/v1/sandbox/closing", wanted, 200)
    assert again == closed
    rows = []
    for one in closed["statements"]:
        path = f"/v1/statements/{one['id']}/lines"
        answer = rehearsal.hub.call(rehearsal.who, "GET", path)
        assert answer.status_code == 200
        rows += answer.get_data(as_text=True).splitlines()[1:]
    assert rows


STEPS = {
    "catalogue": catalogue,
    "availability": availability,
    "hold": hold,
    "release": release,
    "lapse": lapse,
    "order": order,
    "retry": retry,
    "sold-out": sold_out,
    "closed": closed,
    "changed": changed,
    "busy": busy,
    "unknown": unknown,
    "taken-back": taken_back,
    "cancel-part": cancel_part,
    "cancel": cancel_all,
    "disruption": disruption,
    "statement": statement,
}


def test_every_item_has_a_step():
    assert set(STEPS) == {item.ref for item in ITEMS}


def test_nothing_is_ticked_off_that_was_not_seen(rehearsal):
    found = rehearsal.get("/v1/sandbox/checklist")
    assert found["is_ready"] is False
    assert set(found["left"]) == set(STEPS)


@pytest.mark.parametrize("ref", sorted(STEPS))
def test_each_is_ticked_off_by_what_it_asks_for(rehearsal, ref):
    assert not rehearsal.is_done(ref)
    STEPS[ref](rehearsal)
    assert rehearsal.is_done(ref)
    assert rehearsal.item(ref)["count"] >= 1


def test_an_agent_works_through_it_all_and_the_operator_sees_it(rehearsal):
    for step in STEPS.values():
        step(rehearsal)
    found = rehearsal.get("/v1/sandbox/checklist")
    assert (found["left"], found["is_ready"]) == ([], True)
    hub = rehearsal.hub
    path = f"/v1/partners/{hub.ids['ann']}/sandbox"
    seen = hub.get("operator", path)
    assert seen["is_ready"] is True
    assert seen["world"] == rehearsal.world
    hub.assert_lawful()


def test_the_same_is_ticked_off_when_it_is_done_in_octo(rehearsal):
    octo = Reseller(rehearsal.hub, rehearsal.who)
    products = octo.call("GET", "/products")
    word = next(p for p in products if p["internalName"].startswith("Sold by its word"))

    def booked(option, **contact):
        days = octo.days(option) | {"productId": word["id"]}
        free = octo.call("POST", "/availability", days)[0]
        wanted = octo.wanted_of(word["id"], option, free["id"])
        held = octo.call("POST", "/bookings", wanted)
        said = {"contact": {"fullName": "Ada", **contact}}
        path = f"/bookings/{held['uuid']}/confirm"
        return path, said

    path, said = booked("sold-lost")
    pending = octo.call("POST", path, said)
    assert pending["status"] == "PENDING"
    rehearsal.work_off()
    assert octo.call("POST", path, said)["status"] == "CONFIRMED"
    path, said = booked("fine", emailAddress=f"{LOST}@{MAGIC_HOST}")
    octo.call("POST", path, said, expect=504)
    assert octo.call("POST", path, said)["status"] == "CONFIRMED"
    path, said = booked("fine", emailAddress=f"overloaded@{MAGIC_HOST}")
    refused = octo.call("POST", path, said, expect=503)
    assert refused["code"] == "overloaded"
    done = {"catalogue", "availability", "hold", "order", "retry", "busy", "unknown"}
    left = set(rehearsal.get("/v1/sandbox/checklist")["left"])
    assert not done & left


def test_the_clock_of_a_sandbox_is_its_partners_alone_and_moves_forward(rehearsal):
    hub, before = rehearsal.hub, rehearsal.now()
    outside = hub.get("operator", "/v1/clock")["now"]
    rehearsal.move(days=3)
    assert (rehearsal.now() - before).days == 3
    moved = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    assert (moved - datetime.fromisoformat(outside)).days == 0
    back = {"now": before.isoformat()}
    refused = hub.call(rehearsal.who, "PUT", "/v1/sandbox/clock", back)
    assert refused.get_json()["code"] == "clock-backwards"
    for who in ("ann", "sup"):
        refused = hub.call(who, "PUT", "/v1/sandbox/clock", back)
        assert refused.get_json()["code"] == "no-sandbox"


def test_what_is_kept_for_another_agent_comes_back_a_week_before(rehearsal):
    show = rehearsal.show("comes-back")
    areas = rehearsal.hub.areas(rehearsal.who, show)
    assert areas["floor"]["available"] == 0
    rehearsal.move(days=24)
    with transaction() as session:
        while release_due_stages(session):
            pass
    rehearsal.hub.app.extensions["availability_cache"]._entries.clear()
    assert rehearsal.hub.areas(rehearsal.who, show)["floor"]["available"] > 0


def test_a_sandbox_has_the_terms_its_partner_has_outside(hub):
    hub.agree("ann", percent(1_234), valid_from="2031-01-01T00:00:00Z")
    rehearsal = Rehearsal(hub)
    with transaction() as session:
        rates = session.execute(
            text(
                "SELECT t.clauses->'commission' FROM terms t JOIN contract c"
                " ON c.id = t.contract_id JOIN sandbox s ON s.partner_id = c.partner_id"
                " WHERE c.currency = 'EUR'"
            )
        ).scalars()
        assert "1234" in str(list(rates))
    again = Rehearsal(hub, who="again")
    assert again.world == rehearsal.world
    assert again.get("/v1/performances")["items"]


def test_a_supplier_rehearses_its_feed(hub):
    rehearsal = Rehearsal(hub, "sup", "rehearsing-sup")
    assert rehearsal.get("/v1/sandbox")["productions"]
    before = hub.get("rehearsing-sup", "/v1/deliveries")["items"]
    assert [one["state"] for one in before] == ["done"]
    rehearsal.move(days=1)
    assert rehearsal.post("/v1/sandbox/closing", {"period": "2020-01"}, 200)
    own = [performance("gala", production="ordinary", auditorium="hall")]
    with transaction() as session:
        clock = text(
            "SELECT clock_timestamp() + clock_offset FROM world WHERE name = :w"
        )
        now = session.scalar(clock, {"w": rehearsal.world})
    own[0] |= {
        "starts_at": (now + timedelta(days=20)).isoformat(),
        "areas": [{"area": "floor", "capacity": 10}],
        "offers": [offer()],
    }
    done = hub.deliver(own, who="rehearsing-sup", feed="season")
    assert (done["state"], done["accepted"]) == ("done", 1), done
    with transaction() as session:
        gala = session.scalar(text("SELECT id FROM performance WHERE ref = 'gala'"))
    wanted = {"kind": "cancelled", "performance_id": str(gala)}
    assert (
        rehearsal.post("/v1/sandbox/events", wanted, 422)["field"] == "performance_id"
    )


def test_time_is_moved_within_what_the_hub_reckons_with(rehearsal):
    for at in ("9999-12-31T00:00:00Z", "2099-01-01T00:00:00Z"):
        refused = rehearsal.hub.call(
            rehearsal.who, "PUT", "/v1/sandbox/clock", {"now": at}
        )
        assert refused.status_code == 422


def test_a_month_before_the_first_leaves_nothing_open(rehearsal):
    rehearsal.sell(rehearsal.hold(rehearsal.show("ordinary", -3)))
    first = rehearsal.now().astimezone(ZoneInfo(ZONE))
    before = (first.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    long_before = (first - timedelta(days=65)).strftime("%Y-%m")
    for period in (long_before, before):
        rehearsal.post("/v1/sandbox/closing", {"period": period}, 200)
    rehearsal.move(days=32)
    period = {"period": first.strftime("%Y-%m")}
    assert rehearsal.post("/v1/sandbox/closing", period, 200)["statements"]


def test_two_do_not_close_at_once(rehearsal):
    with transaction() as session:
        session.execute(
            text(
                "UPDATE sandbox SET closing_until = clock_timestamp() + interval '1 min'"
            )
        )
    refused = rehearsal.post("/v1/sandbox/closing", {"period": "2020-01"}, 409)
    assert refused["code"] == "closing-running"


def test_what_was_only_asked_for_is_not_ticked_off(rehearsal):
    """A refusal by its code is no rehearsal of what leads to it."""
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    for code in (
        "hold-expired",
        "allotment-exhausted",
        "sales-closed",
        "offer-changed",
    ):
        buyer = {"name": "Ada", "email": f"{code}@{MAGIC_HOST}"}
        assert rehearsal.sell(hold, None, buyer=buyer)["code"] == code
    left = set(rehearsal.get("/v1/sandbox/checklist")["left"])
    assert {"lapse", "sold-out", "closed", "changed", "retry", "unknown"} <= left


def test_what_is_dearer_stays_so_and_what_is_cancelled_too(rehearsal):
    show = rehearsal.show("ordinary", 3)

    def happens(kind):
        wanted = {"kind": kind, "performance_id": show}
        rehearsal.post("/v1/sandbox/events", wanted, 202)
        rehearsal.hub.work()

    def told():
        with transaction() as session:
            return session.execute(
                text(
                    "SELECT p.status, max(o.face_minor) FROM performance p"
                    " JOIN performance_area a ON a.performance_id = p.id"
                    " JOIN offer o ON o.performance_area_id = a.id"
                    " WHERE p.id = :id AND NOT o.is_withdrawn GROUP BY p.status"
                ),
                {"id": show},
            ).one()

    happens("dearer")
    happens("postponed")
    assert told() == ("postponed", 3_600)
    happens("dearer")
    assert told() == ("postponed", 3_700)
    wanted = {"kind": "scheduled", "performance_id": show}
    rehearsal.post("/v1/sandbox/events", wanted, 202)
    assert rehearsal.post("/v1/sandbox/events", wanted, 422)["field"] == "kind"


def test_who_is_told_to_come_again_is_let_in(rehearsal):
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    buyer = {"name": "Ada", "email": f"overloaded@{MAGIC_HOST}"}
    wanted = {"hold_id": hold["id"], "reference": "again", "buyer": buyer}
    rehearsal.post("/v1/orders", wanted, 503, key="again")
    assert (
        rehearsal.post("/v1/orders", wanted, 201, key="again")["state"] == "confirmed"
    )


def test_what_was_unknown_is_a_sale_and_stays_so(rehearsal):
    """A cancellation that is asked after is none, and does not undo one."""
    word = rehearsal.by_its_word()
    sold = rehearsal.sell(rehearsal.hold(word, area="refund-lost"))
    cancel(rehearsal, sold, 1, 202)
    rehearsal.work_off()
    assert not rehearsal.is_done("unknown")
    told = rehearsal.sell(rehearsal.hold(word, area="sold-lost"), 202)
    found = rehearsal.settle(told["id"])
    assert rehearsal.is_done("unknown")
    cancel(rehearsal, found, 2)
    assert rehearsal.is_done("unknown")
