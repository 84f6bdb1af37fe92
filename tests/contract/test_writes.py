"""Every write can be repeated under a key, or has its own reason to be safe."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.hubs import FREE_SALE

DOCUMENT = Path(__file__).parents[2] / "openapi/hub.v1.json"
WRITES = ("post", "put", "delete", "patch")
REASONS = {
    "POST /v1/feeds/{feed}/deliveries": "its records carry versions; bodies are large",
    "POST /v1/credentials": "the key is shown once, and never stored",
    "POST /v1/credentials/{credential_id}/rotation": "the key is shown once",
    "POST /v1/webhook-endpoints/{endpoint_id}/rotation": "its reply is a secret",
    "DELETE /v1/credentials/{credential_id}": "a revoked key stays revoked",
    "POST /v1/requests/{hold_id}/decision": "the request itself is decided once",
    "POST /v1/periods/{period}/drafts": "drafts are made anew, contract by contract",
    "POST /v1/statements/{statement_id}/closing": "the statement is closed once",
    "POST /v1/contracts/{contract_id}/quotes": "it writes nothing",
    "POST /v1/orders/{order_id}/cancellation-quotes": "it writes nothing",
    "POST /v1/orders/{order_id}/exchange-quotes": "it writes nothing",
    "POST /v1/orders/{order_id}/links": "it writes nothing",
    "POST /v1/hints/{token}": "a hint says the same twice",
    "POST /v1/partners/{partner_id}/sandbox": "the key is shown once",
    "PUT /v1/sandbox/clock": "the clock only moves forward",
    "POST /v1/sandbox/closing": "what is closed stays closed",
    "POST /v1/sandbox/requests/{hold_id}/decision": "a request is decided once",
}


def writes():
    paths = json.loads(DOCUMENT.read_text())["paths"]
    for path, methods in paths.items():
        for method in WRITES:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def test_every_write_takes_a_key_or_says_why_not():
    without = {
        name
        for name, said in writes()
        if "Idempotency-Key" not in {p.get("name") for p in said.get("parameters", ())}
    }
    assert without == set(REASONS)


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        ("operator", "/v1/partners", {"kind": "supplier", "ref": "new", "name": "New"}),
        ("operator", "/v1/partners/{sup}/plans", {"plan": FREE_SALE}),
        ("sup", "/v1/stops", {"severity": "soft", "reason": "a test"}),
        ("operator", "/v1/partners/{sup}/feeds", {"name": "second"}),
    ],
)
def test_a_write_with_a_key_is_carried_out_once(hub, who, path, body):
    hub.on_sale()
    path, key = path.format(**hub.ids), str(uuid4())
    first = hub.call(who, "POST", path, body, key=key)
    assert first.status_code == 201
    again = hub.call(who, "POST", path, body, key=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    changed = {**body, "reason": "another"} if "reason" in body else {**body, "x": 1}
    other = hub.call(who, "POST", path, changed, key=key)
    assert other.get_json()["code"] == "idempotency-key-reused"
    assert hub.call(who, "POST", path, body, key="").status_code == 422


def test_what_is_refused_is_not_stored_and_leaves_nothing(hub):
    body = {"kind": "supplier", "ref": "sup", "name": "Twice"}
    refused = hub.call("operator", "POST", "/v1/partners", body, key="k")
    assert refused.get_json()["code"] == "partner-exists"
    body["ref"] = "other"
    made = hub.call("operator", "POST", "/v1/partners", body, key="k")
    assert made.status_code == 201
