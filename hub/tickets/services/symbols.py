"""Ticket codes as QR and Code 128 symbols: images, and their modules for printing."""

import io
from collections.abc import Sequence
from typing import Literal

import segno
from barcode import Code128
from barcode.writer import SVGWriter
from PIL import Image

Symbology = Literal["qr", "code128"]
Form = Literal["svg", "png"]
QR_ERROR = "m"
QR_SCALE, QR_BORDER = 8, 4
BAR_PX, BAR_HEIGHT_PX, QUIET_MODULES = 2, 96, 10


class _Code128(Code128):  # type: ignore[misc]
    """Code 128 that keeps a leading pair of nines.

    python-barcode up to 0.16.1 takes it for a change of code sets (its issue 251).
    """

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        if self.code.startswith("99"):
            return encoded
        found: list[int] = super()._try_to_optimize(encoded)
        return found


def qr_modules(code: str) -> Sequence[bytearray]:
    """Return the dark (1) and light (0) modules of a code's QR symbol, row by row."""
    return segno.make_qr(code, error=QR_ERROR).matrix


def bar_modules(code: str) -> str:
    """Return the dark (1) and light (0) modules of a code's Code 128 symbol."""
    found: list[str] = _Code128(code).build()
    return found[0]


def image(code: str, symbology: Symbology, form: Form) -> bytes:
    """Return a symbol as an image, with its quiet zone."""
    if symbology == "code128":
        return _bars(code, form)
    sink = io.BytesIO()
    symbol = segno.make_qr(code, error=QR_ERROR)
    symbol.save(sink, kind=form, scale=QR_SCALE, border=QR_BORDER)
    return sink.getvalue()


def _bars(code: str, form: Form) -> bytes:
    if form == "svg":
        found: bytes = _Code128(code, writer=SVGWriter()).render({"write_text": False})
        return found
    bars = bar_modules(code)
    width = (len(bars) + 2 * QUIET_MODULES) * BAR_PX
    picture = Image.new("1", (width, BAR_HEIGHT_PX), 1)
    for at, module in enumerate(bars, start=QUIET_MODULES):
        if module == "1":
            left = at * BAR_PX
            picture.paste(0, (left, 0, left + BAR_PX, BAR_HEIGHT_PX))
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()
