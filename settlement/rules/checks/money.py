"""Checks of discounts, distribution, payout and withholding: what must sum. Pure."""

from collections.abc import Iterator
from fractions import Fraction

from hub.kernel.money import ratio
from settlement.rules.checks import words
from settlement.rules.checks.words import Finding
from settlement.rules.cinema import OFF_THE_TOP, SUPPLIER
from settlement.rules.clauses import (
    BoxOfficeSplit,
    Clauses,
    Discount,
    FilmHire,
    Funder,
    Payout,
)


def discount(clauses: Clauses) -> Iterator[Finding]:
    """Yield what is wrong with a discount and its funding."""
    clause = clauses.discount
    if clause is None:
        return
    yield from words.rate("discount.rate", clause.rate)
    if not clause.rate and not clause.per_ticket_minor:
        yield Finding("discount", "takes nothing off")
    yield from _funders(clause)
    rates = [part.rate for part in clause.funding if part.rate is not None]
    has_rest = sum(part.residual for part in clause.funding)
    if has_rest > 1:
        yield Finding("discount.funding", f"{has_rest} bear the rest; one can")
    rest = "name who bears the rest (residual)"
    yield from words.adds_up(
        "discount.funding", rates, has_rest=has_rest > 0, rest=rest
    )


def _funders(clause: Discount) -> Iterator[Finding]:
    seen: set[str] = set()
    for no, part in enumerate(clause.funding):
        where = f"discount.funding[{no}]"
        yield from words.rate(f"{where}.rate", part.rate)
        if part.funder in seen:
            yield Finding(where, f"names the {part.funder} again")
        seen.add(part.funder)
        if _ways(part) != 1:
            yield Finding(where, "bears a rate, an amount per ticket, or the rest")


def _ways(part: Funder) -> int:
    said = (part.rate is not None, part.per_ticket_minor is not None, part.residual)
    return sum(said)


def distribution(clauses: Clauses) -> Iterator[Finding]:
    """Yield what is wrong with a box-office split or film hire."""
    clause = clauses.distribution
    if isinstance(clause, BoxOfficeSplit):
        yield from _split(clause)
    if isinstance(clause, FilmHire):
        yield from words.rate("distribution.over_rate", clause.over_rate)
        for no, rate in enumerate(clause.rates):
            yield from words.rate(f"distribution.rates[{no}]", rate)
        if clause.house_cost_minor and clause.over_rate is None:
            reason = "nothing is taken over it: over_rate is not said"
            yield Finding("distribution.house_cost_minor", reason)
    if clause is not None and clauses.capacity == "principal":
        yield Finding("distribution", "tickets the hub has bought are not distributed")


def _split(clause: BoxOfficeSplit) -> Iterator[Finding]:
    off = Fraction(*ratio(clause.special_fund)) + Fraction(*ratio(clause.tax))
    if off >= 1:
        yield Finding("distribution", f"fund and tax leave nothing: {off} of the whole")
    if clause.residual in OFF_THE_TOP:
        reason = f"{clause.residual} comes off first: it is no holder of the rest"
        yield Finding("distribution.residual", reason)
    yield from _holders(clause)
    path, rest = "distribution.shares", "name the residual holder"
    rates = [share.rate for share in clause.shares if share.of is None]
    has_rest = clause.residual is not None
    yield from words.adds_up(path, rates, has_rest=has_rest, rest=rest)
    first = {share.holder for share in clause.shares} | {clause.residual}
    if SUPPLIER not in first:
        reason = "leave nothing to the supplier: name it as a holder, or as residual"
        yield Finding(path, reason)


def _holders(clause: BoxOfficeSplit) -> Iterator[Finding]:
    path, known = "distribution.shares", set[str]()
    taken: dict[str, Fraction] = {}
    for no, share in enumerate(clause.shares):
        where = f"{path}[{no}]"
        yield from words.rate(f"{where}.rate", share.rate)
        if share.holder in known:
            yield Finding(where, f"names {share.holder} again")
        if share.holder in OFF_THE_TOP:
            yield Finding(where, f"{share.holder} comes off first: it is no holder")
        if share.of is not None:
            if share.of not in known | {clause.residual}:
                yield Finding(f"{where}.of", f"{share.of} has no share before this one")
            own = Fraction(*ratio(share.rate))
            taken[share.of] = taken.get(share.of, Fraction(0)) + own
            if taken[share.of] > 1:
                over = taken[share.of] - 1
                yield Finding(f"{where}.rate", f"takes {over} more than {share.of} has")
        known.add(share.holder)


def payments(clauses: Clauses) -> Iterator[Finding]:
    """Yield what is wrong with payout, guarantee and withholding."""
    payout = clauses.payout
    for name in ("advance", "retention"):
        yield from words.rate(f"payout.{name}", getattr(payout, name))
    if payout.when == "sale" and (payout.advance or payout.days):
        yield Finding("payout", "at the sale there is nothing to advance or wait for")
    if payout.retention_days and not payout.retention:
        yield Finding("payout.retention_days", "nothing is retained")
    if payout != Payout() and clauses.capacity == "principal":
        yield Finding("payout", "tickets the hub has bought are paid for as bought")
    guarantee = clauses.minimum_guarantee
    if guarantee is not None and guarantee.of == "due" and payout != Payout():
        reason = "what is due is not to be told while payout defers or retains it"
        yield Finding("minimum_guarantee.of", reason)
    legs = [found.leg for found in clauses.withholding]
    for no, found in enumerate(clauses.withholding):
        yield from words.rate(f"withholding[{no}].rate", found.rate)
        if found.leg == "commission" and clauses.capacity == "principal":
            reason = "a principal earns no commission: it buys for less"
            yield Finding(f"withholding[{no}]", reason)
        if found.leg in legs[:no]:
            yield Finding(f"withholding[{no}]", f"says {found.leg} again")
