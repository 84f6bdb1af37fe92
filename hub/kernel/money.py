"""Money: integer minor units plus an ISO 4217 code; rates are exact, never floats."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache

from iso4217 import Currency

BASIS_POINTS = 10_000


class Rounding(StrEnum):
    """What becomes of a part of a minor unit; the same for both signs."""

    HALF_EVEN = "half-even"
    HALF_UP = "half-up"
    HALF_DOWN = "half-down"
    UP = "up"
    DOWN = "down"


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


@cache
def ratio(rate: int | str) -> tuple[int, int]:
    """Return a rate as (numerator, denominator).

    An integer is basis points; text is an exact fraction of one, such as "33/1000".
    ValueError or ZeroDivisionError for other text.
    """
    if isinstance(rate, int):
        return rate, BASIS_POINTS
    exact = Fraction(rate)
    return exact.numerator, exact.denominator


def divided(
    numerator: int, denominator: int, rounding: str = Rounding.HALF_EVEN
) -> int:
    """Return the quotient in whole units; *denominator* is positive."""
    whole, rest = divmod(abs(numerator), denominator)
    if rest and _rounds_up(whole, 2 * rest - denominator, rounding):
        whole += 1
    return -whole if numerator < 0 else whole


def _rounds_up(whole: int, over_half: int, rounding: str) -> bool:
    if rounding == Rounding.UP:
        return True
    if rounding == Rounding.DOWN:
        return False
    if over_half:
        return over_half > 0
    is_odd = whole % 2 == 1
    return rounding == Rounding.HALF_UP or (rounding == Rounding.HALF_EVEN and is_odd)


def rated(
    minor: int, rate: int | str, rounding: str = Rounding.HALF_EVEN, times: int = 1
) -> int:
    """Return a rate's part of an amount, *times* over, in whole minor units."""
    numerator, denominator = ratio(rate)
    return divided(minor * times * numerator, denominator, rounding)


def part(total_minor: int, whole: int, piece: int) -> int:
    """Return what of an amount goes with the first *piece* of *whole*.

    Cumulative, so that the parts of any sequence of pieces telescope: all of them
    together return exactly the amount. Whole and piece are tickets or minor units.
    """
    return divided(total_minor * piece, whole)


def split(total_minor: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Share an amount out by weight; the parts sum to it exactly.

    Largest remainder (Hamilton): each part is within one unit of its exact share, and
    ties go to the key that sorts first, so the order of the weights changes nothing.
    ValueError when no weight is positive.
    """
    whole = sum(weights.values())
    if whole <= 0 or min(weights.values()) < 0:
        message = "weights are not negative, and one is positive"
        raise ValueError(message)
    sign, amount = (-1, -total_minor) if total_minor < 0 else (1, total_minor)
    exact = {key: divmod(amount * weight, whole) for key, weight in weights.items()}
    left = amount - sum(floor for floor, _ in exact.values())
    first = sorted(exact, key=lambda key: (-exact[key][1], key))[:left]
    return {key: sign * (floor + (key in first)) for key, (floor, _) in exact.items()}
