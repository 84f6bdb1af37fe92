"""What a statement shows: lines, their sums, and the file they make. Pure."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from uuid import UUID

from settlement.rules import accounts as to
from settlement.rules.facts import CANCELLATION, SALE, VENUE_CANCELLATION, Leg

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
    *("chargeback", "release", "reserve-released", "purchase", "memo"),
)
# A closed statement keeps the form it was closed in: the first had no other amounts,
# the second no origins, and times as Python says them.
FORM = 3
_ORIGIN = ("origin_entry_id", "origin_period")
LATER_FORM = 3  # from here on the database makes the same bytes
_LEFT_OUT: dict[int, frozenset[str]] = {
    1: frozenset({"other_minor", *_ORIGIN}),
    2: frozenset(_ORIGIN),
    3: frozenset(),
}


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One journal entry as a side sees it; minor units, positive for a sale.

    Agent: due = face + booking fee + service fee - commission + other, owed to the
    hub. Supplier: due = face + booking fee - service fee - commission + other, owed
    by the hub. Other: discounts, shares of others, deferred money, corrections. What
    corrects or returns something names the entry it goes back to, and whose month
    (in the contract's zone) that is stated in.
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
    origin_entry_id: UUID | None = None
    origin_period: str | None = None


COLUMNS = tuple(field.name for field in fields(StatementRow))
SETTLED = ("closed", "paid")  # nothing of it changes any more, but that it is paid


SEEN = (
    *("face_minor", "booking_fee_minor", "service_fee_minor", "commission_minor"),
    *("other_minor", "due_minor"),
)


Seen = dict[str, dict[str, int]]  # by side


def amounts_of(seen_: Mapping[str, int]) -> list[int]:
    """Return what a side sees of an entry as the entry keeps it."""
    return [seen_[name] for name in SEEN]


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


def seen_by(legs: Iterable[Leg]) -> Seen:
    """Return an entry's amounts as each side's statement says them."""
    sums: dict[str, dict[str, int]] = {side: {} for side in ACCOUNTS}
    for leg in legs:
        for side, accounts in ACCOUNTS.items():
            if leg.account in accounts:
                found = sums[side]
                found[leg.what] = found.get(leg.what, 0) + leg.amount_minor
    return {side: seen(found, side) for side, found in sums.items()}


def without(rows: Iterable[StatementRow], form: int) -> list[StatementRow]:
    """Return rows without what a form does not say."""
    if form >= LATER_FORM:
        return list(rows)
    return [replace(row, origin_entry_id=None, origin_period=None) for row in rows]


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
    writer = csv.writer(text, lineterminator="\r\n" if form < LATER_FORM else "\n")
    names = [name for name in COLUMNS if name not in _LEFT_OUT[form]]
    writer.writerow(names)
    for row in rows:
        at = _moment(row.happened_at, form)
        cells = asdict(row) | {"happened_at": at}
        writer.writerow([cells[name] for name in names])
    return text.getvalue()


def _moment(at: datetime, form: int) -> str:
    utc = at.astimezone(UTC)
    return utc.isoformat() if form < LATER_FORM else f"{utc:%Y-%m-%dT%H:%M:%S.%fZ}"


def digest(rows: Sequence[StatementRow], form: int = FORM) -> bytes:
    """Return the SHA-256 of the statement's CSV."""
    return hashlib.sha256(as_csv(rows, form).encode()).digest()
