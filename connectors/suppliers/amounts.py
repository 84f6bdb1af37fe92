"""Amounts as decimals of the main unit, which is how most suppliers write them."""

from decimal import Decimal

from hub.kernel.money import exponent


def minor_of(said: str, currency: str) -> int:
    """Return an amount told as a decimal in minor units; ValueError if it has more."""
    found = Decimal(said).scaleb(exponent(currency))
    if found != found.to_integral_value():
        message = f"{said} {currency} is not a whole number of minor units"
        raise ValueError(message)
    return int(found)


def decimal_of(minor: int, currency: str) -> str:
    """Return minor units as the decimal that is sent and signed: with all places."""
    places = exponent(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"
