"""Whatever is asked, the document says what may be answered: no 5xx, nothing else."""

import random
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from hub.access import ROUTES
from tests.contract.test_documents import path_of
from tests.lengths import IS_LONG


def status_is_named(ctx, response, case):
    """Hold a route to the statuses it names itself: the document has a default, too."""
    named = set(case.operation.definition.raw["responses"]) - {"default"}
    assert str(response.status_code) in named | EVERYWHERE, (
        response.status_code,
        sorted(named),
    )


EVERYWHERE = {"403"}  # a wrong kind of key, on every route
CHECKS = [
    not_a_server_error,
    status_is_named,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 50 if IS_LONG else 6
WHO = {"agent": "ann", "supplier": "sup", "operator": "operator", "finance": "finance"}
OPERATIONS = sorted(
    (method, path_of(route), tuple(sorted(access.kinds)) or ("agent",))
    for (method, route), access in ROUTES.items()
    if route.startswith(("/v1/", "/t/"))
)


@pytest.fixture
def known(hub):
    """Ids of things there are, by the name of what asks for them."""
    sold = hub.on_sale()
    offer = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer, 3)]))
    hold = hub.hold("ann", [(offer, 2)])
    endpoint = hub.post(
        "ann", "/v1/webhook-endpoints", {"url": "https://shop.example.org/hook"}
    )
    return {
        "performance_id": [sold["id"]],
        "production_id": [sold["production_id"]],
        "offer_id": [offer, hub.offer_id("ann", sold["id"], "stalls")],
        "order_id": [order["id"]],
        "hold_id": [hold["id"]],
        "ticket_id": [ticket["id"] for ticket in order["tickets"]],
        "endpoint_id": [endpoint["id"]],
        "partner_id": [hub.ids["ann"], hub.ids["sup"]],
        "supplier_id": [hub.ids["sup"]],
        "agent_id": [hub.ids["ann"]],
        "contract_id": [hub.ids["ann-contract"]],
        "area": ["floor", "stalls"],
        "agent": ["ann", "bob"],
        "symbology": ["qr"],
        "form": ["svg"],
    }


def acquaint(value, known, dice):
    """Put things there are, every other time, where their names are asked for."""
    if isinstance(value, dict):
        return {
            name: dice.choice(known[name])
            if name in known and isinstance(said, str) and dice.random() < 0.7
            else [dice.choice(known[name[:-1]]) for _ in said]
            if name[:-1] in known and isinstance(said, list) and dice.random() < 0.7
            else acquaint(said, known, dice)
            for name, said in value.items()
        }
    if isinstance(value, list):
        return [acquaint(item, known, dice) for item in value]
    return value


@pytest.mark.parametrize(("method", "path", "kinds"), OPERATIONS)
def test_nothing_is_answered_that_is_not_documented(hub, known, method, path, kinds):
    schema = schemathesis.openapi.from_wsgi("/openapi.json", hub.app)
    operation = schema[path][method]
    asked = operation.as_strategy() | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )
    dice = random.Random(f"{method} {path}")  # noqa: S311

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=asked)
    def ask(case):
        case.path_parameters = acquaint(dict(case.path_parameters or {}), known, dice)
        case.query = acquaint(dict(case.query or {}), known, dice)
        if isinstance(case.body, dict):
            case.body = acquaint(case.body, known, dice)
        key = hub.keys[WHO[dice.choice(kinds)]]
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())}
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
    hub.assert_lawful()
