"""Looking before holding: the best seats, and how far availability was right."""

from hub.catalogue.services.changes import number_changes
from hub.kernel.db import transaction
from tests.hubs import auditorium, performance, production, season


def best(hub, sold, offer_id, count, expect=200, *, who="ann", **more):
    asked = "&".join(f"{k}={v}" for k, v in more.items())
    path = f"/v1/performances/{sold['id']}/best-seats?offer_id={offer_id}"
    return hub.get(who, f"{path}&quantity={count}&{asked}", expect)


def test_a_look_names_the_seats_a_hold_is_given_and_takes_none(hub):
    sold = hub.on_sale()
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    for _ in range(2):
        seen = best(hub, sold, stalls, 3)
    held = hub.hold("ann", [(stalls, 3)])["lines"][0]
    assert seen["seats"] == held["seats"]
    assert {n: seen[n] for n in ("price_minor", "net_minor")} == {
        n: held[n] for n in ("price_minor", "net_minor")
    }
    after = best(hub, sold, stalls, 3, who="bob")
    assert {s["id"] for s in after["seats"]}.isdisjoint(s["id"] for s in seen["seats"])


def test_a_look_is_refused_as_a_hold_would_be(hub):
    sold = hub.on_sale(stalls=4)
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    short = best(hub, sold, stalls, 5, 409)
    held = hub.hold("ann", [(stalls, 5)], expect=409)
    assert short["code"] == held["code"] == "allotment-exhausted"
    assert best(hub, sold, stalls, 11, 422)["code"] == "ticket-limit"
    floor = hub.offer_id("ann", sold["id"])
    assert best(hub, sold, floor, 1, 422)["code"] == "invalid-request"
    hub.deliver([performance(version=2, status="postponed")])
    assert best(hub, sold, stalls, 1, 409)["code"] == "performance-postponed"


def measured(hub):
    with transaction() as session:
        hub.app.extensions["answers"].write(session)
    [found] = hub.get("ann", "/v1/suppliers")["items"]
    return found["holds_after_yes"], found["refused_after_yes"], found["refused_bp"]


def test_what_availability_said_is_compared_with_what_came_of_it(hub):
    sold = hub.on_sale(floor=10)
    assert measured(hub) == (0, 0, None)
    floor = hub.offer_id("ann", sold["id"])  # said: 10
    hub.hold("bob", [(floor, 10)])  # nobody told bob anything
    assert measured(hub) == (0, 0, None)
    hub.hold("ann", [(floor, 4)], expect=409)  # told 10, and refused
    assert measured(hub) == (1, 1, 10_000)
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    hub.hold("ann", [(stalls, 2)])
    assert measured(hub) == (2, 1, 5_000)
    hub.areas("ann", sold["id"])
    hub.hold("ann", [(floor, 1)], expect=409)  # told 0: no surprise
    hub.hold("ann", [(stalls, 11)], expect=422)  # its own mistake
    hub.limit("ann", 1)
    hub.hold("ann", [(stalls, 1)], expect=409)  # its own credit
    assert measured(hub) == (2, 1, 5_000)


def test_one_production_of_two_suppliers_is_one_if_an_operator_says_so(hub):
    hub.add_partner("other", "supplier", commission_bp=1000)
    hub.post("operator", hub.of("other", "feeds"), {"name": "season"}, expect=201)
    first = hub.on_sale()
    hub.deliver(
        [
            *season()[:2],
            production(title={"en": "The same"}),
            performance("q", days=31),
        ],
        who="other",
    )
    shown = hub.get("ann", "/v1/productions")["items"]
    assert len(shown) == 2
    main = next(p for p in shown if p["title"]["en"] == "A play")
    same = next(p for p in shown if p["id"] != main["id"])
    before = hub.get("ann", "/v1/changes")["latest"]
    path = f"/v1/productions/{same['id']}/merge"
    body = {"into": main["id"]}
    merged = hub._answer(hub.call("operator", "PUT", path, body), 200)
    assert merged == {"production_id": same["id"], "shown_as": main["id"]}
    [found] = hub.get("ann", "/v1/productions")["items"]
    assert (found["id"], found["performances"]) == (main["id"], 2)
    assert hub.get("ann", "/v1/productions?q=same")["items"] == [found]
    assert hub.get("ann", f"/v1/productions/{same['id']}") == found
    for one in (main["id"], same["id"]):
        listed = hub.get("ann", f"/v1/performances?production_id={one}")["items"]
        assert [p["production_id"] for p in listed] == [main["id"]] * 2
        assert [p["title"]["en"] for p in listed] == ["A play"] * 2
        days = hub.get("ann", f"/v1/productions/{one}/calendar")["days"]
        assert len(days) == 2
    with transaction() as session:
        number_changes(session)
    told = hub.get("ann", f"/v1/changes?after={before}&limit=1000")["items"]
    said = [(c["kind"], c["what"]) for c in told]
    assert ("production", "withdrawn") in said
    assert ("production", "changed") in said
    assert said.count(("performance", "changed")) >= 2
    back = f"/v1/productions/{main['id']}/merge"
    itself = hub.call("operator", "PUT", back, {"into": same["id"]})
    assert itself.get_json()["code"] == "not-mergeable"
    assert hub.call("operator", "DELETE", path).get_json()["shown_as"] == same["id"]
    assert len(hub.get("ann", "/v1/productions")["items"]) == 2
    assert first


def test_the_best_seats_are_looked_for_in_the_map_as_it_is(hub):
    sold = hub.on_sale()
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    hub.deliver([auditorium(version=2, rows=2), performance(version=2, stalls=20)])
    found = best(hub, sold, hub.offer_id("ann", sold["id"], "stalls"), 10)
    assert len({seat["row"] for seat in found["seats"]}) == 1
    assert stalls
