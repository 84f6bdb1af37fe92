"""What is wrong with terms as written: which clause, and by how much. Pure."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from msgspec.structs import asdict

from hub.kernel.money import ratio
from settlement.errors import TermsRefusedError
from settlement.rules.clauses import (
    BoxOfficeSplit,
    Clauses,
    Discount,
    Fee,
    FilmHire,
    Fixed,
    Funder,
    Matrix,
    Payout,
    Percent,
    Tiers,
)
from settlement.rules.clauses.words import Banded

AGENT_ONLY = {"collector": "agent"}
SUPPLIER_ONLY = {
    "agreed_price_minor": None,
    "distribution": None,
    "capacity": "agent",
    "payout": Payout(),
}
RUNS_PER = {"ticket", "line", "order"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A clause, and what is wrong with it."""

    clause: str
    reason: str


def refuse(findings: Sequence[Finding]) -> None:
    """Raise TermsRefusedError if anything was found."""
    if findings:
        raise TermsRefusedError(
            clauses=[{"clause": f.clause, "reason": f.reason} for f in findings]
        )


def problems(
    clauses: Clauses, side: str, tax_codes: Collection[str] | None = None
) -> list[Finding]:
    """Return what contradicts itself or does not add up; *side* has the contract.

    Tax codes are checked against those there are, if these are said.
    """
    checks: tuple[Callable[[Clauses], Iterator[Finding]], ...] = (
        _commission,
        _fees,
        _discount,
        _distribution,
        _money,
    )
    found = list(_sides(clauses, side))
    for check in checks:
        found += check(clauses)
    if tax_codes is not None:
        found += _taxes(clauses, tax_codes)
    return found


def _taxes(clauses: Clauses, known: Collection[str]) -> Iterator[Finding]:
    for leg, code in asdict(clauses.taxes).items():
        if code is not None and code not in known:
            yield Finding(f"taxes.{leg}", f"{code} is no tax code of these books")


def warnings(clauses: Clauses) -> list[Finding]:
    """Return what may be meant and is worth a second look: fees that fall with price."""
    return [
        Finding(f"{name}[{no}].brackets[{band + 1}]", reason)
        for name in ("booking_fees", "service_fees")
        for no, clause in enumerate(getattr(clauses, name))
        for band, reason in _falling(clause)
    ]


def _falling(clause: Fee) -> Iterator[tuple[int, str]]:
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


def _sides(clauses: Clauses, side: str) -> Iterator[Finding]:
    wrong = SUPPLIER_ONLY if side == "agent" else AGENT_ONLY
    other = "supplier" if side == "agent" else "agent"
    for name, default in wrong.items():
        if getattr(clauses, name) != default:
            yield Finding(name, f"is agreed with the {other}, not with the {side}")


def _bands(path: str, bands: Sequence[Banded]) -> Iterator[Finding]:
    last, before = len(bands) - 1, None
    for no, band in enumerate(bands):
        where = f"{path}[{no}]"
        if band.up_to is not None and band.below is not None:
            yield Finding(where, "says both up_to and below")
        top = band.top
        if no == last:
            if top is not None:
                yield Finding(where, f"nothing holds above {top}: leave its bound out")
        elif top is None:
            yield Finding(where, "has no bound, so what follows never holds")
        elif before is not None and top <= before:
            by = before - top
            yield Finding(where, f"ends at {top}, {by} below the end of the one before")
        before = top if top is not None else before


def _rate(path: str, rate: int | str | None) -> Iterator[Finding]:
    if rate is not None:
        numerator, denominator = ratio(rate)
        if numerator > denominator:
            over = Fraction(numerator - denominator, denominator)
            yield Finding(path, f"exceeds the whole by {over}")


def _limits(path: str, minimum: int, maximum: int | None) -> Iterator[Finding]:
    if maximum is not None and minimum > maximum:
        by = minimum - maximum
        yield Finding(path, f"the minimum exceeds the maximum by {by}")


def _commission(clauses: Clauses) -> Iterator[Finding]:
    clause = clauses.commission
    if clause is None:
        return
    path = "commission"
    bounds = clause.bounds
    if bounds is not None:
        where = f"{path}.bounds"
        yield from _limits(where, bounds.minimum_minor, bounds.maximum_minor)
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
        yield from _rate(f"{path}.rate", clause.rate)
    if isinstance(clause, Matrix):
        yield from _matrix(clause)
    if isinstance(clause, Tiers):
        yield from _tiers(clause)


def _matrix(clause: Matrix) -> Iterator[Finding]:
    seen: dict[tuple[str | None, str | None], int] = {}
    yield from _rate("commission.otherwise", clause.otherwise)
    for no, cell in enumerate(clause.cells):
        where = f"commission.cells[{no}]"
        key = (cell.price_type, cell.area)
        yield from _rate(f"{where}.rate", cell.rate)
        if key == (None, None):
            yield Finding(where, "names neither a price type nor an area")
        elif key in seen:
            yield Finding(where, f"says again what cells[{seen[key]}] is for")
        seen.setdefault(key, no)


def _tiers(clause: Tiers) -> Iterator[Finding]:
    path = "commission.tiers"
    yield from _bands(path, clause.tiers)
    for no, tier in enumerate(clause.tiers):
        yield from _rate(f"{path}[{no}].rate", tier.rate)
        if clause.shape == "whole-volume":
            continue
        if clause.measure == "tickets" and tier.rate:
            reason = "marginal tiers on tickets have per_ticket_minor, not a rate"
            yield Finding(f"{path}[{no}].rate", reason)
        if clause.measure != "tickets" and tier.per_ticket_minor:
            reason = f"marginal tiers on {clause.measure} have a rate"
            yield Finding(f"{path}[{no}].per_ticket_minor", reason)


def _fees(clauses: Clauses) -> Iterator[Finding]:
    for name in ("booking_fees", "service_fees"):
        for no, clause in enumerate(getattr(clauses, name)):
            yield from _fee(f"{name}[{no}]", clause)
    names = [found.name for found in clauses.billables]
    for no, name in enumerate(names):
        if name in names[:no]:
            yield Finding(f"billables[{no}]", f"says {name} again")


def _fee(path: str, clause: Fee) -> Iterator[Finding]:
    yield from _limits(path, clause.minimum_minor, clause.maximum_minor)
    yield from _bands(f"{path}.brackets", clause.brackets)
    if clause.brackets and (clause.fixed_minor or clause.rate):
        yield Finding(path, "has brackets, and an amount beside them")
    for no, bracket in enumerate(clause.brackets):
        yield from _rate(f"{path}.brackets[{no}].rate", bracket.rate)
    yield from _rate(f"{path}.rate", clause.rate)
    numerator, denominator = ratio(clause.rate)
    if clause.of == "total" and numerator >= denominator:
        yield Finding(f"{path}.rate", "of the total, a fee is less than the whole")


def _sum(
    path: str, rates: Sequence[int | str], *, has_rest: bool, rest: str
) -> Iterator[Finding]:
    total = sum((Fraction(*ratio(rate)) for rate in rates), Fraction(0))
    if total > 1:
        yield Finding(path, f"sum to {total}, {total - 1} over the whole")
    elif total < 1 and not has_rest:
        yield Finding(path, f"sum to {total}, {1 - total} short of the whole: {rest}")


def _discount(clauses: Clauses) -> Iterator[Finding]:
    clause = clauses.discount
    if clause is None:
        return
    yield from _rate("discount.rate", clause.rate)
    if not clause.rate and not clause.per_ticket_minor:
        yield Finding("discount", "takes nothing off")
    yield from _funders(clause)
    rates = [part.rate for part in clause.funding if part.rate is not None]
    has_rest = sum(part.residual for part in clause.funding)
    if has_rest > 1:
        yield Finding("discount.funding", f"{has_rest} bear the rest; one can")
    rest = "name who bears the rest (residual)"
    yield from _sum("discount.funding", rates, has_rest=has_rest > 0, rest=rest)


def _funders(clause: Discount) -> Iterator[Finding]:
    seen: set[str] = set()
    for no, part in enumerate(clause.funding):
        where = f"discount.funding[{no}]"
        yield from _rate(f"{where}.rate", part.rate)
        if part.funder in seen:
            yield Finding(where, f"names the {part.funder} again")
        seen.add(part.funder)
        if _ways(part) != 1:
            yield Finding(where, "bears a rate, an amount per ticket, or the rest")


def _ways(part: Funder) -> int:
    said = (part.rate is not None, part.per_ticket_minor is not None, part.residual)
    return sum(said)


def _distribution(clauses: Clauses) -> Iterator[Finding]:
    clause = clauses.distribution
    if isinstance(clause, BoxOfficeSplit):
        yield from _split(clause)
    if isinstance(clause, FilmHire):
        rates = [*clause.rates, clause.over_rate]
        for no, rate in enumerate(rates):
            yield from _rate(f"distribution.rates[{no}]", rate)
        if clause.house_cost_minor and clause.over_rate is None:
            reason = "nothing is taken over it: over_rate is not said"
            yield Finding("distribution.house_cost_minor", reason)
    if clause is not None and clauses.capacity == "principal":
        yield Finding("distribution", "tickets the hub has bought are not distributed")


def _split(clause: BoxOfficeSplit) -> Iterator[Finding]:
    path, known = "distribution.shares", set[str]()
    off = Fraction(*ratio(clause.special_fund)) + Fraction(*ratio(clause.tax))
    if off >= 1:
        yield Finding("distribution", f"fund and tax leave nothing: {off} of the whole")
    for no, share in enumerate(clause.shares):
        yield from _rate(f"{path}[{no}].rate", share.rate)
        if share.holder in known:
            yield Finding(f"{path}[{no}]", f"names {share.holder} again")
        if share.holder in {"special-fund", "tax"}:
            yield Finding(f"{path}[{no}]", f"{share.holder} is no holder")
        if share.of is not None and share.of not in known | {clause.residual}:
            reason = f"{share.of} has no share before this one"
            yield Finding(f"{path}[{no}].of", reason)
        known.add(share.holder)
    rates = [share.rate for share in clause.shares if share.of is None]
    rest = "name the residual holder"
    yield from _sum(path, rates, has_rest=clause.residual is not None, rest=rest)


def _money(clauses: Clauses) -> Iterator[Finding]:
    payout = clauses.payout
    for name in ("advance", "retention"):
        yield from _rate(f"payout.{name}", getattr(payout, name))
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
        yield from _rate(f"withholding[{no}].rate", found.rate)
        if found.leg in legs[:no]:
            yield Finding(f"withholding[{no}]", f"says {found.leg} again")
