"""Bad input over the API: always a problem with a stable code, never half done."""

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from uuid import uuid4

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from tests.hubs import ndjson, performance, production, season, venue

OFFER = str(uuid4())
LINE = {"offer_id": OFFER, "quantity": 1}


def refused(hub, who, method, path, status, code, **more):  # noqa: PLR0917
    """Send something bad; return the problem, which must be one."""
    response = hub.call(who, method, path, **more)
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["retry"] in {"never", "same-key", "later", "requote"}
    assert problem["type"] == f"/problems/{code}"
    assert problem["instance"] == response.headers["X-Request-Id"]
    return problem


BODIES = [
    ({"lines": []}, "lines"),
    ({}, "lines"),
    ({"lines": [LINE], "colour": "red"}, "colour"),
    ({"lines": [LINE | {"quantity": 0}]}, "lines"),
    ({"lines": [LINE | {"quantity": -3}]}, "lines"),
    ({"lines": [LINE | {"quantity": 10**9}]}, "lines"),
    ({"lines": [LINE | {"quantity": 1.5}]}, "lines"),
    ({"lines": [LINE | {"quantity": "2"}]}, "lines"),
    ({"lines": [LINE | {"quantity": True}]}, "lines"),
    ({"lines": [LINE | {"quantity": None}]}, "lines"),
    ({"lines": [LINE | {"seat_ids": [OFFER]}]}, "lines"),
    ({"lines": [{"offer_id": "x", "quantity": 1}]}, "lines"),
    ({"lines": [LINE] * 11}, "lines"),
    ([LINE], "_schema"),
]


@pytest.mark.parametrize(("body", "field"), BODIES)
def test_a_hold_that_cannot_be_meant_names_the_field(hub, body, field):
    found = refused(
        hub, "ann", "POST", "/v1/holds", 422, "invalid-request", body=body, key="k"
    )
    assert field in found["errors"]["json"]


RAW = [
    (b"{", "application/json", 400, "malformed-request"),
    (b"\xff\xfe", "application/json", 400, "malformed-request"),
    (b"[" * 5_000, "application/json", 400, "malformed-request"),
    (b"1" * 5_000, "application/json", 400, "malformed-request"),
    (b"{}", "text/plain", 415, "unsupported-media-type"),
    (b"", "application/json", 422, "invalid-request"),
    (b"x" * 1_048_577, "application/json", 413, "body-too-large"),
]


@pytest.mark.parametrize(("body", "mime", "status", "code"), RAW)
def test_a_body_that_is_not_json_is_said_so(hub, body, mime, status, code):
    sent = {"data": body, "content_type": mime, "key": "k"}
    refused(hub, "ann", "POST", "/v1/orders", status, code, **sent)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("GET", "/v1//performances", 404, "not-found"),
        ("GET", "/v1/performances/not-an-id", 404, "not-found"),
        ("PATCH", "/v1/holds", 405, "method-not-allowed"),
        ("OPTIONS", "/v1/holds", 405, "method-not-allowed"),
        ("GET", "/v1/performances?colour=red", 422, "invalid-request"),
        ("GET", "/v1/performances?limit=0", 422, "invalid-request"),
        ("GET", "/v1/performances?limit=-1", 422, "invalid-request"),
        ("GET", "/v1/performances?limit=9999", 422, "invalid-request"),
        ("GET", "/v1/performances?after=nonsense", 422, "invalid-request"),
        ("GET", "/v1/performances?after=WyJhIl0", 422, "invalid-request"),
        ("GET", "/v1/performances?starts_from=2026-11-01", 422, "invalid-request"),
        ("GET", "/v1/performances?starts_from=2026-11-01T00:00:00", 422, "invalid-request"),
        ("GET", "/v1/performances?starts_from=9999-12-31T23:59:59-12:00", 422, "invalid-request"),
        ("GET", "/v1/orders?reference=a%00b", 422, "invalid-request"),
        ("GET", "/v1/orders?after=WyJ4Il0", 422, "invalid-request"),
    ],
)  # fmt: skip
def test_paths_and_queries_are_checked(hub, method, path, status, code):
    refused(hub, "ann", method, path, status, code)


def test_a_method_not_allowed_names_those_that_are(hub):
    response = hub.call("ann", "PATCH", "/v1/holds")
    assert response.headers["Allow"] == "POST"


def test_a_very_deep_cursor_is_only_a_bad_one(hub):
    cursor = base64.urlsafe_b64encode(b"[" * 20_000).decode()
    refused(hub, "ann", "GET", f"/v1/orders?after={cursor}", 422, "invalid-request")


@pytest.mark.parametrize("key", [None, "", "x" * 256])
def test_writes_of_the_sale_want_a_key(hub, key):
    body = {"lines": [LINE]}
    found = refused(
        hub, "ann", "POST", "/v1/holds", 422, "invalid-request", body=body, key=key
    )
    assert "Idempotency-Key" in found["errors"]["headers"]


UNSTORABLE = ["a\0b", "\ud800"]


@pytest.mark.parametrize("name", UNSTORABLE)
def test_text_that_cannot_be_stored_is_refused(hub, name):
    partner = {"kind": "supplier", "ref": "x", "name": name}
    refused(
        hub, "operator", "POST", "/v1/partners", 422, "invalid-request", body=partner
    )
    key = {"kind": "operator", "name": name}
    refused(
        hub, "operator", "POST", "/v1/credentials", 422, "invalid-request", body=key
    )
    path = "/v1/feeds/%00/deliveries"
    sent = {"data": b"{}", "content_type": "application/x-ndjson"}
    refused(hub, "sup", "POST", path, 422, "invalid-request", **sent)


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00"]
)
def test_times_beyond_telling_are_refused(hub, at):
    clock = {"body": {"now": at}}
    refused(hub, "operator", "PUT", "/v1/clock", 422, "invalid-request", **clock)
    key = {"body": {"kind": "operator", "name": "x", "expires_at": at}}
    refused(hub, "operator", "POST", "/v1/credentials", 422, "invalid-request", **key)
    path = f"/v1/contracts/{hub.ids['ann-contract']}/terms"
    terms = {"body": {"valid_from": at, "clauses": {}}}
    refused(hub, "operator", "POST", path, 422, "invalid-request", **terms)


def test_the_clock_moves_forward_only_and_never_the_live_one(hub):
    past = {"body": {"now": "2020-01-01T00:00:00Z"}}
    refused(hub, "operator", "PUT", "/v1/clock", 409, "clock-backwards", **past)


JAMS = [
    json.dumps(venue("v9") | {"name": {"en": "a\0b"}}).encode(),
    json.dumps(production("x9") | {"description": {"en": "\0"}}).encode(),
    b'{"type":"venue","ref":"a\\u0000b"}',
    b'{"type":"performance","ref":"a\\u0000"}',
    json.dumps({"type": "performance", "ref": "r" * 100_000}).encode(),
    b'{"type":"venue","ref":"deep","name":' + b"[" * 100_000 + b"}",
    json.dumps(performance("y", starts_at="0001-01-01T00:00:00+14:00")).encode(),
    json.dumps(performance("y", cut_off_at="0001-01-01T00:00:00+14:00")).encode(),
    json.dumps(performance("y", ends_at="9999-12-31T23:59:59-12:00")).encode(),
]


@pytest.mark.parametrize("mode", ["full", "delta"])
@pytest.mark.parametrize("line", JAMS, ids=range(len(JAMS)))
def test_no_line_jams_a_feed(hub, line, mode):
    done = hub.deliver(ndjson(season()) + line + b"\n", mode=mode)
    assert (done["state"], done["accepted"], done["refused"]) == ("done", 4, 1)
    assert hub.refusals(done)[0]["line"] == 5
    assert hub.deliver([performance("after")])["accepted"] == 1
    assert len(hub.get("ann", "/v1/performances")["items"]) == 2


def test_a_damaged_line_in_a_full_delivery_withdraws_nothing(hub):
    many = [performance(f"m{no}") for no in range(10)]
    hub.deliver([*season(), *many])
    cut = ndjson([*season(), *many[:-1]]) + ndjson(many[-1:])[:60] + b"\n"
    done = hub.deliver(cut, mode="full")
    assert (done["state"], done["unreadable"], done["withdrawn"]) == ("done", 1, 0)
    assert len(hub.get("ann", "/v1/performances")["items"]) == 11


def test_a_body_that_does_not_say_where_it_ends_is_refused(hub):
    sent = {
        "content_type": "application/x-ndjson",
        "headers": {"Transfer-Encoding": "chunked"},
        "input_stream": BytesIO(b"{}\n"),
        "environ_overrides": {"wsgi.input_terminated": True},
    }
    path = "/v1/feeds/season/deliveries"
    refused(hub, "sup", "POST", path, 411, "length-required", **sent)


CSV_HEADER = "ref,version,production,auditorium,starts_at,area,capacity,price_type,currency,face_minor"


@pytest.mark.parametrize(
    "body",
    [
        '"ref',
        '"ref"x',
        f"{CSV_HEADER},ref\n",
        f'{CSV_HEADER}\n"a\n',
        f"{CSV_HEADER}\n{'x' * 131_073}\n",
        f"{CSV_HEADER}\n\xe9".encode("latin-1"),
    ],
)
def test_csv_that_is_none_leaves_nothing(hub, body):
    data = body if isinstance(body, bytes) else body.encode()
    path = "/v1/feeds/season/deliveries"
    sent = {"data": data, "content_type": "text/csv"}
    refused(hub, "sup", "POST", path, 400, "delivery-broken", **sent)
    assert hub.get("sup", "/v1/deliveries")["items"] == []


@pytest.mark.parametrize("cell", ["--5", "9" * 5_000, "4,5", "٤٥٠٠", "1e3"])
def test_a_number_that_is_none_is_refused_in_its_record(hub, cell):
    hub.deliver(season())
    row = f'c1,1,play,main,2027-01-05T19:00:00+01:00,floor,10,adult,EUR,"{cell}"'
    made = hub.post(
        "sup",
        "/v1/feeds/season/deliveries",
        None,
        202,
        data=f"{CSV_HEADER}\n{row}\n".encode(),
        content_type="text/csv",
    )
    hub.work()
    done = hub.get("sup", f"/v1/deliveries/{made['id']}")
    assert (done["accepted"], done["refused"]) == (0, 1)
    assert hub.refusals(done)[0]["field"] == "offers[0].face_minor"


def test_encodings_are_named_in_any_case_and_others_refused(hub):
    body = gzip.compress(ndjson(season()))
    path = "/v1/feeds/season/deliveries"
    for encoding in ("GZIP", "x-gzip"):
        sent = {"data": body, "content_type": "application/x-ndjson"}
        sent["headers"] = {"Content-Encoding": encoding}
        assert hub.call("sup", "POST", path, **sent).status_code == 202
    sent["headers"] = {"Content-Encoding": "br"}
    refused(hub, "sup", "POST", path, 415, "feed-format", **sent)


def test_plans_name_channels_and_agents_that_are_there(hub):
    path = hub.of("sup", "plans")
    for channel in ("", "a/b", "x" * 5_000, "nowhere", None, 7):
        body = {"plan": {"rules": [{"channel": channel, "kind": "free-sale"}]}}
        refused(hub, "operator", "POST", path, 422, "plan-refused", body=body)
    for body in ({}, {"plan": []}, {"rules": []}, {"plan": {}, "scope": 1}):
        refused(hub, "operator", "POST", path, 422, "invalid-request", body=body)
    scope = {
        "starts_from": "2026-01-02T00:00:00Z",
        "starts_until": "2026-01-01T00:00:00Z",
    }
    body = {"plan": {"rules": [{"channel": "online"}]}, "scope": scope}
    refused(hub, "operator", "POST", path, 422, "plan-refused", body=body)


def test_the_same_key_twice_at_once_is_one_hold_and_one_order(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])

    def hold(_):
        with hub.app.test_client() as client:
            return client.post(
                "/v1/holds",
                json={"lines": [{"offer_id": offer_id, "quantity": 2}]},
                headers={
                    "Authorization": f"Bearer {hub.keys['ann']}",
                    "Idempotency-Key": "one",
                },
            ).get_json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(hold, range(8)))
    assert len({answer["id"] for answer in answers}) == 1

    def confirm(_):
        with hub.app.test_client() as client:
            return client.post(
                "/v1/orders",
                json={"hold_id": answers[0]["id"], "reference": "R"},
                headers={
                    "Authorization": f"Bearer {hub.keys['ann']}",
                    "Idempotency-Key": "two",
                },
            ).get_json()

    with ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(confirm, range(8)))
    assert len({order["id"] for order in orders}) == 1
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM sale_order")) == 1
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 148
    hub.assert_lawful()
