"""What a statement shows: lines, their sums, and the file they make. Pure."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from uuid import UUID

from settlement.rules import accounts as to
from settlement.rules.postings import (
    CANCELLATION,
    SALE,
    VENUE_CANCELLATION,
    Leg,
)

SUMMED = (
    *("tickets", "face_minor", "booking_fee_minor", "service_fee_minor"),
    *("commission_minor", "other_minor", "due_minor"),
)
# What each side owes or is owed, and the signs in which its statement says it.
ACCOUNTS = {
    "agent": (to.RECEIVABLE_AGENT, to.PAYABLE_AGENT),
    "supplier": (to.PAYABLE_SUPPLIER, to.RECEIVABLE_SUPPLIER),
}
SIGNS = {"agent": 1, "supplier": -1}
# What is earned in a period; what is only paid is not on its statement.
STATED = (
    *(SALE, CANCELLATION, VENUE_CANCELLATION, "true-up", "guarantee", "bill"),
    *("chargeback", "release", "reserve-released", "purchase"),
)
# A closed statement keeps the form it was closed in; the first had no other amounts.
FORM = 2
_LEFT_OUT: dict[int, frozenset[str]] = {1: frozenset({"other_minor"}), 2: frozenset()}


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One journal entry as a side sees it; minor units, positive for a sale.

    Agent: due = face + booking fee + service fee - commission + other, owed to the
    hub. Supplier: due = face + booking fee - service fee - commission + other, owed
    by the hub. Other: discounts, shares of others, deferred money, corrections.
    """

    no: int
    entry_id: UUID
    order_id: UUID | None
    order_line: int | None
    kind: str
    happened_at: datetime
    tickets: int
    face_minor: int
    booking_fee_minor: int
    service_fee_minor: int
    commission_minor: int
    other_minor: int
    due_minor: int


def seen(sums: Mapping[str, int], side: str) -> dict[str, int]:
    """Return an entry's amounts as a side's statement says them.

    *sums*: debits less credits on the side's own accounts, by what they are for.
    """
    sign = SIGNS[side]
    face, booking = sums.get("face", 0), sums.get("booking-fee", 0)
    fee, commission = sums.get("service-fee", 0), sums.get("commission", 0)
    total = sum(sums.values())
    return {
        "face_minor": sign * face,
        "booking_fee_minor": sign * booking,
        "service_fee_minor": fee,
        "commission_minor": -sign * commission,
        "other_minor": sign * (total - face - booking - fee - commission),
        "due_minor": sign * total,
    }


def seen_by(legs: Iterable[Leg]) -> dict[str, dict[str, int]]:
    """Return an entry's amounts as each side's statement says them."""
    sums: dict[str, dict[str, int]] = {side: {} for side in ACCOUNTS}
    for leg in legs:
        for side, accounts in ACCOUNTS.items():
            if leg.account in accounts:
                found = sums[side]
                found[leg.what] = found.get(leg.what, 0) + leg.amount_minor
    return {side: seen(found, side) for side, found in sums.items()}


def totals(rows: Iterable[StatementRow], form: int = FORM) -> dict[str, int]:
    """Return the sums of a statement of a form, and how many lines it has."""
    found, left_out = list(rows), _LEFT_OUT[form]
    sums = {
        name: sum(getattr(row, name) for row in found)
        for name in SUMMED
        if name not in left_out
    }
    return {"lines": len(found), **sums}


def as_csv(rows: Sequence[StatementRow], form: int = FORM) -> str:
    """Return the lines as CSV (RFC 4180): the same lines always make the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [f.name for f in fields(StatementRow) if f.name not in _LEFT_OUT[form]]
    writer.writerow(names)
    for row in rows:
        at = row.happened_at.astimezone(UTC).isoformat()
        cells = asdict(row) | {"happened_at": at}
        writer.writerow([cells[name] for name in names])
    return text.getvalue()


def digest(rows: Sequence[StatementRow], form: int = FORM) -> bytes:
    """Return the SHA-256 of the statement's CSV."""
    return hashlib.sha256(as_csv(rows, form).encode()).digest()
