"""A memo as a document of its own: one line, its tax as the memo says it. Pure."""

from collections.abc import Iterable

from settlement.rules.invoicing.documents import Document, Group, Line, named, tax_in
from settlement.rules.invoicing.supplies import HUB, PARTNER, TaxKind

CORRECTED = ("commission", "service-fee")  # what is sold; other is other people's


def seller_of(side: str, corrects: str) -> str:
    """Return who sells what a memo corrects."""
    is_theirs = (side, corrects) == ("agent", "commission")
    return PARTNER if is_theirs else HUB


def fitting(
    gross_minor: int, tax_minor: int, kinds: Iterable[TaxKind]
) -> TaxKind | None:
    """Return the first kind whose rate makes a memo's tax of it, to one minor unit.

    Where nothing is charged there is none at all.
    """
    for kind in sorted(kinds, key=str):
        within = 1 if kind.is_charged else 0
        if abs(tax_in(gross_minor, kind.rate) - tax_minor) <= within:
            return kind
    return None


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
        lines=(Line(f"{named(corrects)}, corrected", net, kind),),
        posted_tax_minor=tax_minor,
    )
