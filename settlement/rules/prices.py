"""Face value, discount and who funds it, and what a supplier is settled at. Pure."""

from dataclasses import dataclass, field

from hub.kernel.money import rated, ratio, split
from settlement.errors import DiscountTooLargeError
from settlement.rules.clauses import Discount
from settlement.rules.lines import Line

WHOLE = 10**12


@dataclass(frozen=True, slots=True)
class Price:
    """What a line costs before fees; minor units, whole line."""

    quantity: int
    face_minor: int
    discount_minor: int = 0
    funded: dict[str, int] = field(default_factory=dict)

    @property
    def gross(self) -> int:
        """The face value."""
        return self.face_minor

    @property
    def net(self) -> int:
        """What the buyer pays of it."""
        return self.face_minor - self.discount_minor

    @property
    def settled(self) -> int:
        """What the supplier is settled at."""
        return self.face_minor - self.funded.get("supplier", 0)


def price(
    line: Line,
    discount: Discount | None,
    agreed_price_minor: int | None,
    *,
    default: str = "supplier",
) -> Price:
    """Price a line: its discount, and who funds it; *default* does if nobody is named.

    With an agreed price the supplier is settled at the higher of that and the actual
    price: it bears what lies above, the others top up what is missing, each at most
    with its part of the whole discount, and the hub the rest. DiscountTooLargeError
    above the face.
    """
    face = line.face_minor * line.quantity
    off = _off(line, discount, face)
    if off > face:
        raise DiscountTooLargeError(discount_minor=off, face_minor=face)
    funded = _funded(discount, off, line.quantity, default) if off else {}
    if agreed_price_minor is not None:
        settled = max(face - off, agreed_price_minor * line.quantity)
        lacking = off - (face - settled)
        funded = {**_topped_up(funded, lacking), "supplier": face - settled}
    return Price(line.quantity, face, off, funded)


def _off(line: Line, discount: Discount | None, face: int) -> int:
    if line.discount_minor is not None:
        return line.discount_minor
    if discount is None:
        return 0
    fixed = discount.per_ticket_minor * line.quantity
    return min(face, rated(face, discount.rate) + fixed)


def _topped_up(funded: dict[str, int], lacking: int) -> dict[str, int]:
    """Return what the others pay of what an agreed price lacks."""
    others = {name: minor for name, minor in funded.items() if name != "supplier"}
    can = sum(others.values())
    if can > lacking:
        return split(lacking, others)
    return {**others, "hub": others.get("hub", 0) + lacking - can}


def _funded(
    discount: Discount | None, off: int, quantity: int, default: str
) -> dict[str, int]:
    """Return what each bears of a discount.

    Fixed parts come first, rates share the rest by largest remainder.
    """
    if discount is None:
        return {default: off}
    found: dict[str, int] = {}
    left = off
    for part in discount.funding:
        if part.per_ticket_minor is not None:
            found[part.funder] = min(left, part.per_ticket_minor * quantity)
            left -= found[part.funder]
    weights: dict[str, int] = {
        p.funder: _weight(p.rate) for p in discount.funding if p.rate is not None
    }
    rest = next((part.funder for part in discount.funding if part.residual), None)
    if rest is not None:
        weights[rest] = WHOLE - sum(weights.values())
    shares = split(left, weights) if any(weights.values()) else {}
    if left and not shares:  # fixed parts do not reach: the last named bears the rest
        shares = {discount.funding[-1].funder: left}
    return {
        name: found.get(name, 0) + shares.get(name, 0) for name in {*found, *shares}
    }


def _weight(rate: int | str) -> int:
    numerator, denominator = ratio(rate)
    return WHOLE * numerator // denominator
