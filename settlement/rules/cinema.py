"""How a box office is distributed: special fund, tax, shares. Pure."""

from fractions import Fraction

from hub.kernel.money import Rounding, rated, ratio, split
from settlement.rules.clauses import BoxOfficeSplit

SUPPLIER = "supplier"


def exact_shares(clause: BoxOfficeSplit) -> dict[str, Fraction]:
    """Return each holder's part of the distributable: they sum to one.

    A share *of* another holder's is taken from it; the residual holder has the rest.
    """
    first = {s.holder: Fraction(*ratio(s.rate)) for s in clause.shares if s.of is None}
    if clause.residual is not None:
        rest = 1 - sum(first.values())
        first[clause.residual] = first.get(clause.residual, Fraction(0)) + rest
    for share in clause.shares:
        if share.of is not None:
            taken = first[share.of] * Fraction(*ratio(share.rate))
            first[share.of] -= taken
            first[share.holder] = first.get(share.holder, Fraction(0)) + taken
    return first


def distributed(clause: BoxOfficeSplit, gross_minor: int) -> dict[str, int]:
    """Return the parts of a box office: ``special-fund``, ``tax``, and each holder's.

    Fund and tax are rounded half-up; the rest is shared by largest remainder, so all
    parts sum to the box office.
    """
    fund = rated(gross_minor, clause.special_fund, Rounding.HALF_UP)
    tax = rated(gross_minor, clause.tax, Rounding.HALF_UP)
    shares = exact_shares(clause)
    whole = 1
    for share in shares.values():
        whole = whole * share.denominator
    weights = {holder: int(share * whole) for holder, share in shares.items()}
    parts = split(gross_minor - fund - tax, weights)
    return {"special-fund": fund, "tax": tax, **parts}
