"""Fonts for what is printed: small cuts of Noto Sans, made once for the signs needed.

Parsing and embedding a whole font of thirty thousand signs takes a second; a cut of
those on a ticket takes some milliseconds, and the tickets of a performance need the
same signs. Noto Sans and Noto Sans SC come as packages, under the SIL Open Font
License 1.1.
"""

import io
import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import uuid4

import fontpkg_noto_sans
import pylopdf_fonts_zh_cn
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from fpdf import FPDF
from fpdf.fonts import TTFFont

LATIN, CHINESE = "latin", "chinese"
CUTS_MAX = 256
CORE: Final = "Helvetica"
PLAIN = "latin-1"  # what every reader of PDF has a font for
ASCII = frozenset(range(0x20, 0x7F))
COMMON = "gb2312"
_making = threading.Lock()


def use_fonts(document: FPDF, texts: Collection[str]) -> None:
    """Set the fonts of a document in which all its texts can be written."""
    if all(map(is_plain, texts)):
        document.set_font(CORE)
        return
    names = families(texts)
    for name in names:
        document.add_font(name, fname=cut(name, texts))
    for font in document.fonts.values():
        if isinstance(font, TTFFont):  # outlines are copied: the cut has their bounds
            font.ttfont.recalcBBoxes = False
    document.set_font(names[0])
    document.set_fallback_fonts(list(names[1:]), exact_match=False)


def is_plain(text: str) -> bool:
    """Say whether a text needs no font of ours."""
    try:
        text.encode(PLAIN)
    except UnicodeEncodeError:
        return False
    return True


def families(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the fonts in which texts can be written, the first preferred."""
    signs = {ord(sign) for text in texts for sign in text}
    if not signs - _covered(LATIN):
        return (LATIN,)
    if not signs - _covered(CHINESE):
        return (CHINESE,)
    return (CHINESE, LATIN)


class Cuts:
    """The cuts of this process, in a folder of its own: the last used are kept."""

    def __init__(self, most: int = CUTS_MAX) -> None:
        self._most = most
        self._files: OrderedDict[tuple[str, frozenset[int]], Path] = OrderedDict()
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def file(self, family: str, signs: frozenset[int]) -> Path:
        """Return the file of a cut; it is made if it is not kept."""
        key = (family, signs)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        made = _made(_source(family, signs), signs)
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="hub-cuts-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            path = self._folder / f"{uuid4().hex}{_whole(family).suffix}"
            path.write_bytes(made)
            self._files[key] = path
            while len(self._files) > self._most:  # who reads one has it open by now
                self._files.popitem(last=False)[1].unlink()
            return path


cuts = Cuts()


def cut(family: str, texts: Iterable[str]) -> Path:
    """Return a font file with the signs of texts, as far as the family has them."""
    signs = frozenset(ord(sign) for text in texts for sign in text)
    return cuts.file(family, (signs | ASCII) & _covered(family))


def _source(family: str, signs: frozenset[int]) -> Path:
    """Return the smallest file there is that has the signs."""
    is_common = family == CHINESE and signs <= _common()
    return _common_cut() if is_common else _whole(family)


@lru_cache(2)
def _covered(family: str) -> frozenset[int]:
    with TTFont(_whole(family), lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


@lru_cache(2)
def _whole(family: str) -> Path:
    """Return the file of a whole font."""
    if family == CHINESE:
        return Path(pylopdf_fonts_zh_cn.__file__).with_name("NotoSansSC-Regular.otf")
    files = Path(fontpkg_noto_sans.__file__).parent / "files"
    return files / "NotoSans[wdth,wght].ttf"


@lru_cache(1)
def _common() -> frozenset[int]:
    """Return the signs of GB 2312: what Chinese texts are mostly made of."""
    pairs = (bytes((a, b)) for a in range(0xA1, 0xF8) for b in range(0xA1, 0xFF))
    found = (pair.decode(COMMON, "ignore") for pair in pairs)
    signs = {ord(sign) for signs in found for sign in signs}
    return ASCII | (frozenset(signs) & _covered(CHINESE))


def _common_cut() -> Path:
    """Return a file of the common signs; made once a machine, in some seconds."""
    source = _whole(CHINESE)
    stamp = source.stat()
    name = f"noto-sans-sc-{stamp.st_size}-{int(stamp.st_mtime)}.otf"
    folder = Path(tempfile.gettempdir()) / f"hub-fonts-{os.getuid()}"
    path = folder / name
    with _making:
        if not path.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder.stat().st_uid != os.getuid():
                return source  # somebody else's folder: do without
            made = folder / f"{name}.{os.getpid()}"
            made.write_bytes(_made(source, _common()))
            made.rename(path)
    return path


def _made(source: Path, signs: frozenset[int]) -> bytes:
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    font = subset.load_font(str(source), options, lazy=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=signs)
    cutter.subset(font)
    sink = io.BytesIO()
    if "fvar" in font:  # at one weight and width
        instancer.instantiateVariableFont(
            font, {"wght": 400, "wdth": 100}, inplace=True
        )
    font.save(sink)
    font.close()
    return sink.getvalue()
