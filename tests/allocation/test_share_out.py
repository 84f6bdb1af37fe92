"""Plans over the API: shared out, cut, split again, explained."""

from sqlalchemy import text

from hub.kernel.db import transaction
from tests.hubs import auditorium, performance, production, venue


def plan(*agents, **channel):
    named = {"channel": "online", "kind": "free-sale", "rules": list(agents)}
    return {"rules": [named | channel]}


def fixed(agent, seats, **more):
    return {"agent": agent, "kind": "fixed", "seats": seats, **more}


def nodes():
    query = text(
        "SELECT a.ref AS area, coalesce(p.ref, n.channel, '') AS who, n.guarantee, n.ceiling,"
        " n.taken, n.overcommitted FROM node n"
        " JOIN performance_area pa ON pa.id = n.performance_area_id JOIN area a ON a.id = pa.area_id"
        " LEFT JOIN partner p ON p.id = n.agent_id"
    )
    with transaction() as session:
        return {
            (row.area, row.who): (
                row.guarantee,
                row.ceiling,
                row.taken,
                row.overcommitted,
            )
            for row in session.execute(query)
        }


def test_an_agent_inside_its_guarantee_is_never_refused(hub):
    sold = hub.on_sale(plan(fixed("ann", 20), {"agent": "bob", "kind": "free-sale"}))
    ann = hub.offer_id("ann", sold["id"])
    for _ in range(13):
        hub.hold("bob", [(ann, 10)])
    assert hub.hold("bob", [(ann, 1)], expect=409)["bound_by"] == "area"
    hub.hold("ann", [(ann, 10)])
    hub.hold("ann", [(ann, 10)])
    assert hub.hold("ann", [(ann, 1)], expect=409)["free"] == 0
    hub.assert_lawful()


def test_a_plan_that_promises_too_much_is_refused_by_name_and_number(hub):
    hub.on_sale()
    refused = hub.plan(plan(fixed("ann", 20), fixed("bob", 15)), expect=422)
    assert refused["code"] == "plan-infeasible"
    assert (refused["area"], refused["capacity"], refused["over_by"]) == (
        "stalls",
        30,
        5,
    )
    unknown = hub.plan(plan(fixed("zoe", 1)), expect=422)
    assert (unknown["code"], unknown["rule"]) == ("plan-refused", "zoe")


def test_a_new_plan_splits_again_and_keeps_what_is_sold(hub):
    sold = hub.on_sale(plan(fixed("ann", 20), fixed("bob", 10)))
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    hub.confirm("ann", hub.hold("ann", [(offer_id, 8)]))
    made = hub.plan(plan(fixed("ann", 5), fixed("bob", 25)))
    assert made["version"] == 2
    found = nodes()
    assert found["stalls", "ann"] == (5, None, 8, 0)
    assert found["stalls", "bob"] == (22, None, 0, 0)  # cut: 30 places, 8 are sold
    assert hub.areas("bob", sold["id"])["stalls"]["available"] == 22
    hub.assert_lawful()


def test_a_dropped_agent_sells_no_more(hub):
    sold = hub.on_sale(plan(fixed("ann", 20), fixed("bob", 10)))
    offer_id = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 4)]))
    hub.plan(plan(fixed("bob", 10)))
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["code"] == "not-allotted"
    hub.cancel("ann", order)
    hub.assert_lawful()
    hub.plan(plan(fixed("ann", 3)))
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 150
    hub.assert_lawful()


def test_a_cut_of_capacity_closes_what_is_oversold_and_opens_again(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    hub.deliver([performance(version=2, floor=6)])
    assert nodes()["floor", ""] == (0, 6, 10, 4)
    refused = hub.hold("bob", [(offer_id, 1)], expect=409)
    assert (refused["code"], refused["over_by"]) == ("overcommitted", 4)
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 0
    hub.assert_lawful()
    hub.cancel("ann", order, [ticket["id"] for ticket in order["tickets"][:5]])
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 1
    hub.deliver([performance(version=3, floor=150)])
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 145
    hub.assert_lawful()


def test_a_cut_takes_shared_places_first_then_unsold_guarantees(hub):
    sold = hub.on_sale(plan(fixed("ann", 20), fixed("bob", 10)))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 4)])
    hub.deliver([performance(version=2, floor=25)])
    found = nodes()
    assert found["floor", "ann"][0] == 20
    assert hub.areas("bob", sold["id"])["floor"]["walk"][0]["guarantee"] == 5
    assert found["floor", ""] == (0, 25, 25, 0)
    hub.assert_lawful()


def test_new_performances_are_shared_out_by_the_plan_in_force(hub):
    hub.on_sale(plan(fixed("ann", 7)))
    hub.deliver([performance("p2", floor=80)])
    found = hub.get("ann", "/v1/performances")["items"]
    assert [
        hub.areas("ann", item["id"])["floor"]["walk"][0]["guarantee"] for item in found
    ] == [7, 7]


def test_areas_may_come_and_go_with_a_version(hub):
    hub.deliver([venue(), auditorium(), production()])
    only_floor = performance(areas=[{"area": "floor", "capacity": 50}])
    only_floor["offers"] = only_floor["offers"][:1]
    hub.deliver([only_floor])
    hub.plan()
    sold = hub.get("ann", "/v1/performances")["items"][0]
    assert set(hub.areas("ann", sold["id"])) == {"floor"}
    hub.deliver([performance(version=2)])
    assert hub.areas("ann", sold["id"])["stalls"]["available"] == 30
    hub.deliver([only_floor | {"version": 3}])
    assert set(hub.areas("ann", sold["id"])) == {"floor"}
    assert nodes()["stalls", ""][1] == 0
    hub.assert_lawful()
