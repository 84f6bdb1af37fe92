"""The postings of true-ups: what a running total or a guarantee comes to. Pure."""

from settlement.rules import accounts as to
from settlement.rules.events import Contracted
from settlement.rules.postings import Leg
from settlement.rules.taxes import Taxed


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
    tax, net = taxed.tax_minor, taxed.gross_minor - taxed.tax_minor
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
    elif whose.side == "agent":
        found = [
            Leg(to_account, theirs, what, currency, -minor),
            Leg(to.EXPENSE_COMMISSION, None, what, currency, net),
            Leg(to.TAX_INPUT, None, what, currency, tax),
            Leg(to_account, theirs, "withholding", currency, withheld_minor),
            Leg(to.TAX_WITHHELD, None, "withholding", currency, -withheld_minor),
        ]
    else:
        found = [
            Leg(to_account, theirs, what, currency, minor),
            Leg(to.INCOME_COMMISSION, None, what, currency, -net),
            Leg(to.TAX_OUTPUT, None, what, currency, -tax),
            Leg(to_account, theirs, "withholding", currency, -withheld_minor),
            Leg(to.WITHHOLDING_CLAIM, None, "withholding", currency, withheld_minor),
        ]
    return [leg for leg in found if leg.amount_minor]


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
