"""Running totals: what a period comes to, and each line's cents of it. Pure.

A line earns T(total with it) - T(total before it), so the lines of a period sum to
what the period comes to, to the cent, whatever the shape of T.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.kernel.money import Rounding, divided, part, rated, ratio
from settlement.rules.clauses import (
    Bounds,
    Clauses,
    Commission,
    FilmHire,
    Fixed,
    Percent,
    Tier,
    Tiers,
    Week,
)

WEEKDAYS = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)


FRIDAYS = Week()


@dataclass(frozen=True, slots=True)
class Total:
    """What a period has come to: tickets, minor units measured, and rated on."""

    tickets: int = 0
    measured: int = 0
    base_minor: int = 0

    def plus(self, other: "Total", sign: int = 1) -> "Total":
        """Return the total with another added, or taken away (*sign* -1)."""
        return Total(
            self.tickets + sign * other.tickets,
            self.measured + sign * other.measured,
            self.base_minor + sign * other.base_minor,
        )


class Bucket(Struct, frozen=True, omit_defaults=True):
    """Which running total a line adds to, but for when: the rest of the key."""

    period: str
    zone: str
    by: str = "sale-date"
    starts: str = "friday"
    at: str = "00:00"
    of: str = ""

    def key(
        self, sold_at: datetime, performance_at: datetime | None, performance: str
    ) -> str:
        """Return the key of the total a line belongs to, by its date of either kind."""
        what = f"{self.of}/" if self.of else ""
        is_by_sale = self.by == "sale-date" or performance_at is None
        moment = sold_at if is_by_sale else performance_at
        assert moment is not None  # noqa: S101 - by sale if there is no performance
        if self.period == "event":
            return f"{what}event:{performance}"
        if self.period == "cinema-week":
            return f"{what}week:{self.week(moment)}"
        local = moment.astimezone(ZoneInfo(self.zone))
        shape = "month:%Y-%m" if self.period == "month" else "year:%Y"
        return what + local.strftime(shape)

    def week(self, moment: datetime) -> date:
        """Return the local day on which the cinema week of a moment began."""
        hours, minutes = map(int, self.at.split(":"))
        local = moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        shifted = local - timedelta(hours=hours, minutes=minutes)
        back = (shifted.weekday() - WEEKDAYS.index(self.starts)) % 7
        return shifted.date() - timedelta(days=back)


def bucket(clause: Commission, zone: str, clauses: Clauses, scope: str) -> Bucket:
    """Return the bucket of a commission on a running total of a contract's scope.

    It goes on when a new version of the terms begins, unless that counts another way.
    """
    week, period, counted = clauses.week, "month", getattr(clause, "base", "") or ""
    if isinstance(clause, Tiers):
        period, counted = clause.period, f"{clause.measure}{counted and '-'}{counted}"
    of = "/".join(filter(None, (scope, counted)))
    return Bucket(period, zone, clauses.basis, week.starts, week.at, of)


def film_week(zone: str, week: Week, production: str) -> Bucket:
    """Return the bucket of film hire: a production's cinema week."""
    by = "performance-date"
    return Bucket("cinema-week", zone, by, week.starts, week.at, production)


def clause_of(clauses: Clauses, what: str) -> Commission | FilmHire:
    """Return the clause behind a running total of commission or distribution."""
    found = clauses.commission if what == "commission" else clauses.distribution
    assert isinstance(found, Commission | FilmHire)  # noqa: S101 - it has run up
    return found


def is_running(clause: Commission | FilmHire | None) -> bool:
    """Say whether a clause depends on a running total, so quotes are provisional."""
    if isinstance(clause, FilmHire):
        return clause.over_rate is not None
    if isinstance(clause, Tiers):
        return True
    return clause is not None and _by_period(clause.bounds)


def has_running_total(clauses: Clauses) -> bool:
    """Say whether any line under these clauses may depend on a running total."""
    hire = clauses.distribution
    return is_running(clauses.commission) or isinstance(hire, FilmHire)


def _by_period(bounds: Bounds | None) -> bool:
    return bounds is not None and bounds.per == "period"


@dataclass(frozen=True, slots=True)
class Meter:
    """What a period's total earns under a clause: the function T."""

    clause: Commission | FilmHire
    rounding: str = Rounding.HALF_EVEN
    week: Week = FRIDAYS

    def earned(self, key: str, total: Total) -> int:
        """Return what the total of a bucket earns, in whole minor units."""
        if total == Total():
            return 0
        clause = self.clause
        if isinstance(clause, FilmHire):
            return hire(clause, total.base_minor, self.hire_rate(key), self.rounding)
        exact = _exact(clause, total)
        amount = divided(exact.numerator, exact.denominator, self.rounding)
        bounds = clause.bounds
        return clamped(amount, bounds) if bounds and _by_period(bounds) else amount

    def hire_rate(self, key: str) -> int | str:
        """Return film hire's rate in the week of a bucket: the last one goes on."""
        assert isinstance(self.clause, FilmHire)  # noqa: S101 - asked of film hire only
        week = date.fromisoformat(key.rpartition("week:")[2])
        opens_on = self.clause.opens_on
        back = (opens_on.weekday() - WEEKDAYS.index(self.week.starts)) % 7
        number = max(0, (week - (opens_on - timedelta(days=back))).days // 7)
        return self.clause.rates[min(number, len(self.clause.rates) - 1)]


def meter_of(clauses: Clauses, clause: Commission | FilmHire) -> Meter:
    """Return what a clause of terms makes of a running total."""
    return Meter(clause, clauses.rounding.commission, clauses.week)


def clamped(amount: int, bounds: Bounds, times: int = 1) -> int:
    """Keep an amount within bounds that hold *times* over."""
    if bounds.maximum_minor is not None:
        amount = min(amount, bounds.maximum_minor * times)
    return max(amount, bounds.minimum_minor * times)


def hire(clause: FilmHire, gross_minor: int, rate: int | str, rounding: str) -> int:
    """Return the film's part of a week: the floor, or its part over the house cost."""
    floor = rated(gross_minor, rate, rounding)
    if clause.over_rate is None:
        return floor
    over = max(0, gross_minor - clause.house_cost_minor)
    return max(floor, rated(over, clause.over_rate, rounding))


def _exact(clause: Commission, total: Total) -> Fraction:
    if isinstance(clause, Tiers):
        shapes = {"marginal": _marginal, "whole-volume": _whole_volume}
        return shapes[clause.shape](clause, total)
    if isinstance(clause, Percent):
        return Fraction(*ratio(clause.rate)) * total.base_minor
    assert isinstance(clause, Fixed)  # noqa: S101 - a matrix has no bounds per period
    return Fraction(clause.per_ticket_minor * total.tickets)


def _marginal(clause: Tiers, total: Total) -> Fraction:
    earned_so_far, bottom = Fraction(0), 0
    for tier in clause.tiers:
        if total.measured <= bottom:
            break
        top = total.measured if tier.top is None else min(tier.top, total.measured)
        earned_so_far += tier.flat_minor + (top - bottom) * _per_unit(clause, tier)
        bottom = top
    return earned_so_far


def _per_unit(clause: Tiers, tier: Tier) -> Fraction:
    if clause.measure == "tickets":
        return Fraction(tier.per_ticket_minor)
    return Fraction(*ratio(tier.rate))


def _whole_volume(clause: Tiers, total: Total) -> Fraction:
    tier = next(
        (tier for tier in clause.tiers if tier.holds(total.measured)),
        clause.tiers[-1],
    )
    exact = Fraction(*ratio(tier.rate)) * total.base_minor
    return exact + tier.flat_minor + tier.per_ticket_minor * total.tickets


@dataclass(frozen=True, slots=True)
class Movement:
    """Tickets that moved on a running total: a sale, or a refund of *origin*.

    *line* names the order line. A refund says of how many tickets it returns how many
    were returned before and after; *total* is always positive. Terms of its own count
    before those that settle it.
    """

    line: str
    bucket: str
    total: Total
    returned: tuple[int, int] | None = None
    meter: Meter | None = None
    refunds: str = ""


@dataclass(slots=True)
class Settled:
    """Movements settled in order: each one's cents, and what is left of each line."""

    totals: dict[str, Total] = field(default_factory=dict)
    earned_by: dict[str, int] = field(default_factory=dict)
    sold: dict[str, Movement] = field(default_factory=dict)
    amounts: list[int] = field(default_factory=list)


def settle(meter: Meter, movements: Iterable[Movement], *, refunds: str) -> Settled:
    """Return each movement's cents, in posting order.

    A sale earns what the total gains by it. A refund with ``true-up`` gives back what
    the total of its origin's period loses by it; with ``frozen-rate`` it gives back
    what its line has earned, ticket by ticket, and the total stays.
    """
    done = Settled()
    for move in movements:
        own = move.meter or meter
        if move.returned is None:
            amount = _moved(done, own, move.bucket, move.total)
            done.sold[move.line] = move
            done.earned_by[move.line] = amount
        elif (move.refunds or refunds) == "frozen-rate":
            sold = done.sold[move.line].total.tickets
            before, after = move.returned
            whole = done.earned_by[move.line]
            amount = part(whole, sold, before) - part(whole, sold, after)
        else:
            origin = done.sold[move.line].bucket
            amount = _moved(done, own, origin, move.total, -1)
        done.amounts.append(amount)
    return done


def _moved(done: Settled, meter: Meter, key: str, by: Total, sign: int = 1) -> int:
    before = done.totals.get(key, Total())
    after = before.plus(by, sign)
    done.totals[key] = after
    return meter.earned(key, after) - meter.earned(key, before)
