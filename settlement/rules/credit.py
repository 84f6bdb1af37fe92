"""Credit: what an agent may still hold, when to warn, what limit to suggest. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from hub.kernel.money import BASIS_POINTS, divided
from settlement.errors import CreditExhaustedError
from settlement.rules.accounts import RECEIVABLE_AGENT
from settlement.rules.facts import Fact
from settlement.rules.postings import postings
from settlement.rules.quotes import Quote

THRESHOLDS_BP = (9_000, 7_500, 5_000)
BEST_PERIODS = 3
BUCKETS_DAYS = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class CreditLine:
    """What an agent's contract may use, and uses; minor units of its currency.

    Exposure is what it owes for what it has bought, reserved what its holds would
    add. Without a limit none is agreed, and nothing is refused.
    """

    contract_id: UUID
    world: str
    currency: str
    limit_minor: int | None
    deposit_minor: int
    exposure_minor: int
    reserved_minor: int
    alerted_bp: int = 0

    @property
    def used_minor(self) -> int:
        """What is owed or reserved."""
        return self.exposure_minor + self.reserved_minor

    @property
    def usable_minor(self) -> int | None:
        """The deposit, which comes first, and the limit; None without a limit."""
        if self.limit_minor is None:
            return None
        return self.deposit_minor + self.limit_minor

    @property
    def free_minor(self) -> int | None:
        """What may still be held; None without a limit, never below zero."""
        usable = self.usable_minor
        return None if usable is None else max(0, usable - self.used_minor)

    @property
    def level_bp(self) -> int:
        """The highest threshold that use has reached, or 0."""
        usable = self.usable_minor
        if usable is None:
            return 0
        used = self.used_minor * BASIS_POINTS
        reached = (bp for bp in THRESHOLDS_BP if used > 0 and used >= bp * usable)
        return next(reached, 0)

    def reserved(self, minor: int) -> "CreditLine":
        """Return the line with more reserved; CreditExhaustedError over the limit."""
        free = self.free_minor
        if free is not None and minor > free:
            raise CreditExhaustedError(
                needed_minor=minor,
                free_minor=free,
                limit_minor=self.limit_minor,
                deposit_minor=self.deposit_minor,
                exposure_minor=self.exposure_minor,
                reserved_minor=self.reserved_minor,
                currency=self.currency,
            )
        return replace(self, reserved_minor=self.reserved_minor + minor)


def suggested_limit(
    sales: Sequence[tuple[int, int]], *, days: int, growth_bp: int = BASIS_POINTS
) -> int:
    """Return a limit from sales history, as IATA's remittance holding capacity.

    *sales*: (minor units, days) of each reporting period of the last twelve months;
    *days*: days of a reporting period plus days until it is remitted. Average daily
    sales of the three best periods x days, plus growth (100 %). Resolution 812,
    risk status A and B; an agent of status C has what security it gives, and no more.
    """
    best = sorted(sales, key=lambda found: found[0] / found[1])[-BEST_PERIODS:]
    total, length = sum(s for s, _ in best), sum(d for _, d in best)
    if not length:
        return 0
    above = max(0, total) * days * (BASIS_POINTS + growth_bp)
    return divided(above, length * BASIS_POINTS)


@dataclass(frozen=True, slots=True)
class Aged:
    """What is owed by how long it is overdue: (days or None, minor units)."""

    owed: tuple[tuple[int | None, int], ...]
    unapplied_minor: int

    @property
    def total_minor(self) -> int:
        """All that is owed, less what was paid too much."""
        return sum(minor for _, minor in self.owed) - self.unapplied_minor


def aged(movements: Sequence[tuple[date, int]], *, as_of: date, days: int) -> Aged:
    """Age a receivable: payments go to the oldest debt first.

    *movements*: (day, minor units), debts positive. Debt is due *days* after its day.
    Buckets: not due, then overdue up to 30, 60, 90 and more days.
    """
    open_items: list[list[int]] = []
    paid = -sum(minor for _, minor in movements if minor < 0)
    for on, minor in sorted(m for m in movements if m[1] > 0):
        settled = min(paid, minor)
        paid -= settled
        if minor > settled:
            overdue = (as_of - (on + timedelta(days=days))).days
            open_items.append([overdue, minor - settled])
    ends: tuple[int | None, ...] = (*BUCKETS_DAYS, None)
    found = dict.fromkeys(ends, 0)
    for overdue, minor in open_items:
        end = next((e for e in BUCKETS_DAYS if overdue <= e), None)
        found[end] += minor
    return Aged(tuple(found.items()), paid)


def owed_by_agent(quote: Quote, agent_id: UUID, happened_at: datetime) -> int:
    """Return what a sale adds to the agent's debt; minor units."""
    fact = Fact(agent_id, 0, 0, quote, (0, 0), happened_at)
    return sum(
        leg.amount_minor for leg in postings(fact) if leg.account == RECEIVABLE_AGENT
    )
