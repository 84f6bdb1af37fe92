"""The API document is valid, committed, complete, and tells what is answered."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from connectors.feed.records import json_schema
from hub import problems
from hub.access import ROUTES
from hub.app import document
from hub.kernel.http import PROBLEM_JSON
from settlement.rules.files import FILES, schema
from tests.contract import examples

OPENAPI = Path(__file__).parents[2] / "openapi"


@pytest.fixture(scope="module")
def spec():
    return json.loads(json.dumps(document()))


def test_the_committed_documents_are_those_of_the_code(spec):
    assert json.loads((OPENAPI / "hub.v1.json").read_text()) == spec
    committed = json.loads((OPENAPI / "feed.v1.schema.json").read_text())
    assert committed == json.loads(json.dumps(json_schema()))
    for name in FILES:
        committed = json.loads((OPENAPI / f"{name}.v1.schema.json").read_text())
        assert committed == json.loads(json.dumps(schema(name)))
        jsonschema.Draft202012Validator.check_schema(committed)


def test_the_document_is_valid_openapi_3_1(spec):
    assert spec["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(spec).iter_errors()) == []


def path_of(route):
    """Return how the document writes a route."""
    return re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", route)


def test_every_route_of_the_api_is_documented_and_no_other(spec):
    documented = {
        (method.upper(), path)
        for path, item in spec["paths"].items()
        for method in item
        if method != "parameters"
    }
    routes = {
        (method, path_of(route))
        for method, route in ROUTES
        if route.startswith(("/v1/", "/t/"))
    }
    assert documented == routes


OPEN = {"/v1/feed-schema", "/v1/schemas/{name}"}


def test_refusals_are_documented_as_problems(spec):
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method == "parameters" or path in OPEN:
                continue
            assert operation["summary"], path
            responses = operation["responses"]
            assert {"401", "404"} <= set(responses), (method, path)
            for status, response in responses.items():
                if "$ref" not in response and status.isdigit() and int(status) >= 400:
                    assert set(response["content"]) == {PROBLEM_JSON}, (path, status)


def check(spec, name, answer):
    """Validate an answer against a schema of the document, which must be complete."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.FormatChecker()
    )
    validator.validate(answer)


def test_what_is_answered_is_what_is_documented(hub, spec):
    sold = hub.on_sale()
    path = f"/v1/performances/{sold['id']}"
    check(spec, "PerformancePage", hub.get("ann", "/v1/performances"))
    check(spec, "Performance", hub.get("ann", path))
    check(spec, "Availability", hub.get("ann", f"{path}/availability"))
    check(spec, "SeatList", hub.get("ann", f"{path}/seats"))
    offers = [
        hub.offer_id("ann", sold["id"]),
        hub.offer_id("ann", sold["id"], "stalls"),
    ]
    hold = hub.hold("ann", [(found, 2) for found in offers])
    check(spec, "Hold", hold)
    check(spec, "Hold", hub.get("ann", f"/v1/holds/{hold['id']}"))
    order = hub.confirm("ann", hold)
    check(spec, "Order", order)
    check(spec, "Order", hub.cancel("ann", order, [order["tickets"][0]["id"]]))
    check(spec, "OrderPage", hub.get("ann", "/v1/orders"))
    check(spec, "DeliveryPage", hub.get("sup", "/v1/deliveries"))
    check(spec, "PartnerPage", hub.get("operator", "/v1/partners"))
    check(spec, "CredentialPage", hub.get("operator", "/v1/credentials"))
    check(spec, "PlanList", hub.get("operator", hub.of("sup", "plans")))
    refused = hub.hold("ann", [(offers[0], 2)], expect=422, key="x" * 300)
    check(spec, "Problem", refused)


def test_the_examples_are_what_is_asked_and_answered(hub, spec):
    told = examples.tell(hub)
    committed = json.loads((OPENAPI.parent / "hub/examples.json").read_text())
    assert told == committed
    assert len(told) > 40
    for name, said in told.items():
        method, _, path = name.partition(" ")
        operation = spec["paths"][path][method.lower()]
        if "request" in said:
            validate(spec, operation["requestBody"], said["request"])
        if "answer" in said:
            validate(spec, operation["responses"][said["status"]], said["answer"])


def validate(spec, place, example):
    """Check an example that is shown against the schema beside it."""
    [content] = place["content"].values()
    assert content["example"] == example
    schema = {**content["schema"], "components": spec["components"]}
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(example)


def test_every_operation_that_answers_json_has_an_example(spec):
    told = json.loads((OPENAPI.parent / "hub/examples.json").read_text())
    schemas = {"/v1/feed-schema", "/v1/plan-schema", "/v1/schemas/{name}"}
    missing = {
        f"{method.upper()} {path}"
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if method != "parameters" and path not in schemas and _is_json(operation)
    } - set(told)
    assert missing == set()


def _is_json(operation):
    answers = [found for code, found in operation["responses"].items() if code < "300"]
    return any("application/json" in found.get("content", {}) for found in answers)


def test_hand_written_replies_hold_all_their_schema_wants(hub, spec):
    """Holds and orders are written past marshmallow; nothing required may be missing."""
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    order = hub.confirm("ann", hold)
    schemas = spec["components"]["schemas"]
    listed = hub.get("ann", "/v1/performances")
    assert set(listed) == set(schemas["PerformancePage"]["properties"])
    shown = schemas["Performance"]["properties"]
    assert set(listed["items"][0]) == set(shown)
    assert listed["items"][0] == hub.get("ann", f"/v1/performances/{sold['id']}")
    for name, answer in (("Hold", hold), ("Order", order)):
        assert set(answer) == set(schemas[name]["properties"])
        lines = schemas[f"{name}Line"]["properties"]
        assert set(answer["lines"][0]) == set(lines)


def test_the_docs_page_works_without_the_net(hub):
    page = hub.call(None, "GET", "/docs/").get_data(as_text=True)
    assert "/openapi.json" in page
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert not source.startswith(("http:", "https:", "//")), source


def test_every_problem_has_a_page(hub):
    listed = hub.call(None, "GET", "/problems").get_data(as_text=True)
    codes = re.findall(r'<tr id="([^"]+)"', listed)
    assert {
        "allotment-exhausted",
        "hold-expired",
        "body-too-large",
        "method-not-allowed",
    } <= set(codes)
    assert len(set(codes)) == len(codes)
    for code in codes:
        page = hub.call(None, "GET", f"/problems/{code}")
        assert page.status_code == 200
    assert hub.call(None, "GET", "/problems/none").status_code == 404


def test_the_pages_of_problems_are_those_of_the_code(spec):
    facts = problems.facts_in_sources()
    assert facts == json.loads((OPENAPI.parent / "hub/problems.json").read_text())
    pages = {f"{one.code}.md": one.markdown() for one in problems.told(facts).values()}
    committed = {path.name: path.read_text() for path in OPENAPI.glob("problems/*.md")}
    assert committed == pages
    assert (
        "`free`" in pages["credit-exhausted.md"]
        or "`free_minor`" in (pages["credit-exhausted.md"])
    )


def test_a_problem_links_to_its_page(hub):
    refused = hub.get("ann", f"/v1/orders/{hub.ids['ann']}", 404)
    page = hub.call(None, "GET", refused["type"]).get_data(as_text=True)
    assert refused["title"] in page
    assert "What to do" in page


DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"```(ndjson|csv)\n(.*?)```", re.DOTALL)


def test_every_feed_example_in_the_docs_is_taken(hub):
    found = [
        (page.name, kind, body)
        for page in sorted(DOCS.rglob("*.md"))
        for kind, body in EXAMPLE.findall(page.read_text())
    ]
    assert len(found) >= 3
    types = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
    for page, kind, body in found:
        made = hub.post(
            "sup",
            "/v1/feeds/season/deliveries",
            None,
            202,
            data=body.encode(),
            content_type=types[kind],
        )
        hub.work()
        done = hub.get("sup", f"/v1/deliveries/{made['id']}")
        assert done["refused"] == 0, (page, hub.refusals(done))
        assert done["state"] == "done"
