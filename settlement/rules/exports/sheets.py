"""A statement as a spreadsheet (XLSX): no cell of it is a formula."""

import io
from collections.abc import Iterable
from typing import IO, Any

from xlsxwriter import Workbook

from hub.kernel.money import exponent
from settlement.errors import TooManyLinesError
from settlement.rules.exports.shown import Shown
from settlement.rules.statements import COLUMNS, StatementRow

# Texts stay texts: nothing is taken for a formula, a link or a number.
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
    "remove_timezone": True,
}
MINOR = "_minor"
ROWS_MAX = 1_048_575  # below the heading


def xlsx(shown: Shown, rows: Iterable[StatementRow]) -> bytes:
    """Return a statement as a workbook: what it comes to, and its lines."""
    sink = io.BytesIO()
    write_xlsx(sink, shown, rows)
    return sink.getvalue()


def write_xlsx(sink: IO[bytes], shown: Shown, rows: Iterable[StatementRow]) -> None:
    """Write a statement as a workbook, row by row: it is never whole in memory."""
    with Workbook(sink, OPTIONS) as book:
        book.set_properties({"title": shown.title, "created": shown.ends_at})
        bold = book.add_format({"bold": True})
        digits = exponent(shown.currency)
        money = book.add_format({"num_format": f"#,##0.{'0' * digits}".rstrip(".")})
        _summary(book.add_worksheet("Statement"), shown, bold)
        sheet = book.add_worksheet("Lines")
        sheet.freeze_panes(1, 0)
        for at, name in enumerate(COLUMNS):
            sheet.set_column(at, at, 38 if name.endswith("_id") else 16)
            sheet.write_string(0, at, name.removesuffix(MINOR), bold)
        for no, row in enumerate(rows, start=1):
            if no > ROWS_MAX:
                raise TooManyLinesError(lines_max=ROWS_MAX, instead="lines.csv")
            _line(sheet, no, row, money, 10**digits)


def _summary(sheet: Any, shown: Shown, bold: Any) -> None:
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 72)
    sheet.write_string(0, 0, shown.title, bold)
    for no, (label, text) in enumerate([*shown.head(), *shown.sums()], start=2):
        sheet.write_string(no, 0, label)
        sheet.write_string(no, 1, text)


def _line(sheet: Any, no: int, row: StatementRow, money: Any, unit: int) -> None:
    for at, name in enumerate(COLUMNS):
        value = getattr(row, name)
        if value is None:
            continue
        if name.endswith(MINOR):
            sheet.write_number(no, at, value / unit, money)
        elif isinstance(value, int):
            sheet.write_number(no, at, value)
        elif name == "happened_at":
            sheet.write_datetime(no, at, value)
        else:
            sheet.write_string(no, at, str(value))
