"""XML from suppliers: no DTD, no entities, nothing fetched; text as it was meant."""

import re
from collections.abc import Sequence

from lxml import etree

from connectors.errors import NoAnswerError

_DECLARED = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")


def parse(said: str | bytes) -> etree._Element:
    """Parse a document that came as text or bytes; NoAnswerError if it is not one."""
    try:
        return etree.fromstring(harmless(said), parser())
    except etree.XMLSyntaxError as error:
        raise NoAnswerError(f"not whole XML: {error.msg}"[:200]) from error


def harmless(said: str | bytes) -> str:
    """Return a document's text; NoAnswerError if it defines anything of its own."""
    text = said if isinstance(said, str) else decoded(said)
    text = _DECLARED.sub("", text, count=1)  # its encoding was that of the bytes
    if "<!DOCTYPE" in text[:2_000] or "<!ENTITY" in text:
        raise NoAnswerError("a document with a DTD is refused")
    return text


def parser() -> etree.XMLParser:
    """Return a parser that fetches nothing and reads documents of any size."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )


def decoded(body: bytes) -> str:
    """Decode by what is declared, else UTF-8, then GB 18030 (of which GBK is a part).

    A replacement character means that somebody lost text on the way: it is refused.
    """
    declared = _ENCODING.match(body)
    names = [declared[1].decode()] if declared else []
    for name in (*names, "utf-8", "gb18030"):
        try:
            text = body.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\N{REPLACEMENT CHARACTER}" in text:
            raise NoAnswerError("text was lost on the way (U+FFFD)")
        return text
    raise NoAnswerError("the text is in no encoding that was declared or is known")


def as_utf_8(body: bytes) -> bytes:
    """Return a document as it is if it is UTF-8, as most are; else put into it."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return _DECLARED.sub("", decoded(body), count=1).encode()
    return body


def rows(root: etree._Element, name: str) -> list[dict[str, str]]:
    """Return the elements of a name, each as its children's texts; one is a list."""
    found = root.iterfind(f".//{{*}}{name}") if name else root
    return [row(element) for element in found]


def row(element: etree._Element) -> dict[str, str]:
    """Return an element as its children's texts."""
    return {_local(child.tag): (child.text or "").strip() for child in element}


def elements(root: etree._Element, name: str) -> list[etree._Element]:
    """Return the elements of a name, not made rows yet."""
    return list(root.iterfind(f".//{{*}}{name}"))


def column(
    root: etree._Element, found: Sequence[etree._Element], name: str
) -> list[str]:
    """Return what the elements that were *found* under a root say of one name.

    Looking through all of the root at once is ten times as fast as element by element;
    it is done if each has one.
    """
    texts = [(one.text or "").strip() for one in root.iter(f"{{*}}{name}")]
    if len(texts) == len(found):
        return texts
    return [(one.findtext(f"{{*}}{name}") or "").strip() for one in found]


def printed(element: etree._Element) -> bytes:
    """Return an element as it is written, to be compared; its attributes go.

    Datasets of .NET number their rows in them: one more row would change all others.
    """
    element.attrib.clear()
    said: bytes = etree.tostring(element, with_tail=False)
    return said


def written(found: Sequence[etree._Element]) -> list[bytes]:
    """Return elements as they are written: their parent at once, if it has no others.

    Writing one document is many times as fast as writing its parts.
    """
    parent = found[0].getparent() if found else None
    if parent is not None and list(parent) == list(found):
        return [etree.tostring(parent, with_tail=False)]
    return [etree.tostring(one) for one in found]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
