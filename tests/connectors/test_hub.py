"""A hub as the supplier of another: quotas handed down, one truth, one statement."""

from uuid import uuid4

import pytest

from connectors.errors import NoAnswerError, NotReachedError, SaidNoError
from connectors.ports import Answer, LineWanted, OrderWanted, Standing
from connectors.suppliers.hub import HubPort, words
from connectors.suppliers.rest import Reply
from connectors.suppliers.soap import Waits, Wire
from hub.sales.services.supplied import reconciling
from tests.settlement.months import end_month
from tests.simulators.faults import struck
from tests.upstream import AGENT, FAR, connected

SELL = {"only": {"POST orders"}}


@pytest.fixture
def two(upstream, request):
    with connected(upstream, request) as found:
        yield found


@pytest.fixture
def quick(upstream, request):
    with connected(upstream, request, operation_ms=1_500) as found:
        yield found


def left(two, area="floor"):
    [sale] = two.hub.get("ann", "/v1/performances")["items"]
    path = f"/v1/performances/{sale['id']}/availability?max_staleness_s=0"
    areas = two.hub.get("ann", path)["areas"]
    return next(one["available"] for one in areas if one["area"] == area)


def test_what_it_lets_us_sell_is_sold_here_and_there(two):
    hub = two.hub
    [sale] = hub.get("ann", "/v1/performances")["items"]
    assert sale["title"] == {"en": "A play", "zh-Hans": "一出戏"}
    offers = hub.areas("ann", sale["id"])["floor"]["offers"]
    assert {o["price_type"]: o["face_minor"] for o in offers} == {
        "adult": 4500,
        "child": 2250,
    }
    lines = [(two.offer(), 2), (two.offer("stalls"), 2)]
    hold = hub.hold("ann", lines)
    assert two.held_there() == 1
    order = hub.confirm("ann", hold)
    assert len({t["code"] for t in order["tickets"]}) == 4
    assert [len(line["seats"]) for line in order["lines"]] == [0, 2]
    two.agree(4)


def test_the_quota_it_hands_down_is_what_there_is(two):
    hub = two.hub
    assert left(two) == 12  # of 150 there
    hub.confirm("ann", hub.hold("ann", [(two.offer(), 8)]))
    assert left(two) == 4
    refused = hub.hold("ann", [(two.offer(), 5)], expect=409)
    assert refused["code"] in {"supplier-refused", "allotment-exhausted"}
    hub.confirm("ann", hub.hold("ann", [(two.offer(), 4)]))
    assert left(two) == 0
    two.agree(12)


def test_one_ticket_is_given_back_and_then_the_rest(two):
    hub = two.hub
    order = hub.confirm("ann", hub.hold("ann", [(two.offer("stalls"), 3)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    two.agree(2)
    assert hub.cancel("ann", order)["state"] == "cancelled"
    two.agree(0)


def test_a_hold_is_extended_there_as_far_as_its_plan_lets_it(two):
    hub = two.hub
    hold = hub.hold("ann", [(two.offer(), 1)])
    refused = hub.call("ann", "POST", f"/v1/holds/{hold['id']}/extension")
    assert refused.status_code in {200, 409}
    hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    two.work()
    two.agree(0)


def test_a_reading_of_the_same_changes_nothing(two):
    again = two.sync()
    assert (again["changed"], again["performances"]) == (0, 1)


@pytest.mark.parametrize("fault", ["drop", "html-500", "truncated", "delay-after"])
def test_a_sale_that_is_not_answered_is_known_by_its_reference(quick, fault):
    hub = quick.hub
    hold = hub.hold("ann", [(quick.offer(), 2)])
    with struck(quick.faults, **{fault: SELL}):
        order = hub.confirm("ann", hold, expect=202)
    quick.work()
    assert hub.get("ann", f"/v1/orders/{order['id']}")["state"] == "confirmed"
    quick.agree(2)


def test_a_sale_that_comes_late_finds_its_hold_let_go(quick):
    hub = quick.hub
    hold = hub.hold("ann", [(quick.offer(), 2)])
    quick.faults.delay_s = 60.0
    with struck(quick.faults, **{"delay-before": SELL | {"times": 1}}):
        order = hub.confirm("ann", hold, expect=202)
        quick.work()
    quick.faults.let_all_through()
    assert hub.get("ann", f"/v1/orders/{order['id']}")["state"] == "rejected"
    quick.agree(0)


def test_control_a_late_sale_whose_hold_is_not_let_go_is_sold_there_only(
    quick, monkeypatch
):
    monkeypatch.setattr(reconciling, "_fenced", lambda _: Answer(Standing.NOTHING))
    hold = quick.hub.hold("ann", [(quick.offer(), 2)])
    quick.faults.delay_s = 60.0
    with struck(quick.faults, **{"delay-before": SELL | {"times": 1}}):
        quick.hub.confirm("ann", hold, expect=202)
        quick.work()
    quick.faults.let_all_through()
    assert (len(quick.sold_here()), len(quick.sold_there())) == (0, 2)


@pytest.mark.parametrize("fault", ["drop", "delay-after", "html-502"])
def test_a_hold_that_is_not_answered_is_found_by_its_key_and_let_go(quick, fault):
    hub = quick.hub
    with struck(quick.faults, **{fault: {"only": {"POST holds"}, "times": 1}}):
        hub.hold("ann", [(quick.offer(), 2)], expect=503)
    quick.work()
    quick.agree(0)
    assert left(quick) == 12


def test_a_cancellation_that_is_not_answered_is_made_once(quick):
    hub = quick.hub
    order = hub.confirm("ann", hub.hold("ann", [(quick.offer(), 3)]))
    one = [order["tickets"][0]["id"]]
    lost = {"only": {"POST orders/cancel"}, "times": 1}
    with struck(quick.faults, drop=lost):
        hub.cancel("ann", order, one, expect=202)
    quick.work()
    quick.agree(2)


def test_statements_agree_on_both_sides(upstream, request):
    """What the other hub's agent owes it is what this hub owes its supplier."""
    with connected(upstream, request, month=True) as two:
        hub = two.hub
        whole = hub.confirm("ann", hub.hold("ann", [(two.offer("stalls"), 3)]))
        for who, kind, count in (("ann", "child", 3), ("bob", "adult", 2)):
            hub.confirm(who, hub.hold(who, [(two.offer(kind=kind, who=who), count)]))
        hub.cancel("ann", whole, [whole["tickets"][0]["id"]])
        two.agree(7)
        end_month(hub)
        here = closing(hub, FAR)
        period = hub.period
    with upstream.driven() as there:
        end_month(there)
        there.period = period
        said = closing(there, AGENT)
        there.assert_lawful()
    assert here["totals"] == said["totals"]
    assert (here["totals"]["tickets"], here["totals"]["lines"]) == (7, 4)
    assert here["totals"]["due_minor"] > 0


def closing(hub, ref):
    hub.post("finance", f"/v1/periods/{hub.period}/drafts", None)
    found = hub.get("finance", f"/v1/statements?period={hub.period}")["items"]
    [own] = [one for one in found if one["partner_id"] == hub.ids[ref]]
    return hub.get("finance", f"/v1/statements/{own['id']}")


ORDER = OrderWanted(
    uuid4().hex, "p", (LineWanted(1, "floor", "adult", "o", 1, 1, "EUR"),), 600
)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("seats-taken", "seats-taken"),
        ("allotment-exhausted", "seats-taken"),
        ("hold-expired", "lock-expired"),
        ("stopped", "not-on-sale"),
        ("credit-exhausted", "not-allowed"),
        ("must-also-cancel", "past-cancellation"),
        ("something-new", "other"),
    ],
)
def test_its_refusals_are_ours(code, reason):
    assert words.refused(Reply(409, {"code": code, "title": "x"})).code == reason


def test_what_its_own_supplier_has_refused_is_told_as_that():
    said = {"code": "supplier-refused", "reason": "price-changed", "title": "x"}
    assert words.refused(Reply(409, said)).code == "price-changed"


@pytest.mark.parametrize("code", ["too-many-at-once", "too-many-requests"])
def test_what_it_did_not_look_at_was_not_asked(code):
    with pytest.raises(NotReachedError):
        words.refused(Reply(429, {"code": code, "title": "x"}))


@pytest.mark.parametrize("code", ["sale-under-way", "idempotency-in-progress"])
def test_what_it_does_not_know_itself_is_no_refusal(code):
    with pytest.raises(NoAnswerError):
        words.refused(Reply(409, {"code": code, "title": "x"}))


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        ("held", Standing.LOCKED),
        ("unknown", Standing.PENDING),
        ("confirmed", Standing.PENDING),
        ("expired", Standing.NOTHING),
        ("rejected", Standing.NOTHING),
    ],
)
def test_a_hold_without_an_order_stands_as_it_says(state, standing):
    assert words.standing_of_hold(state) is standing


def test_a_key_that_is_nobodys_stops_the_source(upstream):
    with upstream.driven() as there:
        there.on_sale()
    with upstream.served() as url:
        port = HubPort(url, {}, {"key": "nobodys"}, Wire(Waits(1, 10)))
        with pytest.raises(SaidNoError) as refused:
            port.venues()
        assert refused.value.is_permanent
