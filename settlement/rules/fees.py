"""What a fee comes to: fixed, percent, clamped, by brackets; per ticket, order."""

from collections.abc import Sequence

from hub.kernel.money import divided, ratio
from settlement.rules.clauses import Fee
from settlement.rules.prices import Price


def fee(clause: Fee, price: Price, rounding: str) -> int:
    """Return a fee per ticket for a line: one ticket's, times its tickets."""
    minor = of_price(clause, price)
    return _amount(clause, minor, price.quantity, rounding) * price.quantity


def order_fee(clause: Fee, prices: Sequence[Price], rounding: str) -> int:
    """Return a fee per order, on the sum of its lines."""
    minor = sum(of_price(clause, price) for price in prices)
    return _amount(clause, minor, 1, rounding)


def of_price(clause: Fee, price: Price) -> int:
    """Return the part of a line's price that a fee is of; minor units."""
    return price.gross if clause.of == "face" else price.net


def _amount(clause: Fee, minor: int, tickets: int, rounding: str) -> int:
    fixed, rate = clause.fixed_minor, clause.rate
    if clause.brackets:
        bracket = next(
            (b for b in clause.brackets if b.holds(minor, tickets)),
            clause.brackets[-1],
        )
        fixed, rate = bracket.fixed_minor, bracket.rate
    numerator, denominator = ratio(rate)
    if clause.of == "total":  # a part of the sum it is itself in
        above = fixed * denominator * tickets + minor * numerator
        amount = divided(above, (denominator - numerator) * tickets, rounding)
    else:
        above = fixed * denominator * tickets + minor * numerator
        amount = divided(above, denominator * tickets, rounding)
    if clause.maximum_minor is not None:
        amount = min(amount, clause.maximum_minor)
    return max(amount, clause.minimum_minor)
