"""Why an entry is what it is: each amount with its rule, and what it moved. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from settlement.rules.facts import Fact, Leg
from settlement.rules.postings import legs_by_amount
from settlement.rules.quotes import Amount, Side

SUPPLIERS_OWN = frozenset({"agreed_price_minor", "settled_minor"})


@dataclass(frozen=True, slots=True)
class Reason:
    """An amount of a line as it was agreed, and the postings the entry made for it.

    *by* are the terms of the side whose it is; None where it is nobody's terms.
    """

    amount: Amount
    by: Side | None
    legs: Sequence[Leg]


def reasons(fact: Fact, side: str | None = None) -> list[Reason]:
    """Return why an entry has its postings, amount by amount.

    For one *side* only: what its terms make, and what is on no side's terms.
    """
    sides = {"agent": fact.quote.agent, "supplier": fact.quote.supplier}
    return [
        Reason(
            _told(amount, side) if amount else _otherwise(fact, legs),
            sides.get(amount.side) if amount else None,
            legs,
        )
        for amount, legs in legs_by_amount(fact)
        if legs and (amount is None or side is None or amount.side in {"", side})
    ]


def _told(amount: Amount, side: str | None) -> Amount:
    """Return an amount as a side may see it: an agreed price is the supplier's."""
    if side != "agent":
        return amount
    shown = {name: v for name, v in amount.inputs.items() if name not in SUPPLIERS_OWN}
    return replace(amount, inputs=shown)


def _otherwise(fact: Fact, legs: Sequence[Leg]) -> Amount:
    """Return what stands for postings of no amount: fees of cancelling, tickets."""
    is_fee = any(leg.what == "refund-fee" for leg in legs)
    what = "refund-fee" if is_fee else "tickets"
    return Amount(what, 0, rule="per ticket", inputs={"tickets": abs(fact.tickets)})


def share_of_line(fact: Fact) -> dict[str, int]:
    """Return which part of its line a fact moves back; nothing for a sale."""
    if not fact.sequence:
        return {}
    before, after = fact.cancelled
    return {
        "quantity": fact.quote.quantity,
        "cancelled_before": before,
        "cancelled_after": after,
    }
