"""How a box office is distributed: special fund, tax, shares. Pure."""

from fractions import Fraction

from hub.kernel.money import Rounding, rated, ratio, split
from settlement.rules.clauses import BoxOfficeSplit

SUPPLIER = "supplier"
OFF_THE_TOP = ("special-fund", "tax")


def exact_shares(clause: BoxOfficeSplit) -> dict[str, Fraction]:
    """Return each holder's part of the distributable: they sum to one.

    A share *of* another holder's is a part of what that one has before others take
    their parts of it; the residual holder has the rest.
    """
    whole = {s.holder: Fraction(*ratio(s.rate)) for s in clause.shares if s.of is None}
    if clause.residual is not None:
        rest = 1 - sum(whole.values())
        whole[clause.residual] = whole.get(clause.residual, Fraction(0)) + rest
    left = dict(whole)
    for share in clause.shares:
        if share.of is not None:
            whole[share.holder] = whole[share.of] * Fraction(*ratio(share.rate))
            left[share.of] -= whole[share.holder]
            left[share.holder] = whole[share.holder]
    return left


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
