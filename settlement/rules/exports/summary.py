"""A statement as a page (PDF): what it comes to. The lines are in CSV and XLSX."""

from fpdf import FPDF

from hub.kernel.fonts import use_fonts
from settlement.rules.exports.shown import Shown

MARGIN_MM, LABEL_MM, LINE_MM = 20, 62, 7
SIZE_PT, TITLE_PT = 10, 15


def pdf(shown: Shown) -> bytes:
    """Return the summary of a statement; the same statement always makes the same."""
    document = FPDF(format="A4")
    document.set_creation_date(shown.ends_at)
    document.set_margin(MARGIN_MM)
    document.set_title(shown.title)
    document.set_creator("Ticket hub")
    head, sums = shown.head(), shown.sums()
    texts = {shown.title, *(text for pair in (*head, *sums) for text in pair)}
    use_fonts(document, texts)
    document.add_page()
    document.set_font(size=TITLE_PT)
    document.multi_cell(0, LINE_MM, shown.title, new_x="LMARGIN", new_y="NEXT")
    document.set_font(size=SIZE_PT)
    document.ln(4)
    for label, text in head:
        document.cell(LABEL_MM, LINE_MM, label)
        document.multi_cell(0, LINE_MM, text, new_x="LMARGIN", new_y="NEXT")
    document.ln(4)
    for label, text in sums:
        document.cell(LABEL_MM, LINE_MM, label)
        document.cell(60, LINE_MM, text, align="R", new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())
