"""A statement as documents show it: whose it is, of when, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.kernel.money import Money

WORDS = {
    "tickets": "Tickets",
    "face_minor": "Face value",
    "booking_fee_minor": "Booking fees",
    "service_fee_minor": "Service fees",
    "commission_minor": "Commission",
    "other_minor": "Other",
    "due_minor": "Due of this month",
}
DUE_TO = {"agent": "owed to the hub", "supplier": "owed by the hub"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the head and the sums of a statement say."""

    legal_entity: str
    partner: str
    reference: str
    side: str
    period: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    currency: str
    state: str
    number: int | None
    totals: Mapping[str, int]
    sha256: str
    opening_minor: int | None
    payments_minor: int | None
    closing_minor: int | None

    @property
    def title(self) -> str:
        """What it is called; a draft says that it is one."""
        number = f" no. {self.number}" if self.number is not None else ""
        return f"Statement {self.period}{number} ({self.state})"

    def head(self) -> list[tuple[str, str]]:
        """Return what is said of the statement itself."""
        until = f"up to but not including {self.ends_at:%Y-%m-%d %H:%M} UTC"
        return [
            ("Legal entity", self.legal_entity),
            ("Partner", f"{self.partner} ({self.reference}, {self.side})"),
            ("From", f"{self.starts_at:%Y-%m-%d %H:%M} UTC {until}"),
            ("Month of", self.zone),
            ("Currency", self.currency),
            ("SHA-256 of the lines", self.sha256),
        ]

    def sums(self) -> list[tuple[str, str]]:
        """Return what it comes to, as a page says it."""
        said = [("Lines", str(self.totals["lines"]))]
        for name, words in WORDS.items():
            value = self.totals.get(name, 0)
            is_count = name == "tickets"
            said.append((words, str(value) if is_count else self.money(value)))
        if self.closing_minor is None:
            return said
        opening, payments = self.opening_minor or 0, self.payments_minor or 0
        return [
            ("Carried over", self.money(opening)),
            *said,
            ("Paid in this month", self.money(-payments)),
            (f"Balance, {DUE_TO[self.side]}", self.money(self.closing_minor)),
        ]

    def money(self, minor: int) -> str:
        """Return an amount in words."""
        return str(Money(minor, self.currency))
