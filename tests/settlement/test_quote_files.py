"""hub settlement quote: JSON in, JSON out, no database; and the schemas of both."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from hub.cli import main
from settlement.rules.checks import problems
from settlement.rules.clauses import Clauses
from settlement.rules.files import FILES, converted, quote_files, schema

TERMS = {
    "currency": "CNY",
    "zone": "Asia/Shanghai",
    "tax_codes": [{"code": "vat", "valid_from": "2020-01-01", "rate": 600}],
    "terms": [
        {
            "side": "supplier",
            "clauses": {
                "commission": {"kind": "percent", "rate": 1200},
                "taxes": {"commission": "vat"},
            },
        },
        {
            "side": "agent",
            "clauses": {
                "commission": {"kind": "percent", "rate": 800},
                "service_fees": [{"fixed_minor": 100}],
                "taxes": {"commission": "vat", "service_fee": "vat"},
            },
        },
        {
            "side": "agent",
            "scope": {"price_type": "child"},
            "clauses": {
                "commission": {
                    "kind": "tiers",
                    "shape": "marginal",
                    "measure": "tickets",
                    "tiers": [
                        {"up_to": 3, "per_ticket_minor": 100},
                        {"per_ticket_minor": 200},
                    ],
                }
            },
        },
    ],
}
LINE = {
    "quantity": 2,
    "currency": "CNY",
    "face_minor": 4500,
    "sold_at": "2026-01-05T12:00:00Z",
}
LINES = [LINE, LINE | {"price_type": "child"}, LINE | {"price_type": "child"}]


def run(tmp_path, terms=TERMS, lines=LINES):
    paths = {"terms": tmp_path / "terms.json", "lines": tmp_path / "lines.json"}
    for name, said in (("terms", terms), ("lines", lines)):
        text = said if isinstance(said, bytes) else json.dumps(said).encode()
        paths[name].write_bytes(text)
    args = ["settlement", "quote"]
    for name, path in paths.items():
        args += [f"--{name}", str(path)]
    return CliRunner().invoke(main, args, env={"HUB_DATABASE_URL": "postgresql://no"})


def test_lines_are_quoted_and_run_on(tmp_path):
    found = run(tmp_path)
    assert found.exit_code == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["state"] == "provisional"
    assert said["totals"]["commission/agent/agent"] == 720 + 200 + 300
    first, second, third = said["quotes"]
    told = {(a["what"], a.get("side")): a for a in first["amounts"]}
    commission = told["commission", "agent"]
    assert commission["minor"] == 720
    assert commission["tax_minor"] == 41
    assert commission["rule"] == "percent of gross, half-even"
    assert commission["inputs"] == {"rate": 800, "base_minor": 9000}
    assert commission.get("state", "final") == "final"
    assert first["agent"]["version"] == 2
    tiered = [a for a in third["amounts"] if a.get("state") == "provisional"]
    assert [a["inputs"]["before"] for a in tiered] == [[2, 2, 9000]]
    assert second["amounts"][-1]["minor"] == 200


def test_the_same_files_always_give_the_same_bytes(tmp_path):
    assert run(tmp_path).stdout == run(tmp_path).stdout


def test_what_is_read_and_written_is_what_the_schemas_say(tmp_path):
    for name, said in (("terms", TERMS), ("lines", LINES)):
        jsonschema.validate(said, schema(name), jsonschema.Draft202012Validator)
    jsonschema.validate(
        json.loads(run(tmp_path).stdout),
        schema("quotes"),
        jsonschema.Draft202012Validator,
    )


@pytest.mark.parametrize("name", sorted(FILES))
def test_schemas_are_shown(name):
    found = CliRunner().invoke(main, ["settlement", "schema", name])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["title"] == f"Ticket hub: {name}"


def changed(where, value):
    """The terms file with one thing in it changed."""
    said = json.loads(json.dumps(TERMS))
    at = said
    for step in where[:-1]:
        at = at[step]
    at[where[-1]] = value
    return said


BAD_TERMS = [
    (b"{", "the file: Input data was truncated"),
    (b"\xff", "the file: "),
    (changed(["currency"], "QQQ"), "currency: QQQ is not a currency of ISO 4217"),
    (changed(["currency"], "eur"), "currency: Expected `str` matching regex"),
    (changed(["term"], []), "the file: Object contains unknown field `term`"),
    (
        changed(["terms", 1, "clauses", "commission", "rate"], 8.25),
        "terms[1].clauses.commission.rate: floats are not exact: write a rate as whole",
    ),
    (
        changed(["terms", 1, "clauses", "comission"], {}),
        "terms[1].clauses: Object contains unknown field `comission`",
    ),
    (
        changed(["terms", 2, "scope"], {}),
        "terms[2].valid_from: overlaps terms[1], from 0001-01-02T00:00:00+00:00 on",
    ),
    (
        changed(["terms", 1, "valid_until"], "0001-01-01T00:00:00Z"),
        "terms[1].valid_until: ends before it starts",
    ),
    (
        changed(["terms", 0, "clauses", "taxes", "commission"], "gst"),
        "terms[0].clauses.taxes.commission: gst is no tax code of these books",
    ),
    (
        changed(["tax_codes"], TERMS["tax_codes"] * 2),
        "tax_codes[1].valid_from: overlaps tax_codes[0], from 2020-01-01 on",
    ),
    (
        changed(["tax_codes", 0, "rate"], "3/1"),
        "tax_codes[0].rate: exceeds the whole by 2",
    ),
    (
        changed(["tax_codes", 0, "category"], "Z"),
        "tax_codes[0].category: S has a rate above zero, and no other has",
    ),
    (
        changed(["zone"], "Mars/Base"),
        "zone: Mars/Base is not a zone of the IANA database",
    ),
]


@pytest.mark.parametrize(("terms", "told"), BAD_TERMS)
def test_bad_terms_are_refused_and_named(tmp_path, terms, told):
    found = run(tmp_path, terms)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert told in found.stderr
    assert found.stderr.endswith("hub: The terms cannot be agreed as written\n")


BAD_LINES = [
    ([LINE | {"quantity": 0}], "[0].quantity: Expected `int` >= 1"),
    ([LINE, LINE | {"quantity": -2}], "[1].quantity: Expected `int` >= 1"),
    ([LINE | {"face_minor": -1}], "[0].face_minor: Expected `int` >= 0"),
    ([LINE | {"face_minor": 45.5}], "[0].face_minor: floats are not exact"),
    ([LINE | {"currency": "EUR"}], "[0]: is in EUR, the terms are in CNY"),
    ([LINE | {"sold_at": "2026-01-05T12:00:00"}], "[0].sold_at: "),
    ([LINE | {"face": 1}], "[0]: Object contains unknown field `face`"),
    (
        [LINE | {"discount_minor": 9_001}],
        "[0].discount_minor: the discount exceeds the face value by 1",
    ),
    ([], "the file: Expected `array` of length >= 1"),
    ({}, "the file: Expected `array`"),
]


@pytest.mark.parametrize(("lines", "told"), BAD_LINES)
def test_bad_lines_are_refused_and_named(tmp_path, lines, told):
    found = run(tmp_path, lines=lines)
    assert found.exit_code == 2
    assert told in found.stderr


def test_lines_that_no_terms_cover_are_named(tmp_path):
    dated = changed(["terms", 0, "valid_from"], "2027-01-01T00:00:00Z")
    dated["terms"] = dated["terms"][:1]
    found = run(tmp_path, dated)
    assert "[0]: no terms cover it" in found.stderr
    assert "[2]: no terms cover it" in found.stderr


def test_a_tax_code_without_a_rate_for_the_day_is_named(tmp_path):
    late = changed(["tax_codes", 0, "valid_from"], "2027-01-01")
    found = run(tmp_path, late)
    assert found.exit_code == 2
    assert "tax_code=vat" in found.stderr
    assert "on=2026-01-05" in found.stderr


def test_the_example_of_the_guide_runs():
    guide = Path(__file__).parents[2] / "docs" / "guides" / "finance.md"
    blocks = guide.read_text().split("```json\n")[1:]
    terms, lines = (block.partition("```")[0].encode() for block in blocks[:2])
    found = quote_files(terms, lines)
    assert found.totals["commission/agent/agent"] == 1_530


TERMS_PAGE = (Path(__file__).parents[2] / "docs" / "terms.md").read_text()


@pytest.mark.parametrize(
    ("block", "side"),
    list(
        zip(
            TERMS_PAGE.split("```json\n")[1:],
            ["supplier", "supplier", "agent"],
            strict=True,
        )
    ),
)
def test_the_examples_of_the_page_on_terms_can_be_agreed(block, side):
    said = json.loads(block.partition("```")[0])
    assert problems(converted(said, Clauses), side) == []


def test_the_page_on_terms_names_every_clause():
    assert [n for n in Clauses.__struct_fields__ if f"`{n}`" not in TERMS_PAGE] == []
