"""Rows of a reply, made into records one by one: a bad one does not lose the others."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec import Struct

Row = Mapping[str, str]
T = TypeVar("T")


def digest(told: Iterable[bytes], *by: Struct) -> bytes:
    """Return the digest of replies, and of *by* what they are made into records."""
    found = hashlib.blake2b(digest_size=16)
    for part in (*told, *(repr(one).encode() for one in by)):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


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
            except (KeyError, ValueError, ArithmeticError) as error:
                self.skipped.append(f"{row.get(self.ref)}: {error!r}")
        return made
