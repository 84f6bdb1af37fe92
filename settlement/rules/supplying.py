"""A supplier's money: what of it goes to others, and what is not due yet. Pure."""

from collections.abc import Iterable
from typing import Any

from hub.kernel.money import rated
from settlement.rules.cinema import SUPPLIER, distributed
from settlement.rules.clauses import BoxOfficeSplit, FilmHire
from settlement.rules.deals import SIDES, Draft, Totals
from settlement.rules.earning import gained
from settlement.rules.quotes import FINAL, PROVISIONAL, Amount, Running
from settlement.rules.running import film_week, is_running, meter_of


def distribute(draft: Draft, totals: Totals) -> None:
    """Add what of a cinema's box office goes to others; fees are not in its base."""
    clauses, settled = draft.clauses(SUPPLIER), draft.price.settled
    if clauses is None or clauses.distribution is None or settled <= 0:
        return
    clause = clauses.distribution
    if isinstance(clause, FilmHire):
        draft.amounts.append(_film_hire(draft, clause, totals))
        return
    draft.amounts += _split(clause, settled)


def _split(clause: BoxOfficeSplit, settled: int) -> list[Amount]:
    rates = {share.holder: str(share.rate) for share in clause.shares}
    rule, inputs = (
        "box-office split",
        {
            "box_office_minor": settled,
            "special-fund": str(clause.special_fund),
            "tax": str(clause.tax),
            **rates,
        },
    )
    return [
        Amount("distribution", minor, SUPPLIER, holder, rule=rule, inputs=inputs)
        for holder, minor in distributed(clause, settled).items()
        if holder != SUPPLIER and minor
    ]


def _film_hire(draft: Draft, clause: FilmHire, totals: Totals) -> Amount:
    terms, line, settled = draft.agreed(SUPPLIER), draft.deal.line, draft.price.settled
    clauses = terms.clauses
    where = film_week(terms.zone, clauses.week, f"{line.production}@{line.venue}")
    running = Running("distribution", where, settled, settled)
    meter, key = meter_of(clauses, clause), draft.key(running)
    inputs: dict[str, Any] = {
        "rate": meter.hire_rate(key),
        "period": key,
        "box_office_minor": settled,
    }
    if not is_running(clause):
        minor, state = rated(settled, meter.hire_rate(key), meter.rounding), FINAL
    else:
        added, state = running.total(line.quantity), PROVISIONAL
        minor, before = gained(totals, (terms.contract_id, key), added, meter)
        inputs["before"] = [before.tickets, before.measured, before.base_minor]
        inputs["earned_minor"] = minor
        draft.running[SUPPLIER].append(running)
    return Amount(
        *("distribution", minor, SUPPLIER, clause.holder),
        rule="film hire",
        inputs=inputs,
        state=state,
    )


def withhold(draft: Draft) -> None:
    """Add the tax that the payer of a leg keeps back from its net amount."""
    for side in SIDES:
        clauses = draft.clauses(side)
        for clause in clauses.withholding if clauses else ():
            found = [
                amount
                for amount in draft.amounts
                if (amount.what, amount.side) == (clause.leg, side)
            ]
            base = sum(amount.net_minor for amount in found)
            minor = rated(base, clause.rate) if base >= clause.from_minor else 0
            if minor:
                inputs = {"rate": clause.rate, "net_minor": base}
                is_kept = all(amount.is_kept for amount in found)
                state = _state(found)
                draft.amounts.append(
                    Amount(
                        *("withholding", minor, side, clause.leg),
                        rule="tax withheld from the net",
                        inputs=inputs,
                        state=state,
                        is_kept=is_kept,
                    )
                )


def pay_out(draft: Draft) -> None:
    """Add what of the supplier's money is not due yet: deferred, or a reserve.

    Not where it collects itself, or where the hub has bought the tickets.
    """
    clauses, agent = draft.clauses(SUPPLIER), draft.clauses("agent")
    is_collecting = agent is not None and agent.collector == "venue"
    if clauses is None or is_collecting or clauses.capacity == "principal":
        return
    payout, due = clauses.payout, due_to_supplier(draft, is_net=clauses.remit == "net")
    reserve = rated(due, payout.retention)
    deferred = 0
    if payout.when == "performed":
        deferred = due - reserve - rated(due - reserve, payout.advance)
    for to, minor in (("reserve", reserve), ("deferred", deferred)):
        if minor > 0:
            rule, inputs = f"{to} of what is due", {"due_minor": due}
            draft.amounts.append(
                Amount(
                    *("payout", minor, SUPPLIER, to),
                    rule=rule,
                    inputs=inputs,
                    state=_state(draft.amounts),
                )
            )


def _state(amounts: Iterable[Amount]) -> str:
    """Return whether what follows from amounts is final."""
    is_final = all(amount.state == FINAL for amount in amounts)
    return FINAL if is_final else PROVISIONAL


def due_to_supplier(draft: Draft, *, is_net: bool) -> int:
    """Return what the sale brings the supplier, after what is taken off it."""
    due = draft.price.settled
    for amount in draft.amounts:
        if amount.what == "booking-fee" and amount.to == SUPPLIER:
            due += amount.minor
        elif amount.what == "distribution":
            due -= amount.minor
        elif is_net and amount.side == SUPPLIER:
            sign = {"commission": -1, "service-fee": -1, "withholding": 1}
            due += sign.get(amount.what, 0) * amount.minor
    return due
