"""The books of a period in a folder: journals for outsiders, and Parquet evidence."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from settlement.queries.books import books_of, entities_of, entries_of
from settlement.rules.exports.journals import Books, Entry, beancount, hledger
from settlement.rules.periods import month
from settlement.services.evidence import OnLines, write_evidence

Form = Callable[[Books, Iterable[Entry]], Iterator[str]]
FORMS: dict[str, Form] = {"hledger": hledger, "beancount": beancount}


def write_books(
    session: Session,
    folder: Path,
    *,
    world: str,
    period: str,
    zone: str,
    on_lines: OnLines = lambda _: None,
) -> tuple[int, list[Path]]:
    """Write the evidence and journals of a period; return lines, and the journals.

    The journal is of what happened in the month as clocks in *zone* show it, each
    legal entity's by itself; the evidence is of the period's closed statements.
    """
    lines = write_evidence(
        session, folder, world=world, period=period, on_lines=on_lines
    )
    span = month(period, zone)
    journals = []
    for entity in entities_of(session, world):
        books = books_of(
            session,
            world=world,
            entity=entity,
            zone=zone,
            period=(span.starts_at, span.ends_at),
        )
        if not books.closing:
            continue
        for ending, form in FORMS.items():
            path = folder / f"{entity}-{period}.{ending}"
            with path.open("w", encoding="utf-8") as sink:
                for line in form(books, entries_of(session, books)):
                    sink.write(line + "\n")
            journals.append(path)
    return lines, journals
