"""Tickets as PDF pages: one a ticket, for printing at home or for a telephone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fpdf import FPDF

from hub.kernel import fonts
from hub.tickets.rules import WORDS, Printed, said
from hub.tickets.services.symbols import bar_modules, qr_modules

Layout = Literal["print", "mobile"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page's measures, in millimetres."""

    width: float
    height: float
    margin: float
    qr: float
    bars: float
    code_from: float
    size_pt: float


SHEETS: Final = {
    "print": Sheet(210, 297, 20, 60, 100, 90, 11),
    "mobile": Sheet(90, 190, 8, 66, 74, 70, 10),
}
QUIET: Final = 4
BAR_HEIGHT: Final = 16


def pdf(tickets: Sequence[Printed], language: str, layout: Layout) -> bytes:
    """Return tickets as a PDF, a page each, in a language tickets are worded in."""
    sheet = SHEETS[layout]
    document = FPDF(unit="mm", format=(sheet.width, sheet.height))
    document.set_auto_page_break(False)
    document.set_margin(sheet.margin)
    document.set_title(said(tickets[0].title, language))
    document.set_creator("Ticket hub")
    _use_fonts(document, tickets, language)
    for ticket in tickets:
        _page(document, ticket, language, sheet)
    return bytes(document.output())


def _use_fonts(document: FPDF, tickets: Sequence[Printed], language: str) -> None:
    texts = {
        text
        for ticket in tickets
        for text in (said(ticket.title, language), *_lines(ticket, language))
    }
    fonts.use_fonts(document, texts)


def _lines(ticket: Printed, language: str) -> list[str]:
    words = WORDS[language]
    notes = [words["show"]]
    if ticket.status == "postponed":
        notes.insert(0, words["postponed"])
    return [f"{label}: {text}" for label, text in ticket.facts(language)] + notes


def _page(document: FPDF, ticket: Printed, language: str, sheet: Sheet) -> None:
    document.add_page()
    wide = sheet.width - 2 * sheet.margin
    document.set_font(size=sheet.size_pt * 1.6)
    document.multi_cell(
        wide, sheet.size_pt * 0.7, said(ticket.title, language), align="L"
    )
    document.ln(2)
    document.set_font(size=sheet.size_pt)
    for line in _lines(ticket, language):
        document.set_x(sheet.margin)
        document.multi_cell(wide, sheet.size_pt * 0.55, line, align="L")
    left = (sheet.width - sheet.qr) / 2
    top = max(document.get_y() + 3, sheet.code_from)
    _draw_qr(document, ticket.code, left, top, sheet.qr)
    below = top + sheet.qr + 3
    _draw_bars(document, ticket.code, (sheet.width - sheet.bars) / 2, below, sheet.bars)
    document.set_xy(sheet.margin, below + BAR_HEIGHT + 1)
    document.cell(wide, 5, ticket.code, align="C")


def _draw_qr(document: FPDF, code: str, left: float, top: float, wide: float) -> None:
    """Draw a QR symbol with its quiet zone: dark runs of a row as one box."""
    matrix = qr_modules(code)
    module = wide / (len(matrix) + 2 * QUIET)
    for row, modules in enumerate(matrix):
        for start, length in _runs(modules):
            document.rect(
                left + (start + QUIET) * module,
                top + (row + QUIET) * module,
                length * module,
                module,
                style="F",
            )


def _draw_bars(document: FPDF, code: str, left: float, top: float, wide: float) -> None:
    modules = [sign == "1" for sign in bar_modules(code)]
    module = wide / (len(modules) + 20)
    for start, length in _runs(modules):
        at = left + (start + 10) * module
        document.rect(at, top, length * module, BAR_HEIGHT, style="F")


def _runs(modules: Sequence[int]) -> list[tuple[int, int]]:
    """Return where dark modules begin and how many they are."""
    found: list[tuple[int, int]] = []
    for at, is_dark in enumerate(modules):
        if is_dark and at and modules[at - 1]:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif is_dark:
            found.append((at, 1))
    return found
