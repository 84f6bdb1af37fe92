"""Commission: linear per line or order, or on a running total. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from hub.kernel.money import divided, ratio
from settlement.rules.clauses import (
    Bounds,
    Clauses,
    Commission,
    Fixed,
    Matrix,
    Percent,
    Tiers,
)
from settlement.rules.deals import Draft, Totals, by_order, shared
from settlement.rules.prices import Price
from settlement.rules.quotes import PROVISIONAL, Amount, Running
from settlement.rules.running import (
    Meter,
    Total,
    bucket,
    clamped,
    is_running,
    meter_of,
)
from settlement.rules.taxes import TaxBook

EARNER = {"supplier": "hub", "agent": "agent"}


def commissions(
    drafts: Sequence[Draft], side: str, totals: Totals, taxes: TaxBook
) -> None:
    """Add to each line what its side's commission clause makes of it.

    An agent earns it from the hub, the hub earns it from a supplier.
    """
    found = {
        id(draft): _on_line(draft, side, clauses, totals)
        for draft in drafts
        if (clauses := draft.clauses(side)) is not None
        and clauses.commission is not None
    }
    if any(_is_per_order(draft.clauses(side)) for draft in drafts):
        for group in by_order(drafts, side):
            _per_order(found, group, side)
    for draft in drafts:
        amount = found.get(id(draft))
        if amount is not None and (amount.minor or amount.state == PROVISIONAL):
            draft.add(amount, taxes)


def _on_line(draft: Draft, side: str, clauses: Clauses, totals: Totals) -> Amount:
    clause = clauses.commission
    assert clause is not None  # noqa: S101 - asked by the caller
    if is_running(clause):
        return _running(draft, side, clauses, totals)
    minor, rule, inputs = _linear(clause, draft, clauses.rounding.commission)
    bounds = clause.bounds
    if bounds is not None and bounds.per in {"ticket", "line"}:
        times = draft.price.quantity if bounds.per == "ticket" else 1
        minor = clamped(minor, bounds, times)
        rule, inputs = _bounded(rule, inputs, bounds)
    return Amount("commission", minor, side, EARNER[side], rule=rule, inputs=inputs)


def _bounded(
    rule: str, inputs: dict[str, Any], bounds: Bounds
) -> tuple[str, dict[str, Any]]:
    limits = {"minimum_minor": bounds.minimum_minor}
    if bounds.maximum_minor is not None:
        limits["maximum_minor"] = bounds.maximum_minor
    return f"{rule}, bounded per {bounds.per}", inputs | limits


def _linear(
    clause: Commission, draft: Draft, rounding: str
) -> tuple[int, str, dict[str, Any]]:
    price = draft.price
    if isinstance(clause, Fixed):
        minor = clause.per_ticket_minor * price.quantity
        return minor, "fixed", {"per_ticket_minor": clause.per_ticket_minor}
    assert isinstance(clause, Percent | Matrix)  # noqa: S101 - tiers are running
    base = getattr(price, clause.base)
    rate, each, rule = clause.rate if isinstance(clause, Percent) else 0, 0, "percent"
    if isinstance(clause, Matrix):
        rate, each = _cell(clause, draft.deal.line.price_type, draft.deal.line.area)
        rule = "matrix"
    numerator, denominator = ratio(rate)
    exact = base * numerator + each * price.quantity * denominator
    inputs: dict[str, Any] = {"rate": rate, "base_minor": base}
    if each:
        inputs["per_ticket_minor"] = each
    minor = divided(exact, denominator, rounding)
    return minor, f"{rule} of {clause.base}, {rounding}", inputs


def _cell(clause: Matrix, price_type: str, area: str) -> tuple[int | str, int]:
    """Return what the narrowest cell says: both named, then price type, then area."""
    wanted = ((price_type, area), (price_type, None), (None, area))
    for named in wanted:
        for cell in clause.cells:
            if (cell.price_type, cell.area) == named:
                return cell.rate, cell.per_ticket_minor
    return clause.otherwise, 0


def _is_per_order(clauses: Clauses | None) -> bool:
    clause = clauses.commission if clauses else None
    if isinstance(clause, Fixed) and clause.per_order_minor:
        return True
    bounds = clause.bounds if clause else None
    return bounds is not None and bounds.per == "order"


def _per_order(found: dict[int, Amount], group: Sequence[Draft], side: str) -> None:
    """Put an order's own amount and bounds on its lines."""
    clause = group[0].agreed(side).clauses.commission
    if not _is_per_order(group[0].clauses(side)) or clause is None:
        return
    amounts = [found[id(draft)] for draft in group]
    before = [amount.minor for amount in amounts]
    total, inputs = sum(before), {}
    if isinstance(clause, Fixed) and clause.per_order_minor:
        total += clause.per_order_minor
        inputs = {"per_order_minor": clause.per_order_minor}
    rule = "shared by the order's lines"
    if clause.bounds is not None and clause.bounds.per == "order":
        total = clamped(total, clause.bounds)
        rule, inputs = _bounded(rule, inputs, clause.bounds)
    if total == sum(before):
        return
    weights = [draft.price.quantity for draft in group]
    extra = shared(total - sum(before), before if any(before) else weights)
    if isinstance(clause, Fixed):
        extra = shared(total - sum(before), weights)
    for draft, amount, more in zip(group, amounts, extra, strict=True):
        found[id(draft)] = replace(
            amount,
            minor=amount.minor + more,
            rule=f"{amount.rule}; {rule}",
            inputs=amount.inputs | inputs,
        )


def _running(draft: Draft, side: str, clauses: Clauses, totals: Totals) -> Amount:
    clause, terms = clauses.commission, draft.agreed(side)
    assert clause is not None  # noqa: S101 - asked by the caller
    where = bucket(clause, terms.zone, clauses, terms.scope.tag)
    measured, base = _measures(clause, draft.price)
    meter = meter_of(clauses, clause)
    running = Running("commission", where, measured, base)
    draft.running[side].append(running)
    added, key = running.total(draft.price.quantity), draft.key(running)
    minor, before = gained(totals, (terms.contract_id, key), added, meter)
    inputs: dict[str, Any] = {
        "period": key,
        "before": [before.tickets, before.measured, before.base_minor],
        "measured": measured,
        "base_minor": base,
        "earned_minor": minor,
    }
    shape = clause.shape if isinstance(clause, Tiers) else "bounded per period"
    rule = f"running total, {shape}: T(with the line) - T(before it)"
    return Amount(
        *("commission", minor, side, EARNER[side]),
        rule=rule,
        inputs=inputs,
        state=PROVISIONAL,
    )


def gained(
    totals: Totals, key: tuple[str, str], added: Total, meter: Meter
) -> tuple[int, Total]:
    """Return what a running total gains by a line, and what it was; it runs on."""
    before = totals.get(key, Total())
    after = before.plus(added)
    totals[key] = after
    bucket_key = key[1]
    minor = meter.earned(bucket_key, after) - meter.earned(bucket_key, before)
    return minor, before


def _measures(clause: Commission, price: Price) -> tuple[int, int]:
    """Return what a line adds to the measure and to the base."""
    if isinstance(clause, Tiers) and clause.measure != "tickets":
        measured = getattr(price, clause.measure)
        return measured, getattr(price, clause.base or clause.measure)
    base = getattr(price, getattr(clause, "base", None) or "gross")
    return (price.quantity if isinstance(clause, Tiers | Fixed) else base), base
