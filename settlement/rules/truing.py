"""The postings of true-ups: what a running total or a guarantee comes to. Pure."""

from settlement.rules import accounts as to
from settlement.rules.events import Contracted
from settlement.rules.facts import Leg
from settlement.rules.taxes import Taxed

# Which way a side's commission goes; its accounts: earned, tax, withheld.
_EARNED = {
    "agent": (-1, to.EXPENSE_COMMISSION, to.TAX_INPUT, to.TAX_WITHHELD),
    "supplier": (1, to.INCOME_COMMISSION, to.TAX_OUTPUT, to.WITHHOLDING_CLAIM),
}


def true_up_legs(
    whose: Contracted,
    what: str,
    taxed: Taxed,
    *,
    withheld_minor: int,
    to_account: str,
    holder: str,
    is_principal: bool = False,
) -> list[Leg]:
    """Return the postings of an amount earned more (less: negative) than was accrued.

    *to_account* is where the side's amount is netted or claimed; *holder* gets a
    distribution. A principal has bought for so much less.
    """
    minor, currency, theirs = taxed.gross_minor, whose.currency, whose.partner_id
    if what == "distribution":
        named = f"share:{holder}"
        found = [
            Leg(to.PAYABLE_SUPPLIER, theirs, named, currency, minor),
            Leg(to.PAYABLE_SHARE, None, named, currency, -minor),
        ]
    elif is_principal:
        found = [
            Leg(to.INVENTORY, None, what, currency, minor),
            Leg(to.EXPENSE_TICKETS, None, what, currency, -minor),
        ]
    else:
        found = _commission(whose, what, taxed, withheld_minor, to_account)
    return [leg for leg in found if leg.amount_minor]


def _commission(
    whose: Contracted, what: str, taxed: Taxed, withheld_minor: int, to_account: str
) -> list[Leg]:
    """Return the legs of a commission: the agent's from the hub, or the hub's."""
    tax, net = taxed.tax_minor, taxed.gross_minor - taxed.tax_minor
    sign, earned, taxes, kept = _EARNED[whose.side]
    theirs, currency, held = whose.partner_id, whose.currency, "withholding"
    return [
        Leg(to_account, theirs, what, currency, sign * taxed.gross_minor),
        Leg(earned, None, what, currency, -sign * net),
        Leg(taxes, None, what, currency, -sign * tax),
        Leg(to_account, theirs, held, currency, -sign * withheld_minor),
        Leg(kept, None, held, currency, sign * withheld_minor),
    ]


def settles_on(remit: str, collector: str, side: str) -> str:
    """Return the account on which a side's commission is netted or claimed."""
    if side == "agent":
        is_netted = collector == "agent" and remit == "net"
        return to.RECEIVABLE_AGENT if is_netted else to.PAYABLE_AGENT
    return to.PAYABLE_SUPPLIER if remit == "net" else to.RECEIVABLE_SUPPLIER


def guarantee_legs(whose: Contracted, of: str, minor: int) -> list[Leg]:
    """Return the postings of what lacks to a minimum guarantee.

    The hub guarantees a supplier what it is due and an agent its commission; an agent
    guarantees the hub what its sales come to.
    """
    theirs, currency, what = whose.partner_id, whose.currency, "guarantee"
    if whose.side == "agent" and of == "due":
        return [
            Leg(to.RECEIVABLE_AGENT, theirs, what, currency, minor),
            Leg(to.INCOME_GUARANTEE, None, what, currency, -minor),
        ]
    return [
        Leg(to.EXPENSE_GUARANTEE, None, what, currency, minor),
        Leg(whose.payable, theirs, what, currency, -minor),
    ]
