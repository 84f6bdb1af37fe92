"""OCTO's webhooks: what is told of bookings, carts, availabilities and products."""

from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from standardwebhooks import Webhook

from connectors.services.sealing import Sealer, rekey
from hub.catalogue.services.changes import number_changes
from hub.dialects.octo.services.finding import Finder
from hub.kernel.db import transaction
from hub.webhooks import jobs
from hub.webhooks.services.dialects import DIALECTS, SPEAKERS
from hub.worker import speak
from tests.dialects.reseller import ALL, Reseller
from tests.hubs import CREDENTIALS_KEY, SECRET, Hub, performance, production
from tests.servers import serving, wait_for, working
from tests.webhooks.receiver import receiving

PATHS = "/status", "/unitItems/0/status"


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def hub(settings, engine):
    settings = replace(settings, webhooks_private=True)
    found = Hub.open(settings, engine)
    found.on_sale()
    jobs.prepare(SECRET, allows_private=True)
    speak(settings)
    yield found
    DIALECTS.pop("octo", None)
    del SPEAKERS["octo"]
    jobs.prepare(SECRET, allows_private=False)


@pytest.fixture
def reseller(hub):
    return Reseller(hub, capabilities=f"{ALL}, octo/webhooks")


def hooked(reseller, receiver, event="booking_update", **more):
    return reseller.call(
        "POST", "/webhooks", {"url": receiver.url, "event": event, **more}
    )


def drain(*hooks):
    with transaction() as session:
        while number_changes(session):
            pass
    for hook in hooks:
        while jobs.drain(UUID(hook["id"])):
            pass


def again():
    """Let what waits to be tried again be due."""
    with transaction() as session:
        for table in ("webhook_endpoint", "webhook_delivery"):
            session.execute(
                text(f"UPDATE {table} SET next_at = next_at - interval '1 hour'")
            )


def of(diff, *paths):
    return {op["path"]: (op["was"], op["value"]) for op in diff if op["path"] in paths}


def test_a_booking_is_told_when_it_is_confirmed_and_cancelled(reseller, receiver):
    hook = hooked(reseller, receiver)
    booking = reseller.reserve()
    sold = reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    drain(hook)
    reseller.call("POST", f"/bookings/{booking['uuid']}/cancel", {})
    drain(hook)
    first, second = receiver.bodies()
    assert first["webhook"] == hook
    assert first["booking"]["status"] == "CONFIRMED"
    assert first["booking"] | {"availability": None} == sold | {"availability": None}
    assert of(first["diff"], *PATHS) == dict.fromkeys(PATHS, ("ON_HOLD", "CONFIRMED"))
    assert second["booking"]["status"] == "CANCELLED"
    assert of(second["diff"], *PATHS) == dict.fromkeys(
        PATHS, ("CONFIRMED", "CANCELLED")
    )
    assert {op["op"] for op in second["diff"]} == {"replace"}


def test_what_did_not_arrive_is_told_again_with_the_same_difference(reseller, receiver):
    hook = hooked(reseller, receiver)
    receiver.answer = lambda _: 500
    booking = reseller.reserve()
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    drain(hook)
    receiver.answer = lambda _: 204
    again()
    drain(hook)
    first, second = receiver.bodies()
    assert first["diff"] == second["diff"]
    assert len(set(receiver.ids())) == 1


def test_one_that_is_not_to_be_retried_is_given_up_at_once(hub, reseller, receiver):
    hook = hooked(reseller, receiver, retryOnError=False)
    receiver.answer = lambda _: 500
    booking = reseller.reserve()
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    drain(hook)
    again()
    drain(hook)
    assert len(receiver.got) == 1
    log = hub.get("ann", f"/v1/webhook-endpoints/{hook['id']}/deliveries")["items"]
    assert [one["state"] for one in log] == ["failed"]


def test_orders_of_the_own_api_are_no_bookings(hub, reseller, receiver):
    hook = hooked(reseller, receiver)
    sold = hub.get("ann", "/v1/performances?limit=1")["items"][0]
    hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)]))
    drain(hook)
    assert receiver.got == []


def test_it_is_told_in_the_language_of_the_contact(reseller, receiver):
    chinese = hooked(reseller, receiver)
    english = hooked(reseller, receiver, useContactLanguage=False)
    booking = reseller.reserve()
    said = {"contact": {"fullName": "Ada", "locales": ["zh-Hans"]}}
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", said)
    drain(chinese, english)
    told = {
        body["webhook"]["id"]: body["booking"]["product"]["locale"]
        for body in receiver.bodies()
    }
    assert told == {chinese["id"]: "zh-Hans", english["id"]: "en"}


def test_its_capabilities_are_those_of_the_request_that_made_it(
    hub, reseller, receiver
):
    plain = hooked(Reseller(hub, capabilities="octo/webhooks"), receiver)
    priced = hooked(reseller, receiver)
    assert plain["capabilities"] == []
    assert "octo/pricing" in priced["capabilities"]
    booking = reseller.reserve()
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    drain(plain, priced)
    told = {b["webhook"]["id"]: "pricing" in b["booking"] for b in receiver.bodies()}
    assert told == {plain["id"]: False, priced["id"]: True}


def test_headers_and_a_user_in_the_address_go_along_and_are_not_shown(
    hub, reseller, receiver
):
    url = receiver.url.replace("http://", "http://ann:se%40cret@")
    hook = reseller.call(
        "POST",
        "/webhooks",
        {"url": url, "event": "booking_update", "headers": {"X-Token": "t0ken"}},
    )
    assert hook["headers"] == {"X-Token": "***", "Authorization": "***"}
    assert hook["url"] == receiver.url
    booking = reseller.reserve()
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    drain(hook)
    [(headers, body)] = receiver.got
    assert headers["authorization"] == "Basic YW5uOnNlQGNyZXQ="
    assert headers["x-token"] == "t0ken"
    secret = hub.get("ann", f"/v1/webhook-endpoints/{hook['id']}/secret")["secret"]
    Webhook(secret).verify(body, headers)
    with transaction() as session:
        stored = session.scalars(text("SELECT wants::text FROM webhook_endpoint")).all()
    assert "t0ken" not in "".join(stored)


def test_a_cart_is_told_whole(reseller, receiver):
    hook = hooked(reseller, receiver, "order_update")
    cart = reseller.call("POST", "/orders", {})
    for _ in range(2):
        reseller.reserve(orderId=cart["id"])
    alone = reseller.reserve()
    reseller.call("POST", f"/bookings/{alone['uuid']}/confirm", {})
    reseller.call("POST", f"/orders/{cart['id']}/confirm", {"contact": {}})
    drain(hook)
    told = receiver.bodies()
    assert len(told) == 2  # one for each booking that was confirmed
    assert {body["order"]["id"] for body in told} == {cart["id"]}
    assert {body["order"]["status"] for body in told} == {"CONFIRMED"}


def test_what_a_venue_changes_is_told_of_every_option(hub, reseller, receiver):
    hook = hooked(reseller, receiver, "availability_update")
    free, product = reseller.availability()[0], reseller.product()
    hub.deliver([performance(version=2, status="cancelled")])
    drain(hook)
    bodies = receiver.bodies()
    assert {body["optionId"] for body in bodies} == {"floor", "stalls"}
    assert {body["availability"]["id"] for body in bodies} == {free["id"]}
    assert {body["availability"]["status"] for body in bodies} == {"CLOSED"}
    assert {body["productId"] for body in bodies} == {product["id"]}


def test_what_is_withdrawn_is_closed(hub, reseller, receiver):
    hook = hooked(reseller, receiver, "availability_update")
    free = reseller.availability()[0]
    others = [performance(f"x{no}") for no in range(5)]
    hub.deliver(others)
    hub.deliver(others, mode="full")
    drain(hook)
    told = [one for one in receiver.bodies() if one["availability"]["id"] == free["id"]]
    assert {body["optionId"] for body in told} == {"floor", "stalls"}
    assert {body["availability"]["status"] for body in told} == {"CLOSED"}


def test_a_product_is_told_when_its_production_changes(hub, reseller, receiver):
    hook = hooked(reseller, receiver, "product_update")
    hub.deliver([production(version=2, title={"en": "Another play"})])
    drain(hook)
    names = {body["product"]["internalName"] for body in receiver.bodies()}
    assert any(name.startswith("Another play") for name in names)


def test_webhooks_are_listed_shown_and_removed_by_their_agent_alone(
    hub, reseller, receiver
):
    hook = hooked(reseller, receiver)
    own = hub.post("ann", "/v1/webhook-endpoints", {"url": receiver.url}, 201)
    assert own["dialect"] is None
    assert reseller.call("GET", "/webhooks") == [hook]
    bob = Reseller(hub, "bob")
    assert bob.call("GET", "/webhooks") == []
    refused = bob.call("DELETE", f"/webhooks/{hook['id']}", expect=400)
    assert refused["error"] == "INVALID_WEBHOOK_ID"
    reseller.call("GET", f"/webhooks/{own['id']}", expect=400)
    assert reseller.call("DELETE", f"/webhooks/{hook['id']}") == hook
    reseller.call("GET", f"/webhooks/{hook['id']}", expect=400)


@pytest.mark.parametrize(
    "said",
    [
        {"url": "https://127.0.0.1:1/x", "event": "weather_update"},
        {"url": "no address at all", "event": "booking_update"},
        {"url": "http://[::1", "event": "booking_update"},
        {
            "url": "https://example.org/",
            "event": "booking_update",
            "headers": {"Host": "x"},
        },
        {
            "url": "https://example.org/",
            "event": "booking_update",
            "headers": {"a b": "x"},
        },
    ],
)
def test_what_cannot_be_sent_to_is_refused(reseller, said):
    reseller.call("POST", "/webhooks", said, expect=400)


def test_topics_of_a_dialect_are_its_own(hub, reseller, receiver):
    hook = hooked(reseller, receiver)
    path = f"/v1/webhook-endpoints/{hook['id']}"
    assert hub.get("ann", path)["dialect"] == "octo"
    assert hub.call("ann", "PUT", path, {"topics": ["order"]}).status_code == 422
    moved = hub.call("ann", "PUT", path, {"url": "https://example.org/elsewhere"})
    assert moved.status_code == 422  # what goes along is for the first address
    paused = hub.call("ann", "PUT", path, {"state": "paused"}).get_json()
    assert paused["state"] == "paused"


def test_what_is_no_product_any_more_is_told_without_it(hub, reseller, receiver):
    hook = hooked(reseller, receiver)
    booking = reseller.reserve()
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    drain(hook)
    other = production("other", title={"en": "Another"})
    hub.deliver([other, performance("o1", production="other")])
    ids = {
        p["title"]["en"]: p["id"] for p in hub.get("ann", "/v1/productions")["items"]
    }
    path = f"/v1/productions/{ids['A play']}/merge"
    merged = hub.call("operator", "PUT", path, {"into": ids["Another"]}, key="m")
    assert merged.status_code == 200
    hub.app.extensions["octo"] = Finder(0)
    shown = reseller.call("GET", f"/bookings/{booking['uuid']}")
    assert (shown["status"], shown["product"]) == ("CONFIRMED", None)
    reseller.call("POST", f"/bookings/{booking['uuid']}/cancel", {})
    drain(hook)
    told = receiver.bodies()[-1]
    assert (told["booking"]["status"], told["booking"]["product"]) == (
        "CANCELLED",
        None,
    )


def test_an_endpoint_for_which_nothing_can_be_said_rests(hub, reseller, receiver):
    hook = hooked(reseller, receiver, headers={"X-Token": "t"})
    booking = reseller.reserve()
    reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
    with transaction() as session:
        session.execute(
            text('UPDATE webhook_endpoint SET wants = wants || \'{"headers": "lost"}\'')
        )
    drain(hook)
    found = hub.get("ann", f"/v1/webhook-endpoints/{hook['id']}")
    assert (found["state"], found["failures"]) == ("active", 1)
    assert reseller.call("GET", "/webhooks") == [hook]
    assert receiver.got == []


def test_what_goes_along_is_sealed_anew_with_credentials(hub, reseller, receiver):
    hook = hooked(reseller, receiver, headers={"X-Token": "t0ken"})
    new = Fernet.generate_key().decode()
    with transaction() as session:
        rekey(session, Sealer([new, CREDENTIALS_KEY]))
        sealed = session.scalar(text("SELECT wants->>'headers' FROM webhook_endpoint"))
    assert Sealer([new]).open(sealed.encode()) == {"X-Token": "t0ken"}
    assert reseller.call("GET", f"/webhooks/{hook['id']}") == hook


def test_a_repeat_of_a_part_has_its_name(hub, reseller, receiver):
    hook = hooked(reseller, receiver, "availability_update")
    drain(hook)
    receiver.got.clear()
    receiver.answer = lambda body: 500 if body["optionId"] == "stalls" else 204
    hub.deliver([performance(version=2, status="cancelled")])
    drain(hook)
    receiver.answer = lambda _: 204
    again()
    drain(hook)
    names = {}
    for name, body in zip(receiver.ids(), receiver.bodies(), strict=True):
        names.setdefault(body["optionId"], set()).add(name)
    assert {option: len(found) for option, found in names.items()} == {
        "floor": 1,
        "stalls": 1,
    }


def test_a_worker_tells_bookings(hub, reseller, receiver, monkeypatch):
    monkeypatch.setenv("HUB_WEBHOOKS_PRIVATE", "allow")
    hook = hooked(reseller, receiver)
    with serving(hub.settings), working(hub.settings):
        booking = reseller.reserve()
        reseller.call("POST", f"/bookings/{booking['uuid']}/confirm", {})
        wait_for(lambda: receiver.got, "the webhook")
    [body] = receiver.bodies()
    assert body["webhook"] == hook
    assert body["booking"]["status"] == "CONFIRMED"
