"""Examples for the API document: a story, told to a real hub, written down.

``python -m tests.contract.examples`` prints what ``hub/examples.json`` holds; a test
tells the story again and compares. Ids, codes, secrets and times are replaced by fixed
ones, in the order in which they are met, so that the same story gives the same text.
"""

import json
import re
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from hub import migrations
from hub.catalogue.services.changes import number_changes
from hub.config import load
from hub.kernel import db
from hub.kernel.db import transaction
from hub.kernel.embedded import Embedded
from hub.sales.services.noticing import tell_disruptions
from hub.sales.services.refunding import go_on_refunding
from tests.hubs import (
    FREE_SALE,
    TODAY,
    Hub,
    auditorium,
    offer,
    percent,
    performance,
    production,
    venue,
)
from tests.hubs import (
    SECRET as HUB_SECRET,
)

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{16}\b")
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")
TOKEN = re.compile(r"/t/[A-Za-z0-9_-]{40,}")
LIST_MOST = 3
ADDRESS = {
    "name": "Ann Example",
    "lines": ["1 Some Street"],
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}


class Plain:
    """Replaces what differs from time to time by what does not."""

    def __init__(self):
        self.known = {}

    def _number(self, kind, text, make):
        found = self.known.setdefault(kind, {})
        return found.setdefault(text, make(len(found) + 1))

    def _moment(self, found):
        at = datetime.fromisoformat(found[0])
        days = round((at - TODAY) / timedelta(days=1))
        return (
            datetime.fromisoformat("2026-11-30T10:00:00+00:00") + timedelta(days=days)
        ).isoformat()

    def text(self, said):
        said = TOKEN.sub("/t/AZqk-a-token-signed-by-the-hub", said)
        said = ID.sub(
            lambda m: self._number(
                "id", m[0], lambda n: f"019ac3f0-0000-7000-8000-{n:012d}"
            ),
            said,
        )
        said = SECRET.sub("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", said)
        if DAY.match(said):  # on the clocks of the venue: which day depends on the hour
            return "2026-12-30"
        said = MOMENT.sub(self._moment, said)
        return CODE.sub(
            lambda m: self._number("code", m[0], lambda n: f"7Q2M9X4KD{n:07d}"), said
        )

    def value(self, said):
        if isinstance(said, dict):
            return {name: self.named(name, value) for name, value in said.items()}
        if isinstance(said, list):
            return [self.value(item) for item in said[:LIST_MOST]]
        return self.text(said) if isinstance(said, str) else said

    def named(self, name, value):
        if name in {"instance", "key"}:
            return "..."
        if name in {"next", "after"} and isinstance(value, str):
            return "WyIwMTlhYzNmMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ"
        if name in {"position", "latest", "until_position"} or (
            name in {"next", "after"} and value is not None
        ):
            return 1042
        if name == "took_ms":
            return 12
        return self.value(value)


class Story:
    """A hub whose calls are written down: the first of each operation that succeeds."""

    def __init__(self, hub):
        self.hub, self.told, self.plain = hub, {}, Plain()
        self.urls = hub.app.url_map.bind("")

    def ask(self, who, method, path, body=None, *, expect=200, key=None):
        if key is None and method != "GET":
            key = str(uuid4())
        response = self.hub.call(who, method, path, body, key=key)
        assert response.status_code == expect, response.get_data(as_text=True)
        answer = response.get_json(silent=True)
        rule, _ = self.urls.match(path.partition("?")[0], method, return_rule=True)
        route = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        said = self.told.setdefault(f"{method} {route}", {})
        if not said:
            said["status"] = str(expect)
            if body is not None:
                said["request"] = self.plain.value(body)
            if answer is not None:
                said["answer"] = self.plain.value(answer)
        return answer


def deliver(hub, **more):
    hub.deliver([venue(), auditorium(), production(), performance(**more)])


def tell(hub):
    """Tell the story; return what was said of each operation."""
    story = Story(hub)
    ask = story.ask
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
    return {name: story.told[name] for name in sorted(story.told)}


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


def main():
    """Print the examples, told to a hub of their own."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = Embedded(Path(folder))
        stores = embedded.start()
        try:
            migrations.upgrade(stores.owner_url)
            engine = db.connect(stores.database_url)
            settings = load(
                {
                    "HUB_VAR": folder,
                    "HUB_DATABASE_URL": stores.database_url,
                    "HUB_REDIS_URL": stores.redis_url,
                    "HUB_SECRET_KEY": HUB_SECRET,
                    "HUB_AVAILABILITY_AGE_S": "0",
                    "HUB_RATE_PERCENT": "0",
                    "HUB_LOG_LEVEL": "error",
                }
            )
            db.bind(engine)
            told = tell(Hub.open(settings, engine))
            engine.dispose()
        finally:
            embedded.stop()
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
