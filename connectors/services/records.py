"""Taking the records of a part in: decode, sort out what is new, write, report."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from connectors import queries
from connectors.feed.bodies import Line
from connectors.feed.records import (
    AnyRecord,
    AuditoriumRecord,
    Named,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
    decoder,
    encoder,
    name_decoder,
)
from connectors.models import Delivery, Feed
from connectors.rules.records import RefusedError, check
from connectors.services import performances, venues
from connectors.services.taken import Taken

REASON_LENGTH_MAX = 500
NAME_LENGTH_MAX = 128
ESCAPED_NUL = rb"\u0000"
UNREADABLE = (ValueError, RecursionError, OverflowError)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one line was not taken."""

    line: int
    ref: str | None
    field: str | None
    code: str
    reason: str


Write = Callable[[Session, Feed, Sequence[Taken]], list[tuple[Taken, RefusedError]]]
WRITERS: list[tuple[type[AnyRecord], str, Write]] = [
    (VenueRecord, "venue", venues.write_venues),
    (AuditoriumRecord, "auditorium", venues.write_auditoriums),
    (ProductionRecord, "production", venues.write_productions),
    (PerformanceRecord, "performance", performances.write_performances),
]


def apply_lines(
    session: Session, delivery: Delivery, lines: Iterable[Line]
) -> tuple[Counter[str], list[Refusal]]:
    """Apply lines that are good, in one transaction; return counts and refusals.

    Counts are ``accepted``, ``unchanged`` (the same version again) and ``stale`` (an
    older one).
    """
    records, refused = _decode(lines)
    counts: Counter[str] = Counter()
    for kind, table, write in WRITERS:
        wanted = [found for found in records if isinstance(found[1], kind)]
        if not wanted:
            continue
        taken, bad = _sort_out(session, delivery, table, wanted, counts)
        unknown = write(session, delivery.feed, taken) if taken else []
        counts["accepted"] += len(taken) - len(unknown)
        refused += [
            _refusal(found.line, found.record.ref, error)
            for found, error in (*bad, *unknown)
        ]
    return counts, refused


def _decode(
    lines: Iterable[Line],
) -> tuple[list[tuple[int, AnyRecord]], list[Refusal]]:
    records: list[tuple[int, AnyRecord]] = []
    refused: list[Refusal] = []
    for line in lines:
        try:
            refuse_nul(line)
            record = decoder.decode(line.json)
            check(record)
        except RefusedError as error:
            refused.append(_refusal(line.no, named(line).ref, error))
        except UNREADABLE as error:  # not JSON, not UTF-8, or not such a record
            refused.append(_refusal(line.no, named(line).ref, _explained(error)))
        else:
            records.append((line.no, record))
    return records, refused


def _refusal(line: int, ref: str | None, error: RefusedError) -> Refusal:
    field = error.field and storable(error.field)
    reason = storable(error.reason, REASON_LENGTH_MAX)
    return Refusal(line, ref, field, error.code, reason)


def storable(text: str, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return text that PostgreSQL can hold: no NUL, and not too much of it."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")[:length_max]


def refuse_nul(line: Line) -> None:
    """Refuse a line with an escaped NUL: no text may hold one."""
    if ESCAPED_NUL in line.json:
        raise RefusedError(None, "nul-character", "the line holds a NUL character")


def named(line: Line) -> Named:
    """Return what a line calls itself, as far as it can be read."""
    try:
        found = name_decoder.decode(line.json)
    except UNREADABLE:
        return Named()
    return Named(found.ref and storable(found.ref), found.type)


def apply_safely(
    session: Session, delivery: Delivery, lines: Sequence[Line]
) -> tuple[Counter[str], list[Refusal]]:
    """Apply lines; one that cannot be stored is found, refused, and stops no other.

    What is wrong with the server, not with a line, is raised.
    """
    try:
        with session.begin_nested():
            return apply_lines(session, delivery, lines)
    except (DataError, IntegrityError, ArithmeticError) as error:
        if len(lines) == 1:
            log.exception(
                "record not stored", delivery=str(delivery.id), line=lines[0].no
            )
            refused = RefusedError(None, "not-storable", type(error).__name__)
            return Counter(), [_refusal(lines[0].no, named(lines[0]).ref, refused)]
    counts: Counter[str] = Counter()
    refusals: list[Refusal] = []
    middle = len(lines) // 2
    for half in (lines[:middle], lines[middle:]):
        found, refused_lines = apply_safely(session, delivery, half)
        counts += found
        refusals += refused_lines
    return counts, refusals


def _explained(error: Exception) -> RefusedError:
    """Take msgspec's message apart: ``reason - at `$.field```."""
    reason, _, at = str(error).rpartition(" - at `$")
    field = at.rstrip("`").lstrip(".") or None if reason else None
    if isinstance(error, UnicodeDecodeError) or "utf-8" in str(error).lower():
        return RefusedError(None, "not-utf-8", "the line is not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        return RefusedError(field, "invalid-field", reason or str(error))
    return RefusedError(None, "not-json", f"the line is not one JSON object: {error}")


def _sort_out(
    session: Session,
    delivery: Delivery,
    table: str,
    wanted: Sequence[tuple[int, AnyRecord]],
    counts: Counter[str],
) -> tuple[list[Taken], list[tuple[Taken, RefusedError]]]:
    """Keep what is news: the highest version of each reference that is not known."""
    newest: dict[str, tuple[int, AnyRecord]] = {}
    bad: list[tuple[Taken, RefusedError]] = []
    for line, record in wanted:
        before = newest.get(record.ref)
        if before is None or record.version > before[1].version:
            counts["stale"] += before is not None
            newest[record.ref] = (line, record)
        elif record.version < before[1].version:
            counts["stale"] += 1
        elif record == before[1]:
            counts["unchanged"] += 1
        else:
            bad.append((Taken(line, record, delivery.id), _reused(record)))
    known = queries.known(session, table, delivery.feed.supplier_id, list(newest))
    taken: list[Taken] = []
    for line, record in newest.values():
        old = known.get(record.ref)
        if old is not None and record.version < old.version:
            counts["stale"] += 1
            continue
        digest = digest_of(record)
        if old is not None and record.version == old.version:
            if digest != old.digest:
                bad.append((Taken(line, record, delivery.id), _reused(record)))
                continue
            if not old.is_withdrawn:
                counts["unchanged"] += 1
                continue
        taken.append(Taken(line, record, delivery.id, digest, old.id if old else None))
    return taken, bad


def _reused(record: AnyRecord) -> RefusedError:
    reason = f"version {record.version} was delivered with other content before"
    return RefusedError("version", "version-reused", reason)


def digest_of(record: AnyRecord) -> bytes:
    """Return the hash of what a record says."""
    return hashlib.blake2b(encoder.encode(record), digest_size=16).digest()
