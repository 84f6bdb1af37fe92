"""Rows of a reply, made into records one by one: a bad one does not lose the others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Row = Mapping[str, str]
T = TypeVar("T")


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
