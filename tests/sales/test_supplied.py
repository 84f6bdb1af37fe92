"""What suppliers sell themselves: held in our tree and locked there, sold by their word."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import text

from connectors.ports import Answer, Standing
from hub.kernel.db import transaction
from hub.sales.services.lapse import lapse_due
from hub.sales.services.steering import void_all_stopped
from hub.sales.services.supplied import reconciling, tasks
from tests.simulators.faults import struck
from tests.simulators.hubs import Cinemas, opened, set_up
from tests.simulators.kinds import (
    FENCED,
    LOCKING,
    SEATED,
    SELLERS,
    operations,
    simulator,
)
from tests.simulators.serving import serving

SELL = {"only": operations("sell")}
LOCK = {"only": operations("lock")}
ASK = {"only": operations("ask")}
QUOTE = {"only": operations("lock", "quote")}


@pytest.fixture(params=SELLERS)
def cinemas(hub, request):
    with opened(hub, request.param) as found:
        yield found


@pytest.fixture(params=LOCKING)
def locking(hub, request):
    with opened(hub, request.param) as found:
        yield found


@pytest.fixture(params=FENCED)
def fenced(hub, request):
    with opened(hub, request.param) as found:
        yield found


@pytest.fixture(params=SEATED)
def seated(hub, request):
    with opened(hub, request.param) as found:
        yield found


@pytest.fixture
def vista(hub):
    with opened(hub, "vista") as found:
        yield found


@pytest.fixture
def cmts(hub):
    with opened(hub, "cmts") as found:
        yield found


def sold(cinemas, count=2, who="ann", **more):
    return cinemas.hub.confirm(
        who, cinemas.hub.hold(who, [(cinemas.offer(), count)]), **more
    )


def get(cinemas, order, who="ann"):
    return cinemas.hub.get(who, f"/v1/orders/{order['id']}")


def agree(cinemas, count):
    assert cinemas.sold_here() == cinemas.sold_there()
    assert len(cinemas.sold_here()) == count
    cinemas.hub.assert_lawful()


def test_a_sale_from_the_schedule_to_the_ticket(cinemas):
    hub = cinemas.hub
    assert len(cinemas.performances()) == 4
    hold = hub.hold("ann", [(cinemas.offer(), 2)])
    seats = 2 if cinemas.has_seats else 0
    assert (hold["state"], len(hold["lines"][0]["seats"])) == ("held", seats)
    assert len(cinemas.house.locks()) == cinemas.can.separate_lock
    order = hub.confirm("ann", hold)
    assert order["state"] == "confirmed"
    [there] = cinemas.house.orders.values()
    codes = {ticket["code"] for ticket in order["tickets"]}
    is_shared = len(codes) == 1
    assert codes == ({there.booking} if is_shared else set(there.codes.values()))
    assert is_shared == (cinemas.can.codes == "order")
    agree(cinemas, 2)


def test_a_hold_ends_before_the_suppliers_lock_does(locking):
    hub = locking.hub
    hold = hub.hold("ann", [(locking.offer(), 1)])
    [part] = locking.parts()
    with transaction() as session:
        left = session.scalar(
            text(
                "SELECT extract(epoch FROM :until - expires_at) FROM hold WHERE id = :id"
            ),
            {"until": part["lock_until"], "id": hold["id"]},
        )
    assert left >= 14


def test_a_repeat_of_a_hold_or_of_a_sale_gets_the_same_and_asks_nobody(cinemas):
    hub, key = cinemas.hub, str(uuid4())
    lines = [(cinemas.offer(), 2)]
    hold = hub.hold("ann", lines, key=key)
    assert hub.hold("ann", lines, key=key) == hold
    order = hub.confirm("ann", hold, "R1", key=key + "o")
    assert hub.confirm("ann", hold, "R1", key=key + "o") == order
    assert len(cinemas.house.orders) == 1
    agree(cinemas, 2)


@pytest.mark.parametrize("fault", ["drop", "html-500", "truncated", "delay-after"])
def test_a_sale_that_is_not_answered_is_unknown_and_then_the_order(cinemas, fault):
    hub = cinemas.hub
    hold = hub.hold("ann", [(cinemas.offer(), 2)])
    cinemas.listen_for(1_000)
    cinemas.faults.delay_s = 1.2
    key, body = str(uuid4()), {"hold_id": hold["id"], "reference": "R1"}
    with struck(cinemas.faults, **{fault: SELL}):
        told = hub.call("ann", "POST", "/v1/orders", body, key=key)
    order = told.get_json()
    assert (told.status_code, order["state"], order["tickets"]) == (202, "unknown", [])
    assert told.headers["Location"] == f"/v1/orders/{order['id']}"
    assert int(told.headers["Retry-After"]) > 0
    assert hub.get("ann", f"/v1/holds/{hold['id']}")["state"] == "unknown"
    again = hub.call("ann", "POST", "/v1/orders", body, key=key)
    assert (again.status_code, again.get_json()["id"]) == (202, order["id"])
    assert hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}").status_code == 409
    assert hub.credit("ann")["exposure_minor"] == 0  # nobody pays for what is not known
    assert cinemas.work() == 0
    found = get(cinemas, order)
    assert (found["state"], len(found["tickets"])) == ("confirmed", 2)
    done = hub.call("ann", "POST", "/v1/orders", body, key=key)
    assert (done.status_code, done.get_json()["id"]) == (201, order["id"])
    agree(cinemas, 2)


def test_a_sale_that_never_arrived_is_rejected_and_costs_nothing(cinemas):
    hub = cinemas.hub
    hold = hub.hold("ann", [(cinemas.offer(), 2)])
    with struck(cinemas.faults, html_502=SELL):
        order = hub.confirm("ann", hold, "R1", expect=202)
    assert cinemas.work() == 0
    found = get(cinemas, order)
    assert (found["state"], found["reason"], found["tickets"]) == (
        "rejected",
        "no-answer",
        [],
    )
    assert hub.get("ann", f"/v1/holds/{hold['id']}")["state"] == "rejected"
    credit = hub.credit("ann")
    assert (credit["exposure_minor"], credit["reserved_minor"]) == (0, 0)
    assert cinemas.locks_left() == []
    again = hub.hold("ann", [(cinemas.offer(), 2)])
    assert (
        hub.confirm("ann", again, "R1")["state"] == "confirmed"
    )  # its reference is free
    agree(cinemas, 2)


def late_sale(cinemas):
    """A sale that reaches the supplier long after we have stopped listening."""
    hold = cinemas.hub.hold("ann", [(cinemas.offer(), 2)])
    cinemas.listen_for(1_000)
    cinemas.faults.delay_s = 60.0
    with struck(cinemas.faults, delay_before=SELL | {"times": 1}):
        order = cinemas.hub.confirm("ann", hold, expect=202)
        assert cinemas.work() == 0
    cinemas.faults.let_all_through()
    return order


def test_a_sale_that_arrives_late_finds_nothing_to_sell(fenced):
    order = late_sale(fenced)
    assert get(fenced, order)["state"] == "rejected"
    agree(fenced, 0)


def test_control_without_letting_go_first_it_is_sold_there_only(fenced, monkeypatch):
    def believe(task):
        return Answer(Standing.NOTHING)

    monkeypatch.setattr(reconciling, "_fenced", believe)
    late_sale(fenced)
    assert fenced.sold_here() == []
    assert len(fenced.sold_there()) == 2


def test_a_lock_that_is_not_answered_holds_nothing_and_is_let_go(cinemas):
    hub, key = cinemas.hub, str(uuid4())
    with struck(cinemas.faults, drop=LOCK):
        refused = hub.hold("ann", [(cinemas.offer(), 2)], expect=503, key=key)
    assert (refused["code"], refused["retry"]) == ("supplier-silent", "later")
    assert len(cinemas.house.locks()) == cinemas.can.separate_lock
    if not cinemas.can.own_order_key:  # nobody but time can let it go
        assert cinemas.work(0.3) == cinemas.can.release
        cinemas.let_locks_lapse()
    assert cinemas.work() == 0
    assert cinemas.locks_left() == []
    assert hub.hold("ann", [(cinemas.offer(), 2)], key=key)["state"] == "held"
    hub.assert_lawful()


def test_seats_others_have_there_are_not_given_here(seated):
    hub, house = seated.hub, seated.house
    first = hub.hold("ann", [(seated.offer(), 2)])
    best = {(s["row"], s["number"]) for s in first["lines"][0]["seats"]}
    hub.call("ann", "DELETE", f"/v1/holds/{first['id']}")
    assert seated.let_go() == []
    working = [
        s for s in house.cinemas["0001"].screens[1].seats.values() if s.area == "STAL"
    ]
    places = [(s.row, s.column) for s in working if (s.row_name, s.number) in best]
    house.lock("box", "0001", "1", [("STAL", "0001", places)])
    hold = hub.hold("ann", [(seated.offer(), 2)])  # it chooses others by itself
    assert best & {(s["row"], s["number"]) for s in hold["lines"][0]["seats"]} == set()
    sale = seated.performances()[0]
    seats = hub.get("ann", f"/v1/performances/{sale['id']}/seats")["items"]
    taken = [
        s["id"]
        for s in seats
        if (s["row"], s["number"]) in best and s["area"] == seated.stalls
    ]
    refused = hub.hold("bob", [(seated.offer(who="bob"), taken)], expect=409)
    assert refused["code"] == "seats-taken"
    hub.assert_lawful()


def test_seats_asked_for_by_name_that_others_have_there_are_named(seated):
    hub, house = seated.hub, seated.house
    sale = seated.performances()[0]
    seats = hub.get("ann", f"/v1/performances/{sale['id']}/seats")["items"]
    wanted = [s for s in seats if s["area"] == seated.stalls and s["row"] == "A"][:2]
    house.lock("box", "0001", "1", [("STAL", "0001", [(0, 0)])])
    refused = hub.hold("ann", [(seated.offer(), [s["id"] for s in wanted])], expect=409)
    assert (refused["code"], refused["reason"]) == ("supplier-refused", "seats-taken")
    assert (
        hub.hold("ann", [(seated.offer(), [s["id"] for s in wanted])], expect=409)[
            "code"
        ]
        == "seats-taken"
    )
    assert [h for h in house.locks() if h.key != "box"] == []
    hub.assert_lawful()


def test_another_price_there_is_refused_with_the_old_and_the_new(cinemas):
    hub = cinemas.hub
    if "price" not in cinemas.there.tells:  # it has a least price, told at the sale
        hold = hub.hold("ann", [(cinemas.offer(), 2)])
        with struck(cinemas.faults, price_bump=SELL):
            assert hub.confirm("ann", hold, expect=409)["reason"] == "price-changed"
        agree(cinemas, 0)
        return
    with struck(cinemas.faults, price_bump=QUOTE):
        refused = hub.hold("ann", [(cinemas.offer(), 2)], expect=409)
    assert (refused["code"], refused["retry"]) == ("supplier-price", "requote")
    assert (refused["old_minor"], refused["new_minor"], refused["currency"]) == (
        2200,
        2500,
        "EUR",
    )
    assert cinemas.work() == 0
    assert cinemas.locks_left() == []
    hub._answer(
        hub.call(
            "operator",
            "PUT",
            f"/v1/sources/{cinemas.source_id}",
            {"tolerance_minor": 300},
        ),
        200,
    )
    with struck(cinemas.faults, price_bump=QUOTE):
        assert hub.hold("ann", [(cinemas.offer(), 2)])["price_minor"] == 2200
    hub.assert_lawful()


def test_half_the_seats_are_not_what_was_asked_for(cinemas):
    hub, lines = cinemas.hub, [(cinemas.offer(), 4)]
    if not {"count", "codes"} & cinemas.there.tells:
        return  # it has one code for as many as were asked for
    with struck(cinemas.faults, half={}):
        if "count" in cinemas.there.tells:
            refused = hub.hold("ann", lines, expect=409)
            assert refused["reason"] == "not-as-wanted"
        else:
            order = hub.confirm("ann", hub.hold("ann", lines), expect=202)
    assert cinemas.work() == 0
    if "count" not in cinemas.there.tells:
        assert get(cinemas, order)["reason"] == "not-as-wanted"
        agree(cinemas, 0)
    assert cinemas.locks_left() == []


def test_a_lock_that_ran_out_there_is_refused_at_the_sale(locking):
    hub = locking.hub
    with struck(locking.faults, expired_lock=LOCK):
        hold = hub.hold("ann", [(locking.offer(), 2)])
    if locking.there.sells_unlocked:
        assert hub.confirm("ann", hold)["state"] == "confirmed"
        agree(locking, 2)
        return
    refused = hub.confirm("ann", hold, expect=409)
    assert (refused["code"], refused["reason"]) == ("supplier-refused", "lock-expired")
    assert hub.get("ann", f"/v1/holds/{hold['id']}")["state"] == "rejected"
    agree(locking, 0)


def test_letting_a_hold_go_lets_the_lock_go(cinemas):
    hold = cinemas.hub.hold("ann", [(cinemas.offer(), 2)])
    cinemas.hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    assert cinemas.let_go() == []
    assert cinemas.parts()[0]["state"] == "ended"


def test_a_live_hold_is_extended_with_its_lock(vista):
    hub = vista.hub
    hold = hub.hold("ann", [(vista.offer(), 1)])
    with transaction() as session:
        session.execute(
            text("UPDATE hold SET expires_at = expires_at - interval '5 minutes'")
        )
    later = hub.post("ann", f"/v1/holds/{hold['id']}/extension", None, 200)
    assert later["expires_at"] >= hold["expires_at"]
    assert later["version"] == hold["version"] + 1


def test_a_lock_that_cannot_be_extended_is_not(cmts):
    hub = cmts.hub
    hold = hub.hold("ann", [(cmts.offer(), 1)])
    with transaction() as session:
        session.execute(
            text("UPDATE hold SET expires_at = expires_at - interval '5 minutes'")
        )
    refused = hub.post("ann", f"/v1/holds/{hold['id']}/extension", None, 409)
    assert refused["code"] == "not-extendable"


def test_what_is_issued_later_is_unknown_until_then(hub):
    with opened(hub, "cmts", issue_s=0.3) as cinemas:
        order = sold(cinemas, expect=202)
        assert order["state"] == "unknown"
        assert cinemas.work() == 0
        assert get(cinemas, order)["state"] == "confirmed"
        agree(cinemas, 2)


def test_tickets_are_cancelled_there_first(cmts):
    hub, order = cmts.hub, sold(cmts)
    one = [order["tickets"][0]["id"]]
    refused = hub.cancel("ann", order, one, expect=409)
    assert refused["code"] == "must-also-cancel"  # it takes whole orders back only
    found = hub.cancel("ann", order)
    assert found["state"] == "cancelled"
    assert hub.credit("ann")["exposure_minor"] == 0
    agree(cmts, 0)


def test_a_cancellation_that_is_not_answered_is_known_later(cmts):
    hub, order = cmts.hub, sold(cmts)
    key = str(uuid4())
    with struck(cmts.faults, drop={"only": {"BackTicket"}}):
        told = hub.cancel("ann", order, expect=202, key=key)
    assert (told["state"], len(told["cancelling"])) == ("confirmed", 1)
    assert hub.cancel("ann", order, expect=409)["code"] == "sale-under-way"
    assert cmts.work() == 0
    found = get(cmts, order)
    assert (found["state"], found["cancelling"]) == ("cancelled", [])
    agree(cmts, 0)


def test_what_a_supplier_takes_back_not_stays_sold(vista):
    order = sold(vista)
    refused = vista.hub.cancel("ann", order, expect=409)
    assert (refused["code"], refused["reason"]) == ("supplier-refused", "not-allowed")
    assert get(vista, order)["state"] == "confirmed"
    agree(vista, 2)


def test_a_live_look_on_demand_and_how_fresh_it_is(cinemas):
    hub, sale = cinemas.hub, cinemas.performances()[0]
    path = f"/v1/performances/{sale['id']}/availability"
    if "left" not in cinemas.there.tells:  # its schedule counts nothing
        assert hub.get("ann", path)["source"] == "hub"
        hub.get("ann", f"{path}?max_staleness_s=0")
    first = hub.get("ann", path)
    assert first["source"] == "supplier"
    cinemas.house.lock("box", "0001", "1", [("STAL", "0001", 35)])
    assert hub.get("ann", path)["as_of"] == first["as_of"]
    looked = hub.get("ann", f"{path}?max_staleness_s=0")
    assert looked["as_of"] > first["as_of"]
    left = {a["area"]: a["available"] for a in looked["areas"]}
    assert left[cinemas.stalls] == cinemas.size - 35
    with struck(cinemas.faults, html_502={}):
        same = hub.get("ann", f"{path}?max_staleness_s=0")
    assert same["as_of"] == looked["as_of"]  # it did not answer: as of when it did


def test_a_reading_that_tells_the_same_says_that_it_still_holds(vista):
    hub, sale = vista.hub, vista.performances()[0]
    path = f"/v1/performances/{sale['id']}/availability"
    before = hub.get("ann", path)
    assert vista.sync()["changed"] == 0
    after = hub.get("ann", path)
    assert (after["areas"], after["source"]) == (before["areas"], "supplier")
    assert after["as_of"] > before["as_of"]
    with struck(vista.faults, drop={"only": {"GetSessionList"}}):
        vista.sync()
    assert hub.get("ann", path)["as_of"] == after["as_of"]


def test_a_reading_after_a_look_says_what_it_read_though_that_be_as_before(vista):
    hub, sale = vista.hub, vista.performances()[0]
    path = f"/v1/performances/{sale['id']}/availability"

    def left():
        return {a["area"]: a["available"] for a in hub.get("ann", path)["areas"]}

    before = left()
    vista.house.lock("box", "0001", "1", [("STAL", "0001", 35)])
    hub.get("ann", f"{path}?max_staleness_s=0")
    assert left()["STAL"] == 5
    vista.house.release("box")
    with struck(vista.faults, drop={"only": {"GetSessionList"}}):
        vista.sync()
    assert left()["STAL"] == 5
    vista.sync()
    assert left() == before


def test_a_basket_over_two_suppliers_is_sold_as_far_as_they_sell(hub):
    hub.add_partner("kino", "supplier", commission_bp=1000)
    there = simulator("cmts")
    with opened(hub, "vista") as first, serving(there.app()) as url:
        source_id = set_up(hub, "cmts", url, there, supplier="kino")
        second = Cinemas(hub, there, url, source_id, first.suppliers)
        assert second.sync()["state"] == "done"
        hub.post(
            "operator",
            hub.of("kino", "plans"),
            {
                "plan": {
                    "rules": [
                        {
                            "channel": "online",
                            "kind": "free-sale",
                            "rules": [{"agent": "ann", "kind": "free-sale"}],
                        }
                    ]
                }
            },
        )
        hub.work()
        sellers = text("SELECT id, source_id FROM performance")
        with transaction() as session:
            seller = {str(row.id): row.source_id for row in session.execute(sellers)}
        offers = {
            seller[sale["id"]]: first.offer(no)
            for no, sale in enumerate(first.performances())
        }
        mine, other = offers[first.source_id], offers[source_id]
        both = hub.hold("ann", [(mine, 1), (other, 2)])
        assert {part["state"] for part in first.parts()} == {"locked"}
        with struck(there.faults, signature={"only": {"SellTicket"}}):
            order = hub.confirm("ann", both)
        assert order["state"] == "confirmed"
        assert len(order["tickets"]) == 1
        [lost] = order["not_sold"]
        assert lost["reason"] == "not-allowed"
        assert get(first, order)["not_sold"] == order["not_sold"]
        assert ([s["no"] for s in order["lines"]], lost["no"], lost["quantity"]) == (
            [1],
            2,
            2,
        )
        hub.assert_lawful()


def test_exchanges_options_and_new_codes_are_not_for_what_suppliers_sell(cinemas):
    hub, order = cinemas.hub, sold(cinemas)
    other = hub.hold("ann", [(cinemas.offer(1), 2)])
    path = f"/v1/orders/{order['id']}"
    wanted = {"hold_id": other["id"], "reference": "R2", "difference_minor": 0}
    assert (
        hub.post("ann", f"{path}/exchanges", wanted, 422, key="x1")["code"]
        == "sold-by-supplier"
    )
    ticket = order["tickets"][0]["id"]
    lost = hub.post(
        "ann",
        f"{path}/tickets/{ticket}/replacements",
        {"reason": "lost"},
        422,
        key="x2",
    )
    assert lost["code"] == "sold-by-supplier"
    agree(cinemas, 2)


def test_a_sale_nobody_answers_for_long_becomes_a_case_a_person_settles(
    vista, monkeypatch
):
    monkeypatch.setattr(tasks, "CASE_AFTER_S", 0)
    hub = vista.hub
    hold = hub.hold("ann", [(vista.offer(), 2)])
    with struck(vista.faults, drop=SELL, html_502=ASK):
        order = hub.confirm("ann", hold, expect=202)
        vista.work(0.5)
        [case] = hub.get("operator", "/v1/supplier-cases")["items"]
        assert (case["tickets"], case["state"], len(case["seats"])) == (2, "unknown", 2)
        assert case["key"] in vista.house.orders
        path = f"/v1/supplier-cases/{case['id']}/decision"
        hub.post("operator", path, {"outcome": "sold", "codes": ["a", "b", "c"]}, 422)
        booking = vista.house.orders[case["key"]].booking
        hub.post("operator", path, {"outcome": "sold", "codes": [booking]}, 200)
        assert vista.work() == 0
    assert get(vista, order)["state"] == "confirmed"
    assert hub.get("operator", "/v1/supplier-cases")["items"] == []
    agree(vista, 2)


def test_a_person_may_find_that_nothing_was_sold(vista, monkeypatch):
    monkeypatch.setattr(tasks, "CASE_AFTER_S", 0)
    hub = vista.hub
    hold = hub.hold("ann", [(vista.offer(), 2)])
    with struck(vista.faults, html_502={"only": SELL["only"] | ASK["only"]}):
        order = hub.confirm("ann", hold, expect=202)
        vista.work(0.5)
        [case] = hub.get("operator", "/v1/supplier-cases")["items"]
        hub.post(
            "operator",
            f"/v1/supplier-cases/{case['id']}/decision",
            {"outcome": "not-sold"},
            200,
        )
        assert vista.work() == 0
    assert get(vista, order)["state"] == "rejected"
    agree(vista, 0)


def test_two_who_confirm_one_hold_at_once_sell_it_once(cinemas):
    hub, answers = cinemas.hub, []
    hold = hub.hold("ann", [(cinemas.offer(), 2)])
    cinemas.faults.delay_s = 0.3

    def confirm(no):
        body = {"hold_id": hold["id"], "reference": f"R{no}"}
        answers.append(hub.call("ann", "POST", "/v1/orders", body, key=str(uuid4())))

    with struck(cinemas.faults, delay_before=SELL):
        threads = [threading.Thread(target=confirm, args=(no,)) for no in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409]
    agree(cinemas, 2)


def test_a_sale_under_way_is_not_taken_away_by_lapse_or_stop(vista):
    hub = vista.hub
    hold = hub.hold("ann", [(vista.offer(), 2)])
    with struck(vista.faults, drop=SELL):
        order = hub.confirm("ann", hold, expect=202)
    sale = vista.performances()[0]
    stop = {"performance_id": sale["id"], "severity": "hard", "reason": "storm"}
    hub.post("operator", "/v1/stops", {"supplier_id": hub.ids["sup"], **stop})
    hub.move_clock(hours=2)
    with transaction() as session:
        assert (lapse_due(session), void_all_stopped(session)) == (0, 0)
    assert vista.work() == 0
    assert get(vista, order)["state"] == "confirmed"
    agree(vista, 2)


def test_the_agent_learns_of_what_was_rejected_by_the_change_feed(vista):
    hub = vista.hub
    hold = hub.hold("ann", [(vista.offer(), 2)])
    with struck(vista.faults, html_502=SELL):
        hub.confirm("ann", hold, expect=202)
    assert vista.work() == 0
    with transaction() as session:
        kinds = session.execute(
            text("SELECT kind FROM change WHERE entity_id = :id"), {"id": hold["id"]}
        ).all()
    assert [row.kind for row in kinds] == ["hold"]
