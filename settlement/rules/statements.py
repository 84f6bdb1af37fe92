"""What a statement shows: lines, their sums, and the file they make. Pure."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from uuid import UUID

SUMMED = (
    *("tickets", "face_minor", "booking_fee_minor"),
    *("service_fee_minor", "commission_minor", "due_minor"),
)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One journal entry as a side sees it; minor units, positive for a sale.

    Agent: due = face + booking fee + service fee - commission, owed to the hub.
    Supplier: due = face + booking fee - service fee - commission, owed by the hub.
    """

    no: int
    entry_id: UUID
    order_id: UUID
    order_line: int
    kind: str
    happened_at: datetime
    tickets: int
    face_minor: int
    booking_fee_minor: int
    service_fee_minor: int
    commission_minor: int
    due_minor: int


def totals(rows: Iterable[StatementRow]) -> dict[str, int]:
    """Return the sums of a statement, and how many lines it has."""
    found = list(rows)
    sums = {name: sum(getattr(row, name) for row in found) for name in SUMMED}
    return {"lines": len(found), **sums}


def as_csv(rows: Sequence[StatementRow]) -> str:
    """Return the lines as CSV (RFC 4180): the same lines always make the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(StatementRow)])
    for row in rows:
        at = row.happened_at.astimezone(UTC).isoformat()
        cells = asdict(row) | {"happened_at": at}
        writer.writerow(cells.values())
    return text.getvalue()


def digest(rows: Sequence[StatementRow]) -> bytes:
    """Return the SHA-256 of the statement's CSV."""
    return hashlib.sha256(as_csv(rows).encode()).digest()
