"""One half of the story: what an agent asks, from its first look to a refund."""

from hub.catalogue.services.changes import number_changes
from hub.kernel.db import transaction
from hub.sales.services.noticing import tell_disruptions
from hub.sales.services.refunding import go_on_refunding
from tests.hubs import (
    FREE_SALE,
    auditorium,
    offer,
    percent,
    performance,
    production,
    venue,
)

ADDRESS = {
    "name": "Ann Example",
    "lines": ["1 Some Street"],
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}


def deliver(hub, **more):
    hub.deliver([venue(), auditorium(), production(), performance(**more)])


def tell(story):
    """Tell what an agent asks, of a hub that has nothing to sell yet."""
    hub, ask = story.hub, story.ask
    _prepare(hub)
    sold = ask("ann", "GET", "/v1/performances")["items"][0]
    here = f"/v1/performances/{sold['id']}"
    ask("ann", "GET", here)
    shown = ask("ann", "GET", "/v1/productions")["items"][0]
    ask("ann", "GET", f"/v1/productions/{shown['id']}")
    ask("ann", "GET", f"/v1/productions/{shown['id']}/calendar")
    ask("ann", "GET", f"{here}/availability")
    ask("ann", "GET", f"/v1/availability?performance_id={sold['id']}")
    ask("ann", "GET", f"{here}/seats")
    ask("ann", "GET", f"{here}/explanation")
    ask("ann", "GET", "/v1/suppliers")
    ask("ann", "GET", "/v1/credit")
    ask("ann", "GET", "/v1/clock")
    floor = hub.offer_id("ann", sold["id"])
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    ask("ann", "GET", f"{here}/best-seats?offer_id={stalls}&quantity=2")
    _sell(story, floor, stalls)
    _push(story)
    _disrupt(story, sold, here)


def _prepare(hub):
    fees = [{"name": "post", "kind": "service", "unit_minor": 490}]
    hub.agree(
        "ann", percent(800, 100) | {"billables": fees}, scope={"channel": "online"}
    )
    deliver(
        hub, offers=[offer(booking_fee_minor=150), offer("stalls", face_minor=8000)]
    )
    hub.plan(FREE_SALE)


def _sell(story, floor, stalls):
    ask = story.ask
    lines = [
        {"offer_id": floor, "quantity": 1},
        {"offer_id": stalls, "quantity": 2, "adjacent": True},
    ]
    hold = ask("ann", "POST", "/v1/holds", {"lines": lines}, expect=201)
    ask("ann", "GET", f"/v1/holds/{hold['id']}")
    ask("ann", "POST", f"/v1/holds/{hold['id']}/extension")
    buyer = {"name": "Ann Example", "email": "ann@example.org"}
    confirm = {"hold_id": hold["id"], "reference": "A-1001", "buyer": buyer}
    order = ask("ann", "POST", "/v1/orders", confirm, expect=201)
    own = f"/v1/orders/{order['id']}"
    ask("ann", "GET", own)
    ask("ann", "GET", "/v1/orders?reference=A-1001")
    ask("ann", "POST", f"{own}/links", {"valid_h": 720})
    first, second, third = (t["id"] for t in order["tickets"])
    ask(
        "ann",
        "POST",
        f"{own}/tickets/{first}/replacements",
        {"reason": "the buyer has lost it"},
        expect=201,
    )
    part = {"ticket_ids": [second]}
    ask("ann", "POST", f"{own}/cancellation-quotes", part)
    ask("ann", "POST", f"{own}/cancellations", part, expect=201)
    other = ask(
        "ann",
        "POST",
        "/v1/holds",
        {"lines": [{"offer_id": floor, "quantity": 1}]},
        expect=201,
    )
    trade = {"hold_id": other["id"], "ticket_ids": [third]}
    quote = ask("ann", "POST", f"{own}/exchange-quotes", trade)
    trade |= {"reference": "A-1002", "difference_minor": quote["difference_minor"]}
    ask("ann", "POST", f"{own}/exchanges", trade, expect=201)
    spare = ask(
        "ann",
        "POST",
        "/v1/holds",
        {"lines": [{"offer_id": floor, "quantity": 1}]},
        expect=201,
    )
    ask("ann", "DELETE", f"/v1/holds/{spare['id']}")
    post = {
        "ref": "post",
        "kind": "post",
        "name": {"en": "By post", "zh-Hans": "邮寄"},
        "countries": ["AT", "DE"],
    }
    ask("operator", "POST", "/v1/delivery-methods", post, expect=201)
    ask("ann", "GET", "/v1/delivery-methods")
    ask("operator", "PUT", "/v1/delivery-methods/post", {"is_offered": True})
    sent = ask("ann", "PUT", f"{own}/shipment", {"method": "post", "address": ADDRESS})
    ask("ann", "GET", f"{own}/shipment")
    ask("operator", "GET", "/v1/shipments")
    carried = {"carrier": "Some Post", "tracking": "RR123456785AT"}
    ask("operator", "POST", f"/v1/shipments/{sent['id']}/dispatch", carried)


def _push(story):
    ask = story.ask
    wanted = {"url": "https://shop.example.org/hooks/tickets", "topics": ["order"]}
    made = ask("ann", "POST", "/v1/webhook-endpoints", wanted, expect=201)
    own = f"/v1/webhook-endpoints/{made['id']}"
    ask("ann", "GET", "/v1/webhook-endpoints")
    ask("ann", "GET", own)
    ask("ann", "GET", f"{own}/secret")
    ask("ann", "POST", f"{own}/rotation", {"overlap_h": 24})
    ask("ann", "PUT", own, {"topics": ["order", "notice"]})
    ask("ann", "GET", f"{own}/deliveries")
    ask("ann", "POST", f"{own}/replays", {"after": made["position"]}, expect=202)
    ask("ann", "DELETE", own, expect=204)


def _disrupt(story, sold, here):
    ask, hub = story.ask, story.hub
    order = hub.get("ann", "/v1/orders?reference=A-1001")["items"][0]
    code = next(t["code"] for t in order["tickets"] if t["state"] == "valid")
    ask("sup", "GET", f"{here}/door-list")
    scans = [{"code": code, "used_at": sold["starts_at"], "gate": "north"}]
    ask("sup", "POST", f"{here}/redemptions", {"scans": scans})
    hub.deliver(
        [
            performance(
                version=2,
                status="cancelled",
                offers=[offer(booking_fee_minor=150), offer("stalls", face_minor=8000)],
            )
        ]
    )
    with transaction() as session:
        tell_disruptions(session)
    notice = ask("ann", "GET", "/v1/notices")["items"][0]
    ask("ann", "POST", f"/v1/notices/{notice['id']}/acknowledgement")
    run = ask(
        "operator",
        "POST",
        f"{here}/refund-runs",
        {"reason": "the tenor is ill"},
        expect=202,
    )
    with transaction() as session:
        go_on_refunding(session)
        number_changes(session)
    ask("operator", "GET", f"/v1/refund-runs/{run['id']}")
    ask("ann", "GET", "/v1/changes?limit=3")
