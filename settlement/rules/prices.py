"""Face value, discount and who funds it, and what a supplier is settled at. Pure."""

from dataclasses import dataclass, field

from hub.kernel.money import rated, ratio, split
from settlement.errors import DiscountTooLargeError
from settlement.rules.clauses import Discount
from settlement.rules.lines import Line

BASES = ("gross", "net", "settled")
WHOLE_PPM = 10**12


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
    line: Line, discount: Discount | None, agreed_price_minor: int | None
) -> Price:
    """Price a line: its discount, and who funds it.

    With an agreed price the supplier is settled at the higher of that and the actual
    price; the others top up what is missing. DiscountTooLargeError above the face.
    """
    face = line.face_minor * line.quantity
    off = _off(line, discount, face)
    if off > face:
        raise DiscountTooLargeError(discount_minor=off, face_minor=face)
    if agreed_price_minor is not None:
        settled = max(face - off, agreed_price_minor * line.quantity)
        rest = off - (face - settled)
        others = _funded(discount, rest, line.quantity, is_supplier_out=True)
        return Price(line.quantity, face, off, {**others, "supplier": face - settled})
    if not off:
        return Price(line.quantity, face)
    return Price(line.quantity, face, off, _funded(discount, off, line.quantity))


def _off(line: Line, discount: Discount | None, face: int) -> int:
    if line.discount_minor is not None:
        return line.discount_minor
    if discount is None:
        return 0
    fixed = discount.per_ticket_minor * line.quantity
    return min(face, rated(face, discount.rate) + fixed)


def _funded(
    discount: Discount | None, off: int, quantity: int, *, is_supplier_out: bool = False
) -> dict[str, int]:
    """Return what each bears of a discount; nobody named means the supplier does.

    Fixed parts come first, rates share the rest by largest remainder.
    """
    funding = [
        part
        for part in (discount.funding if discount else ())
        if not (is_supplier_out and part.funder == "supplier")
    ]
    if not funding or not off:
        return {"hub" if is_supplier_out else "supplier": off}
    found: dict[str, int] = {}
    left = off
    for part in funding:
        if part.per_ticket_minor is not None:
            found[part.funder] = min(left, part.per_ticket_minor * quantity)
            left -= found[part.funder]
    weights: dict[str, int] = {
        p.funder: _ppm(p.rate) for p in funding if p.rate is not None
    }
    rest = next((part.funder for part in funding if part.residual), None)
    if rest is not None:
        weights[rest] = WHOLE_PPM - sum(weights.values())
    shares = split(left, weights) if any(weights.values()) else {}
    if left and not shares:  # fixed parts do not reach: the last named bears the rest
        shares = {funding[-1].funder: left}
    return {
        name: found.get(name, 0) + shares.get(name, 0) for name in {*found, *shares}
    }


def _ppm(rate: int | str) -> int:
    numerator, denominator = ratio(rate)
    return WHOLE_PPM * numerator // denominator
