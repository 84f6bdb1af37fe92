"""CSV that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[object]) -> str:
    """Return cells as a line of CSV; text that begins like a formula is quoted."""
    sink = io.StringIO()
    csv.writer(sink).writerow([_harmless(cell) for cell in cells])
    return sink.getvalue()


def _harmless(cell: object) -> object:
    is_formula = isinstance(cell, str) and cell.startswith(FORMULA_STARTS)
    return f"'{cell}" if is_formula else cell
