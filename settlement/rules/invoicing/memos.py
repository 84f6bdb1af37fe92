"""A memo as a document of its own: one line, its tax as the memo says it. Pure."""

from settlement.rules.invoicing.documents import Document, Group, Line, TaxKind, tax_in
from settlement.rules.invoicing.supplies import HUB, PARTNER

LEGS = {"commission": "commission", "service-fee": "service_fee"}
NAMES = {"commission": "Commission", "service-fee": "Service fees"}


def seller_of(side: str, corrects: str) -> str:
    """Return who sells what a memo corrects."""
    is_theirs = (side, corrects) == ("agent", "commission")
    return PARTNER if is_theirs else HUB


def fits(gross_minor: int, tax_minor: int, kind: TaxKind) -> bool:
    """Say whether a memo's tax is what its rate makes of it, to one minor unit."""
    return abs(tax_in(gross_minor, kind.rate) - tax_minor) <= 1


def document(
    seller: str,
    corrects: str,
    *,
    is_debit: bool,
    gross_minor: int,
    tax_minor: int,
    kind: TaxKind,
) -> Document:
    """Return a memo's document: what the partner owes more (debit) the hub has sold.

    Where the partner sells, it has sold less.
    """
    net = gross_minor - tax_minor
    return Document(
        seller=seller,
        is_taxed=kind.is_taxed,
        is_credit=is_debit == (seller == PARTNER),
        groups=(Group(kind, net, tax_minor),),
        lines=(Line(f"{NAMES[corrects]}, corrected", net, kind),),
        posted_tax_minor=tax_minor,
    )
