"""Foreign exchange: exact conversion between currencies of any exponent. Pure."""

from fractions import Fraction

from hub.kernel.money import Rounding, divided, exponent


def converted(
    minor: int,
    from_currency: str,
    to_currency: str,
    rate: str,
    rounding: str = Rounding.HALF_EVEN,
) -> int:
    """Return an amount in another currency, in its minor units.

    *rate* is units of *from_currency* for one of *to_currency*, as decimal text.
    """
    exact = Fraction(minor, 10 ** exponent(from_currency)) / Fraction(rate)
    return _whole(exact, to_currency, rounding)


def valued(
    minor: int,
    currency: str,
    in_currency: str,
    rate: str,
    rounding: str = Rounding.HALF_EVEN,
) -> int:
    """Return what an amount is worth in another currency, in its minor units.

    *rate* is units of *in_currency* for one of *currency*, as decimal text.
    """
    exact = Fraction(minor, 10 ** exponent(currency)) * Fraction(rate)
    return _whole(exact, in_currency, rounding)


def _whole(exact: Fraction, currency: str, rounding: str) -> int:
    exact *= 10 ** exponent(currency)
    return divided(exact.numerator, exact.denominator, rounding)


def revaluation(
    foreign_minor: int, booked_minor: int, currency: str, home: str, rate: str
) -> int:
    """Return what a trading position has gained (lost: negative) in home minor units.

    The position is *foreign_minor* held against *booked_minor* of home currency.
    """
    return valued(foreign_minor, currency, home, rate) - booked_minor
