"""Proving a period: its laws, a recompute from the evidence, and other programs."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from settlement.queries.evidence import rolled_up, stated_totals
from settlement.queries.invoices import documents_in
from settlement.queries.laws.period import period_laws
from settlement.services import evidence, published
from settlement.services.books import write_books
from settlement.services.outsiders import asked


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was checked, and what breaks it; *is_skipped*: it was not."""

    what: str
    broken: list[str] = field(default_factory=list)
    is_skipped: bool = False


def prove(session: Session, *, world: str, period: str, zone: str) -> Iterator[Proof]:
    """Yield each proof of a period as it is made; changes nothing.

    The session sees one moment, so that what is exported is what was checked.
    """
    for law, broken in period_laws(session, world, period):
        yield Proof(law, broken)
    yield _published(session, world, period)
    with tempfile.TemporaryDirectory(prefix="hub-proof-") as name:
        folder = Path(name)
        lines, journals = write_books(
            session, folder, world=world, period=period, zone=zone
        )
        if lines:
            yield from _recomputed(session, folder, world, period)
        else:
            yield Proof("DuckDB: no statement of the period is closed", is_skipped=True)
        for journal in journals:
            said = asked(journal)
            what = f"{said.name} accepts {journal.name}"
            broken = [] if said.is_content is not False else [said.said]
            yield Proof(what, broken, is_skipped=said.is_content is None)


def _published(session: Session, world: str, period: str) -> Proof:
    """Check every document of a period by the published rules, if they are here."""
    what = "documents keep the published rules of EN 16931"
    if not published.are_here():
        return Proof(f"{what}: not installed", is_skipped=True)
    broken, count = [], 0
    for name, document in documents_in(session, world, period):
        count += 1
        broken += [f"{name}: {said}" for said in published.broken_rules(document)]
    return Proof(f"{count} {what}", broken)


def _recomputed(
    session: Session, folder: Path, world: str, period: str
) -> Iterator[Proof]:
    with evidence.opened(folder) as engine:
        yield Proof(
            "DuckDB finds each statement's totals in the evidence",
            evidence.differences(
                stated_totals(session, world, period), evidence.by_statement(engine)
            ),
        )
        yield Proof(
            "DuckDB finds the roll-up's days in the evidence",
            evidence.differences(
                rolled_up(session, world, period), evidence.by_day(engine)
            ),
        )
        yield Proof(
            "DuckDB makes plain percentage commissions anew, to the cent",
            [str(row) for row in evidence.wrong_cents(engine)],
        )
