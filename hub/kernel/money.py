"""Money: integer minor units plus an ISO 4217 code; rates are exact, never floats."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from iso4217 import Currency

BASIS_POINTS = 10_000


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


@cache
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


def rounded(exact: Fraction) -> int:
    """Round an exact number of minor units to a whole one; ties to the even one."""
    return round(exact)


def share(minor: int, bp: int) -> int:
    """Return *bp* basis points of an amount, in whole minor units."""
    return rounded(Fraction(minor * bp, BASIS_POINTS))
