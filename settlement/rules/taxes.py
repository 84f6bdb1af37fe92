"""Tax of a leg: a dated code, in the amount or on top of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from hub.kernel.money import divided, ratio
from settlement.errors import NoTaxRateError
from settlement.rules.checks.words import Finding
from settlement.rules.clauses import RoundingClause, TaxRate


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount with tax in it; *rate* says what was applied."""

    gross_minor: int
    tax_minor: int = 0
    rate: str = ""


UNTAXED = ("E", "AE", "O")  # categories that say why nothing is taxed


def category_of(rate: TaxRate) -> tuple[str, list[Finding]]:
    """Return what invoices call a tax rate, and what is wrong with what was said."""
    is_taxed = ratio(rate.rate)[0] > 0
    found = rate.category or ("S" if is_taxed else "Z")
    told = []
    if is_taxed != (found == "S"):
        told.append(Finding("category", "S has a rate above zero, and no other has"))
    if bool(rate.exemption) != (found in UNTAXED):
        told.append(Finding("exemption", f"{', '.join(UNTAXED)} say why; S and Z not"))
    return found, told


def told_of(rate: TaxRate) -> str:
    """Return a rate as amounts say they were taxed by it."""
    return f"{rate.code} {rate.rate} {rate.method}"


class TaxBook:
    """Tax codes by day."""

    def __init__(self, rates: Iterable[TaxRate]) -> None:
        self._by_code: dict[str, list[TaxRate]] = {}
        for rate in rates:
            self._by_code.setdefault(rate.code, []).append(rate)

    @property
    def codes(self) -> set[str]:
        """The codes there are, whenever valid."""
        return set(self._by_code)

    def rate(self, code: str, on: date) -> TaxRate:
        """Return what a code means on a day; NoTaxRateError if it means nothing."""
        for rate in self._by_code.get(code, ()):
            is_begun = rate.valid_from <= on
            if is_begun and (rate.valid_until is None or on < rate.valid_until):
                return rate
        raise NoTaxRateError(tax_code=code, on=on.isoformat())

    def taxed(
        self, minor: int, code: str | None, on: date, rounding: RoundingClause
    ) -> Taxed:
        """Return an agreed amount with its tax; without a code there is none.

        Included: the amount is the gross, and net or tax (as agreed) is rounded.
        """
        if code is None or not minor:
            return Taxed(minor)
        found = self.rate(code, on)
        numerator, denominator = ratio(found.rate)
        told = told_of(found)
        if found.method == "on-top":
            tax = divided(minor * numerator, denominator, rounding.tax)
            return Taxed(minor + tax, tax, told)
        whole = denominator + numerator
        if rounding.tax_on == "tax":
            tax = divided(minor * numerator, whole, rounding.tax)
        else:
            tax = minor - divided(minor * denominator, whole, rounding.tax)
        return Taxed(minor, tax, told)
