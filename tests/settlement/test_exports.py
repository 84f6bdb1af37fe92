"""Statements as others read them: CSV made by two, XLSX without formulas, a PDF page."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from uuid import UUID

import pypdfium2
import pytest
from lxml import etree

from hub.kernel.db import transaction
from settlement.errors import TooManyLinesError
from settlement.models import Statement
from settlement.queries.lines import stored_lines
from settlement.rules.exports import sheets
from settlement.rules.exports.sheets import xlsx
from settlement.rules.exports.shown import Shown
from settlement.rules.exports.summary import pdf
from settlement.rules.statements import StatementRow, as_csv, digest, totals
from tests.settlement.months import begin_month, closed, end_month, lines

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
AT = datetime(2026, 11, 5, 17, 30, 0, 120, tzinfo=UTC)


def shown(**more):
    said = {
        "legal_entity": "Hub GmbH",
        "partner": "Ann's Tickets",
        "reference": "ann",
        "side": "agent",
        "period": "2026-11",
        "zone": "Europe/Vienna",
        "starts_at": AT.replace(day=1),
        "ends_at": AT.replace(day=30),
        "currency": "EUR",
        "state": "closed",
        "number": 17,
        "totals": {"lines": 1, "tickets": 2, "face_minor": 9_000, "due_minor": 8_280},
        "sha256": "ab" * 32,
        "opening_minor": 100,
        "payments_minor": 40,
        "closing_minor": 8_340,
    }
    return Shown(**{**said, **more})


def row(no=1, **more):
    said = {
        "no": no,
        "entry_id": UUID(int=1),
        "order_id": None,
        "order_line": None,
        "kind": "sale",
        "happened_at": AT,
        "tickets": 2,
        "face_minor": 9_000,
        "booking_fee_minor": 0,
        "service_fee_minor": 0,
        "commission_minor": 720,
        "other_minor": 0,
        "due_minor": 8_280,
    }
    return StatementRow(**{**said, **more})


def cells(made):
    """Return every cell of a workbook: (sheet, place, type, text, formula)."""
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        names = [name for name in book.namelist() if "worksheets/sheet" in name]
        for name in sorted(names):
            for cell in etree.fromstring(book.read(name)).iter(f"{SHEET}c"):
                text = "".join(cell.itertext())
                formula = cell.find(f"{SHEET}f")
                yield name[-5:], cell.get("r"), cell.get("t"), text, formula


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "https://x.example"]


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_of_a_workbook_is_a_formula(text):
    found = list(cells(xlsx(shown(partner=text), [row(kind=text)])))
    assert [cell for cell in found if cell[4] is not None] == []
    said = [c for c in found if c[3] == text or c[3].startswith(f"{text} (")]
    assert len(said) == 2
    assert {cell[2] for cell in said} <= {"s", "inlineStr"}


def test_a_sheet_that_would_lose_lines_is_refused(monkeypatch):
    monkeypatch.setattr(sheets, "ROWS_MAX", 2)
    assert xlsx(shown(), [row(1), row(2)])
    with pytest.raises(TooManyLinesError):
        xlsx(shown(), [row(1), row(2), row(3)])


@pytest.mark.parametrize(
    ("currency", "said"), [("EUR", 82.8), ("JPY", 8280), ("KWD", 8.28)]
)
def test_amounts_are_numbers_in_units_of_the_currency(currency, said):
    found = {
        place: text
        for sheet, place, _, text, _ in cells(xlsx(shown(currency=currency), [row()]))
        if sheet == "2.xml"
    }
    assert float(found["M2"]) == pytest.approx(said, abs=1e-12)


def test_the_same_statement_always_makes_the_same_files():
    assert xlsx(shown(), [row()]) == xlsx(shown(), [row()])
    assert pdf(shown()) == pdf(shown())


def words(made):
    document = pypdfium2.PdfDocument(made)
    try:
        page = document[0]
        return page.get_textpage().get_text_bounded()
    finally:
        document.close()


@pytest.mark.parametrize("name", ["Ann's Tickets", "百老汇影城", "Žofín"])
def test_a_page_says_what_it_comes_to(name):
    said = words(pdf(shown(partner=name)))
    assert name in said
    assert "Statement 2026-11 no. 17 (closed)" in said
    assert "82.80 EUR" in said
    assert "83.40 EUR" in said
    assert "ab" * 32 in said.replace("\r\n", "")


def test_a_draft_says_that_it_is_one_and_has_no_balance():
    said = words(pdf(shown(state="draft", number=None, closing_minor=None)))
    assert "Statement 2026-11 (draft)" in said
    assert "Balance" not in said


@pytest.fixture
def month(hub):
    begin_month(hub)
    performance = hub.on_sale(days=200)
    offer = hub.offer_id("ann", performance["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer, 3)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    end_month(hub)
    hub.statements = closed(hub)
    return hub


def test_the_database_and_python_make_the_same_bytes(month):
    statement = month.statements["ann"]
    with transaction() as session:
        kept = stored_lines(session, UUID(statement["id"]))
        copied, found = b"".join(kept.csv()), kept.rows()
        assert kept.totals() == totals(found)
        assert session.get(Statement, UUID(statement["id"])).form == 3
    assert copied == as_csv(found).encode() == lines(month, "ann", statement).encode()
    assert hashlib.sha256(copied).digest() == digest(found) == kept_digest(statement)


def kept_digest(statement):
    return bytes.fromhex(statement["lines_sha256"])


def test_older_forms_are_written_as_they_were():
    rows = [row(origin_entry_id=UUID(int=2), origin_period="2026-10")]
    first, second = as_csv(rows, 1), as_csv(rows, 2)
    assert "other_minor" not in first
    assert second.endswith("\r\n")
    assert "2026-11-05T17:30:00.000120+00:00" in second
    assert "origin_period" not in second
    assert "2026-11-05T17:30:00.000120Z" in as_csv(rows, 3)


@pytest.mark.parametrize(
    ("path", "begins"), [("lines.xlsx", b"PK"), ("summary.pdf", b"%PDF")]
)
def test_partners_download_their_own(month, path, begins):
    statement = month.statements["ann"]
    found = month.call("ann", "GET", f"/v1/statements/{statement['id']}/{path}")
    assert found.status_code == 200
    assert found.get_data().startswith(begins)
    assert (
        f"{statement['id']}.{path[-4:].strip('.')}"
        in found.headers["Content-Disposition"]
    )
    month.get("bob", f"/v1/statements/{statement['id']}/{path}", 404)
