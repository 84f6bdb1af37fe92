"""Money: integer minor units plus an ISO 4217 code; rates are exact, never floats."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from iso4217 import Currency

BASIS_POINTS = 10_000


class Rounding(StrEnum):
    """How a fraction of a minor unit is settled."""

    HALF_EVEN = "half-even"
    HALF_UP = "half-up"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency: 45.00 EUR is ``Money(4500, "EUR")``."""

    minor: int
    currency: str

    def __str__(self) -> str:
        """Format with the currency's own number of decimals, as ISO 4217 has it."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, cents = divmod(abs(self.minor), 10**digits)
        decimals = f".{cents:0{digits}d}" if digits else ""
        return f"{sign}{whole}{decimals} {self.currency}"


def is_currency(code: str) -> bool:
    """Say whether *code* is a currency of ISO 4217 that has minor units."""
    try:
        return Currency(code).exponent is not None
    except ValueError:
        return False


def exponent(code: str) -> int:
    """Return the number of decimals of a currency, 0 to 4; ValueError if unknown."""
    digits = Currency(code).exponent
    if digits is None:
        raise ValueError(code)
    return digits


def rounded(exact: Fraction, rounding: Rounding = Rounding.HALF_EVEN) -> int:
    """Round an exact number of minor units to a whole one; ties as *rounding* says.

    Half-up means away from zero, so that a refund mirrors its sale.
    """
    if rounding is Rounding.HALF_EVEN:
        return round(exact)
    doubled = abs(exact) * 2 + 1
    whole = doubled.numerator // (doubled.denominator * 2)
    return whole if exact >= 0 else -whole


def share(minor: int, bp: int, rounding: Rounding = Rounding.HALF_EVEN) -> int:
    """Return *bp* basis points of an amount, in whole minor units."""
    return rounded(Fraction(minor * bp, BASIS_POINTS), rounding)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split *total* by *weights* into parts that sum to it: largest remainder.

    Ties go to the earlier weight. ValueError when no weight is positive.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts
