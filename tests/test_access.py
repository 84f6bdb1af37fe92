"""Every route, asked by everybody: the table is all there is, and foreign is 404."""

import re
from dataclasses import replace
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from werkzeug.routing import Rule

from hub import access
from hub.access import ROUTES
from hub.kernel.callers import Kind
from hub.kernel.db import transaction
from partners import services
from tests.hubs import SECRET, ZONE, application, forget_application
from tests.settlement.months import closed

GUARDED = sorted(key for key, row in ROUTES.items() if not row.is_open)
OPEN = sorted(key for key, row in ROUTES.items() if row.is_open)
CALLERS = {
    Kind.SUPPLIER: "sup",
    Kind.AGENT: "ann",
    Kind.OPERATOR: "operator",
    Kind.FINANCE: "finance",
}


NAMES = {
    "no": "1",
    "feed": "nobodys",
    "period": "2020-01",
    "code": "not-found",
    "path": "index.css",
    "symbology": "qr",
    "form": "svg",
}


def path_of(route):
    """Fill a route's arguments with ids that do not exist."""
    return re.sub(
        r"<(?:[^:<>]+:)?(\w+)>", lambda found: NAMES.get(found[1], str(uuid4())), route
    )


def test_the_table_names_every_route_and_no_other(hub):
    served = {
        (method, rule.rule)
        for rule in hub.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert served == set(ROUTES)


def test_open_routes_need_no_key(hub):
    for method, route in OPEN:
        response = hub.call(None, method, path_of(route))
        assert response.status_code not in {401, 403}, route


def test_guarded_routes_refuse_strangers(hub):
    expired = hub.post(
        "operator",
        "/v1/credentials",
        {
            "kind": "operator",
            "name": "late",
            "expires_at": "2020-01-01T00:00:00Z",
        },
    )["key"]
    for method, route in GUARDED:
        for who in (None, "hub_made-up", expired):
            response = hub.call(who, method, path_of(route))
            if route.startswith("/tiqets/"):  # as Tiqets has it
                assert response.status_code == 403, (method, route)
                assert response.get_data(as_text=True).startswith("Forbidden")
                continue
            assert response.status_code == 401, (method, route)
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.get_json()["code"] == "unauthenticated"


@pytest.mark.parametrize("kind", list(Kind))
def test_guarded_routes_let_in_the_kinds_of_the_table(hub, kind):
    for method, route in GUARDED:
        response = hub.call(CALLERS[kind], method, path_of(route))
        is_let_in = kind in ROUTES[method, route].kinds
        assert (response.status_code != 403) is is_let_in, (method, route, kind)
        assert response.status_code < 500, (method, route)


def test_a_key_without_the_scope_is_refused(hub):
    for kind, owner in CALLERS.items():
        wanted = {"kind": kind, "name": "reader", "scopes": ["read"]}
        if kind in {Kind.SUPPLIER, Kind.AGENT}:
            wanted["partner_id"] = hub.ids[owner]
        reader = hub.post("operator", "/v1/credentials", wanted)["key"]
        for method, route in GUARDED:
            row = ROUTES[method, route]
            if kind in row.kinds and row.scope == "write":
                refused = hub.call(reader, method, path_of(route))
                assert refused.status_code == 403, (method, route)
                if not route.startswith("/tiqets/"):
                    assert refused.get_json()["scope_needed"] == "write"


@pytest.fixture
def filled(hub):
    """A hub where ann has a hold and an order, and sup a delivery and a statement."""
    performance = hub.on_sale()
    offer_id = hub.offer_id("ann", performance["id"])
    hold = hub.hold("ann", [(offer_id, 1)])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 1)]))
    delivery = hub.get("sup", "/v1/deliveries")["items"][0]
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    hub.period = now.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m")
    hub.move_clock(days=32)
    mine = closed(hub)["ann"]
    return {
        "hold_id": hold["id"],
        "order_id": order["id"],
        "delivery_id": delivery["id"],
        "statement_id": mine["id"],
        "performance_id": performance["id"],
    }


FOREIGN = [
    ("bob", "GET", "/v1/holds/{hold_id}"),
    ("bob", "DELETE", "/v1/holds/{hold_id}"),
    ("bob", "GET", "/v1/orders/{order_id}"),
    ("bob", "POST", "/v1/orders/{order_id}/cancellations"),
    ("bob", "GET", "/v1/statements/{statement_id}"),
    ("bob", "GET", "/v1/statements/{statement_id}/lines"),
    ("sup", "GET", "/v1/statements/{statement_id}"),
    ("rival", "GET", "/v1/deliveries/{delivery_id}"),
    ("rival", "GET", "/v1/deliveries/{delivery_id}/refusals"),
]


def test_foreign_ids_are_not_found_and_tell_nothing(hub, filled):
    hub.add_partner("rival", "supplier", commission_bp=100)
    for who, method, path in FOREIGN:
        body = {} if method == "POST" else None
        theirs = hub.call(who, method, path.format(**filled), body, key="k")
        unknown = {name: str(uuid4()) for name in filled}
        nobodys = hub.call(who, method, path.format(**unknown), body, key="k")
        assert theirs.status_code == nobodys.status_code == 404, path
        assert shape(theirs) == shape(nobodys), path
    confirmed = hub.post(
        "bob",
        "/v1/orders",
        {"hold_id": filled["hold_id"], "reference": "r"},
        404,
        key="k2",
    )
    assert confirmed["code"] == "not-found"
    feed = hub.post("rival", "/v1/feeds/season/deliveries", None, 404, data=b"{}")
    assert feed["code"] == "not-found"


def shape(response):
    said = response.get_json()
    return {name: said[name] for name in ("type", "title", "status", "code", "retry")}


def test_another_world_sees_nothing_of_this_one(hub, filled):
    with transaction() as session:
        services.open_world(session, "elsewhere")
        for name, kind in (
            ("their-operator", Kind.OPERATOR),
            ("their-finance", Kind.FINANCE),
        ):
            _, hub.keys[name] = services.issue_credential(
                session, secret=SECRET, world="elsewhere", kind=kind, name=name
            )
    sup, contract = hub.ids["sup"], hub.ids["sup-contract"]
    terms = {"valid_from": "2026-01-01T00:00:00Z", "clauses": {}}
    asked = [
        ("their-operator", "GET", f"/v1/partners/{sup}", None),
        ("their-operator", "GET", f"/v1/partners/{sup}/plans", None),
        ("their-operator", "POST", f"/v1/contracts/{contract}/terms", terms),
        ("their-operator", "POST", f"/v1/partners/{sup}/feeds", {"name": "x"}),
        ("their-operator", "DELETE", f"/v1/credentials/{hub.ids['ann-key']}", None),
        ("their-operator", "GET", f"/v1/deliveries/{filled['delivery_id']}", None),
        ("their-finance", "GET", f"/v1/statements/{filled['statement_id']}", None),
        (
            "their-finance",
            "POST",
            f"/v1/statements/{filled['statement_id']}/review",
            {"lines_sha256": "0" * 64},
        ),
    ]
    for who, method, path, body in asked:
        assert hub.call(who, method, path, body).status_code == 404, path
    assert hub.get("their-operator", "/v1/partners")["items"] == []
    assert hub.get("their-finance", "/v1/statements")["items"] == []


def test_a_route_outside_the_table_is_refused(hub):
    forget_application()
    hub.app.url_map.add(Rule("/v1/forgotten", endpoint="forgotten"))
    hub.app.view_functions["forgotten"] = lambda: "secret"
    assert hub.call("operator", "GET", "/v1/forgotten").status_code == 403


def test_keys_rotate_with_an_overlap_and_end(hub):
    path = f"/v1/credentials/{hub.ids['ann-key']}/rotation"
    new = hub.post("operator", path, {"overlap_s": 60})
    assert new["rotated_from"] == hub.ids["ann-key"]
    assert hub.call("ann", "GET", "/v1/orders").status_code == 200
    assert hub.call(new["key"], "GET", "/v1/orders").status_code == 200
    hub.post("operator", path, {"overlap_s": 0})
    assert hub.call("ann", "GET", "/v1/orders").status_code == 401
    assert hub.call(new["key"], "GET", "/v1/orders").status_code == 200
    gone = hub.call("operator", "DELETE", f"/v1/credentials/{new['id']}")
    assert gone.status_code == 204
    assert hub.call(new["key"], "GET", "/v1/orders").status_code == 401


def test_keys_are_not_stored_and_shown_once(hub, session):
    listed = hub.get("operator", "/v1/credentials")["items"]
    assert all("key" not in credential for credential in listed)
    stored = str(session.connection().exec_driver_sql("SELECT * FROM credential").all())
    assert not any(key in stored for key in hub.keys.values())


def test_a_remembered_key_is_forgotten_within_the_stated_time(
    hub, settings, engine, monkeypatch
):
    client = application(replace(settings, credential_cache_s=5), engine).test_client()
    headers = {"Authorization": f"Bearer {hub.keys['ann']}"}
    assert client.get("/v1/orders", headers=headers).status_code == 200
    hub.call("operator", "DELETE", f"/v1/credentials/{hub.ids['ann-key']}")
    assert client.get("/v1/orders", headers=headers).status_code == 200
    later = access.time.monotonic() + 5.1
    monkeypatch.setattr(access.time, "monotonic", lambda: later)
    assert client.get("/v1/orders", headers=headers).status_code == 401


def test_partners_of_another_kind_or_without_partner_are_refused(hub):
    wanted = {"kind": "agent", "partner_id": hub.ids["sup"], "name": "x"}
    assert hub.post("operator", "/v1/credentials", wanted, 404)["code"] == "not-found"
    wanted = {"kind": "agent", "name": "x"}
    assert hub.post("operator", "/v1/credentials", wanted, 422)["field"] == "partner_id"
