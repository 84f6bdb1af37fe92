"""Checks of commission and fees: bands, bounds, cells. Pure."""

from collections.abc import Iterator
from fractions import Fraction

from hub.kernel.money import ratio
from settlement.rules.checks import words
from settlement.rules.checks.words import Finding
from settlement.rules.clauses import Clauses, Fee, Fixed, Matrix, Percent, Tiers

RUNS_PER = {"ticket", "line", "order"}


def commission(clauses: Clauses) -> Iterator[Finding]:
    """Yield what is wrong with the commission."""
    clause = clauses.commission
    if clause is None:
        return
    path = "commission"
    bounds = clause.bounds
    if bounds is not None:
        where = f"{path}.bounds"
        yield from words.limits(where, bounds.minimum_minor, bounds.maximum_minor)
        if isinstance(clause, Tiers) and bounds.per in RUNS_PER:
            yield Finding(where, f"tiers run on: no bounds per {bounds.per}")
        if isinstance(clause, Matrix) and bounds.per == "period":
            yield Finding(where, "a matrix has bounds per ticket, line or order")
        if (
            isinstance(clause, Fixed)
            and clause.per_order_minor
            and bounds.per != "order"
        ):
            yield Finding(where, "an amount per order has bounds per order")
    if isinstance(clause, Percent):
        yield from words.rate(f"{path}.rate", clause.rate)
    if isinstance(clause, Matrix):
        yield from _matrix(clause)
    if isinstance(clause, Tiers):
        yield from _tiers(clause)


def _matrix(clause: Matrix) -> Iterator[Finding]:
    seen: dict[tuple[str | None, str | None], int] = {}
    yield from words.rate("commission.otherwise", clause.otherwise)
    for no, cell in enumerate(clause.cells):
        where = f"commission.cells[{no}]"
        key = (cell.price_type, cell.area)
        yield from words.rate(f"{where}.rate", cell.rate)
        if key == (None, None):
            yield Finding(where, "names neither a price type nor an area")
        elif key in seen:
            yield Finding(where, f"says again what cells[{seen[key]}] is for")
        seen.setdefault(key, no)


def _tiers(clause: Tiers) -> Iterator[Finding]:
    path = "commission.tiers"
    yield from words.bands(path, clause.tiers)
    if clause.shape == "marginal" and clause.base not in {None, clause.measure}:
        reason = f"marginal tiers on {clause.measure} have no other base"
        yield Finding("commission.base", reason)
    for no, tier in enumerate(clause.tiers):
        yield from words.rate(f"{path}[{no}].rate", tier.rate)
        if clause.shape == "whole-volume":
            continue
        if clause.measure == "tickets" and tier.rate:
            reason = "marginal tiers on tickets have per_ticket_minor, not a rate"
            yield Finding(f"{path}[{no}].rate", reason)
        if clause.measure != "tickets" and tier.per_ticket_minor:
            reason = f"marginal tiers on {clause.measure} have a rate"
            yield Finding(f"{path}[{no}].per_ticket_minor", reason)


def fees(clauses: Clauses) -> Iterator[Finding]:
    """Yield what is wrong with fees and billable services."""
    for name in ("booking_fees", "service_fees"):
        for no, clause in enumerate(getattr(clauses, name)):
            yield from _fee(f"{name}[{no}]", clause)
    names = [found.name for found in clauses.billables]
    for no, name in enumerate(names):
        if name in names[:no]:
            yield Finding(f"billables[{no}]", f"says {name} again")


def _fee(path: str, clause: Fee) -> Iterator[Finding]:
    yield from words.limits(path, clause.minimum_minor, clause.maximum_minor)
    yield from words.bands(f"{path}.brackets", clause.brackets)
    if clause.brackets and (clause.fixed_minor or clause.rate):
        yield Finding(path, "has brackets, and an amount beside them")
    for no, bracket in enumerate(clause.brackets):
        yield from words.rate(f"{path}.brackets[{no}].rate", bracket.rate)
    yield from words.rate(f"{path}.rate", clause.rate)
    numerator, denominator = ratio(clause.rate)
    if clause.of == "total" and numerator >= denominator:
        yield Finding(f"{path}.rate", "of the total, a fee is less than the whole")


def falling(clause: Fee) -> Iterator[tuple[int, str]]:
    """Yield brackets after which the fee falls, and by how much."""
    for no, (low, high) in enumerate(
        zip(clause.brackets, clause.brackets[1:], strict=False)
    ):
        top = low.top
        if top is None:
            continue
        before = low.fixed_minor + Fraction(*ratio(low.rate)) * top
        after = high.fixed_minor + Fraction(*ratio(high.rate)) * (top + 1)
        if after < before:
            yield no, f"the fee falls by {float(before - after):g} above {top}"
