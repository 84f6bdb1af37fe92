"""The overbooking limit holds on every path, and is what revenue management advises."""

from datetime import timedelta
from uuid import uuid4

from revmng import overbooking_limit

from tests.hubs import TODAY, offer


def floor(*agents, **more):
    channel = {"channel": "online", "rules": list(agents)}
    return {"rules": [{"area": "floor", "rules": [channel]}], **more}


def test_r14_a_hundred_seats_and_five_percent_who_stay_away():
    """The reference's case: who is turned away costs 120, an empty seat 40."""
    found = overbooking_limit(100, no_show_rate=0.05, denied_cost=120, spoilage_cost=40)
    assert found.authorization_limit == 104


def test_r14_the_limit_holds_on_every_path(hub):
    """One path that forgot it would sell past it (QloApps #895, #1539)."""
    holding = {"option_most": 50, "option_deadline": {"days_before": 2}}
    ann = {"agent": "ann", "kind": "fixed", "seats": 40, "holding": holding}
    bob = {"agent": "bob", "mode": "on-request"}
    plan = floor(ann, bob, overbooking=[{"area": "floor", "seats": 4}])
    hub.add_partner("eva", "agent", parent="ann")
    sold = hub.on_sale(plan, floor=100, offers=[offer(tickets_max=100)])
    offer_id = hub.offer_id("ann", sold["id"])
    path = f"/v1/performances/{sold['id']}/areas/floor/sub-agents"
    part = {"sub_agent": "eva", "guarantee": 20}
    hub._answer(hub.call("ann", "PUT", path, {"parts": [part]}), 200)
    until = (TODAY + timedelta(days=1)).isoformat()

    def hold(seats, expect):
        hub.hold("ann", [(offer_id, seats)], expect=expect)

    def basket(seats, expect):
        hub.hold("ann", [(offer_id, seats - 1), (offer_id, 1)], expect=expect)

    def by_sub_agent(seats, expect):
        hub.hold("eva", [(offer_id, seats)], expect=expect)

    def option(seats, expect):
        line = {"offer_id": offer_id, "quantity": seats}
        said = {"lines": [line], "option_until": until}
        hub.post("ann", "/v1/holds", said, expect, key=str(uuid4()))

    def request(seats, expect):
        made = hub.hold("bob", [(offer_id, seats)], expect=202)
        decided = f"/v1/requests/{made['id']}/decision"
        granted = 200 if expect == 201 else expect
        hub.post("sup", decided, {"decision": "accept"}, granted)

    hold(60, 201)
    by_sub_agent(20, 201)
    request(18, 201)
    for take in (hold, basket, by_sub_agent, option, request):
        take(7, 409)  # six are left: two seats, and four that are not there
    option(2, 201)
    basket(2, 201)
    request(1, 201)
    by_sub_agent(1, 201)
    for take in (hold, by_sub_agent, option, request):
        take(1, 409)
    hub.assert_lawful()
