"""Ids, days and words that dialects share. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self
from uuid import UUID

OPEN_MARK = ".open"


@dataclass(frozen=True, slots=True)
class ProductId:
    """A production at a venue; what may be visited on any day is a product apart."""

    production_id: UUID
    venue_id: UUID
    is_open_dated: bool

    def __str__(self) -> str:
        mark = OPEN_MARK if self.is_open_dated else ""
        return f"{self.production_id}.{self.venue_id}{mark}"

    @classmethod
    def read(cls, said: str) -> Self | None:
        """Read an id; None if it is none of ours."""
        is_open = said.endswith(OPEN_MARK)
        parts = said.removesuffix(OPEN_MARK).split(".")
        try:
            production, venue = map(UUID, parts)
        except ValueError:
            return None
        found = cls(production, venue, is_open)
        return found if str(found) == said else None


def days(first: date, last: date) -> Iterator[date]:
    """Yield each day from one to another, both included."""
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def words_in(names: Mapping[str, str], languages: Sequence[str]) -> str:
    """Return a text in the first of some languages that it has, else in English."""
    for wanted in (*languages, "en"):
        for language, said in names.items():
            same = language.lower()
            if same == wanted.lower() or same.split("-")[0] == wanted.lower():
                return said
    return next(iter(names.values()), "")


def language_of(names: Mapping[str, str], languages: Sequence[str]) -> str:
    """Return the language in which ``words_in`` would say a text."""
    said = words_in(names, languages)
    return next((one for one, words in names.items() if words == said), "en")
