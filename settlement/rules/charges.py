"""Fees on a line and on an order: for the buyer, and by the hub. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from settlement.rules.clauses import Clauses, Fee
from settlement.rules.deals import SIDES, Draft, by_order, shared
from settlement.rules.fees import fee, of_price, order_fee
from settlement.rules.quotes import Amount
from settlement.rules.taxes import TaxBook

Named = tuple[str, str, Fee]
_TOLD = ("fixed_minor", "rate", "minimum_minor", "maximum_minor")


def charge(drafts: Sequence[Draft], taxes: TaxBook) -> None:
    """Add the fees of both sides' terms to each line."""
    for side in SIDES:
        is_per_order = False
        for draft in drafts:
            clauses = draft.clauses(side)
            if clauses is None:
                continue
            for named in _fees(clauses):
                if named[2].per == "order":
                    is_per_order = True
                    continue
                minor = fee(named[2], draft.price, clauses.rounding.fee)
                _add(draft, side, named, minor, taxes)
        if is_per_order:
            _per_order(drafts, side, taxes)


def _fees(clauses: Clauses) -> list[Named]:
    booking: list[Named] = [
        ("booking-fee", found.to, found) for found in clauses.booking_fees
    ]
    return booking + [("service-fee", "hub", found) for found in clauses.service_fees]


def _per_order(drafts: Sequence[Draft], side: str, taxes: TaxBook) -> None:
    """Add fees per order: one amount, shared by the order's lines by their tickets."""
    for group in by_order(drafts, side):
        clauses = group[0].agreed(side).clauses
        prices = [draft.price for draft in group]
        for named in _fees(clauses):
            if named[2].per != "order":
                continue
            minor = order_fee(named[2], prices, clauses.rounding.fee)
            parts = shared(minor, [price.quantity for price in prices])
            for draft, part in zip(group, parts, strict=True):
                _add(draft, side, named, part, taxes)


def _add(draft: Draft, side: str, named: Named, minor: int, taxes: TaxBook) -> None:
    what, to, clause = named
    if not minor:
        return
    of = "by bracket of price" if clause.brackets else f"of {clause.of}"
    rule = f"fee per {clause.per}, {of}"
    inputs: dict[str, Any] = {
        name: value for name in _TOLD if (value := getattr(clause, name))
    }
    if clause.brackets:
        inputs["brackets"] = msgspec.to_builtins(clause.brackets)
    inputs |= {"price_minor": of_price(clause, draft.price)}
    draft.add(Amount(what, minor, side, to, rule=rule, inputs=inputs), taxes)
