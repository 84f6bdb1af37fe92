"""From supplies to documents: tax per rate, lines that sum to it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hub.kernel.money import Rounding, divided, ratio
from settlement.rules.invoicing.supplies import HUB, PARTNER, Key, Sum, TaxKind

# Document types (UNTDID 1001): by who sells, and whether it gives money back.
TYPES = {
    (HUB, False): "380",
    (HUB, True): "381",
    (PARTNER, False): "389",
    (PARTNER, True): "261",
}
NAMES = {
    "commission": "Commission",
    "service-fee": "Service fees",
    "refund-fee": "Fees for cancelling",
    "advertising": "Advertising",
    "value-added": "Value-added services",
    "service": "Services",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document: what was sold, its net amount in minor units."""

    name: str
    net_minor: int
    kind: TaxKind


@dataclass(frozen=True, slots=True)
class Group:
    """What a document has at one rate: net and tax, in minor units."""

    kind: TaxKind
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or credit note before it has a number; a credit note's signs are its.

    *posted_tax_minor* is the tax that the lines of the statement had, in its signs.
    """

    seller: str
    is_taxed: bool
    is_credit: bool
    groups: tuple[Group, ...]
    lines: tuple[Line, ...]
    posted_tax_minor: int

    @property
    def type_code(self) -> str:
        """What kind of document it is (UNTDID 1001)."""
        return TYPES[self.seller, self.is_credit]

    @property
    def net_minor(self) -> int:
        """What it comes to without tax."""
        return sum(group.net_minor for group in self.groups)

    @property
    def tax_minor(self) -> int:
        """The tax."""
        return sum(group.tax_minor for group in self.groups)

    @property
    def gross_minor(self) -> int:
        """What it comes to."""
        return self.net_minor + self.tax_minor

    @property
    def more_tax_minor(self) -> int:
        """What the seller's tax account has more by it than by the lines' own tax."""
        more = self.tax_minor - self.posted_tax_minor
        return -more if self.is_credit else more


def documents(sums: Mapping[Key, Sum]) -> Iterator[Document]:
    """Yield the documents of what was supplied under a contract in a period.

    One for each seller; what is outside the scope of VAT has one of its own, since no
    other may be beside it (EN 16931, BR-O-11). One without lines, where amounts cancel
    out, has nothing to show, but perhaps a cent of tax that its lines had.
    """
    for seller in (HUB, PARTNER):
        for is_taxed in (True, False):
            found = {
                (kind, what): one
                for (whose, kind, what), one in sums.items()
                if whose == seller
                and kind.is_taxed == is_taxed
                and (one.gross_minor or one.tax_minor)
            }
            if found:
                yield _document(seller, found, is_taxed=is_taxed)


def _document(
    seller: str, found: Mapping[tuple[TaxKind, str], Sum], *, is_taxed: bool
) -> Document:
    is_credit = sum(one.gross_minor for one in found.values()) < 0
    sign = -1 if is_credit else 1
    groups: list[Group] = []
    lines: list[Line] = []
    for kind, grosses in _by_rate(found, sign):
        gross = sum(grosses.values())
        tax = tax_in(gross, kind.rate)
        groups.append(Group(kind, gross - tax, tax))
        lines += _lines(kind, grosses)
    posted = sign * sum(one.tax_minor for one in found.values())
    return Document(seller, is_taxed, is_credit, tuple(groups), tuple(lines), posted)


def _by_rate(
    found: Mapping[tuple[TaxKind, str], Sum], sign: int
) -> Iterator[tuple[TaxKind, dict[str, int]]]:
    """Yield gross amounts by what they are for, once for each category and rate."""
    grosses: dict[tuple[str, str], dict[str, int]] = {}
    merged: dict[tuple[str, str], TaxKind] = {}
    for (kind, what), one in sorted(found.items(), key=str):
        key = (kind.category, percent(kind.rate))
        known = merged.setdefault(key, kind)
        if kind.exemption not in known.exemption.split("; "):
            told = f"{known.exemption}; {kind.exemption}"
            merged[key] = replace(known, exemption=told)
        group = grosses.setdefault(key, {})
        group[what] = group.get(what, 0) + sign * one.gross_minor
    for key, group in sorted(grosses.items()):
        yield merged[key], dict(sorted(group.items()))


def _lines(kind: TaxKind, grosses: Mapping[str, int]) -> Iterator[Line]:
    """Yield lines whose nets sum to the group's: T(with it) - T(before it)."""
    gross = net = 0
    for what, minor in grosses.items():
        gross += minor
        upto = gross - tax_in(gross, kind.rate)
        if upto != net:
            yield Line(named(what), upto - net, kind)
        net = upto


def tax_in(gross_minor: int, rate: int | str) -> int:
    """Return the tax in an amount, half-up; of the net it is the tax, if any can be.

    Not every gross amount has a net one: 15.00 at 19 % is 12.61 and 2.40, or 12.60 and
    2.39. Then the tax is that nearest to its share of the gross amount.
    """
    numerator, denominator = ratio(rate)
    nearest = divided(
        gross_minor * numerator, denominator + numerator, Rounding.HALF_UP
    )
    for tax in (nearest, nearest - 1, nearest + 1):
        net = gross_minor - tax
        if divided(net * numerator, denominator, Rounding.HALF_UP) == tax:
            return tax
    return nearest


def named(what: str) -> str:
    """Return what a line of a document is called."""
    kind, _, name = what.partition(":")
    return f"{NAMES[kind]}: {name}" if name else NAMES[kind]


def percent(rate: int | str) -> str:
    """Return a rate as per cent, with at most six decimals."""
    numerator, denominator = ratio(rate)
    exact = (Decimal(numerator) * 100 / denominator).quantize(Decimal("1e-6"))
    return f"{exact:f}".rstrip("0").rstrip(".") or "0"
