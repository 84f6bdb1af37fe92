"""Rows of a reply, made into records one by one: a bad one does not lose the others."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lxml import etree
from msgspec import Struct

from connectors.suppliers import xml

Row = Mapping[str, str]
T = TypeVar("T")
PRINT_BYTES = 8
STUMBLES = (KeyError, ValueError, ArithmeticError, TypeError, AttributeError)
"""What making a record of a row may raise: that row is left out, and said."""


def digest(told: Iterable[bytes], *by: Struct) -> bytes:
    """Return the digest of replies, and of *by* what they are made into records."""
    found = hashlib.blake2b(digest_size=16)
    for part in (*told, *(repr(one).encode() for one in by)):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


def news(
    rows: Iterable[etree._Element], context: bytes, before: bytes | None
) -> tuple[list[Row], bytes]:
    """Return the rows that were not there before, and prints of all.

    *context* is the digest of whatever else records are made of: where it is another,
    every row is new. Prints are 8 bytes a row.
    """
    old = before or b""
    known = {old[at : at + PRINT_BYTES] for at in range(0, len(old), PRINT_BYTES)}
    new: list[Row] = []
    prints: list[bytes] = []
    for row in rows:
        made = hashlib.blake2b(xml.printed(row), digest_size=PRINT_BYTES, key=context)
        prints.append(made.digest())
        if prints[-1] not in known:
            new.append(xml.row(row))
    return new, b"".join(prints)


@dataclass(slots=True)
class Rows:
    """What the rows of a reply became; *skipped*: which could not be read, and why.

    A row is named by its column *ref*.
    """

    ref: str
    skipped: list[str] = field(default_factory=list)

    def each(self, rows: Iterable[Row], make: Callable[[Row], T]) -> list[T]:
        """Return what *make* makes of each row, but of those it stumbles over."""
        made = []
        for row in rows:
            try:
                made.append(make(row))
            except STUMBLES as error:
                self.skipped.append(f"{row.get(self.ref)}: {error!r}")
        return made
