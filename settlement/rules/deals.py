"""A line while it is being quoted: its terms, its price, its amounts so far. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from hub.kernel.money import split
from settlement.errors import NoTaxRateError
from settlement.rules.clauses import Clauses
from settlement.rules.lines import Line
from settlement.rules.prices import Price
from settlement.rules.quotes import Amount, Running
from settlement.rules.running import Total
from settlement.rules.scopes import TermsVersion
from settlement.rules.taxes import TaxBook, Taxed

SIDES = ("supplier", "agent")
Totals = dict[tuple[str, str], Total]


@dataclass(frozen=True, slots=True)
class Deal:
    """A line and the terms of both sides that cover it; a what-if may lack one."""

    line: Line
    supplier: TermsVersion | None = None
    agent: TermsVersion | None = None
    legal_entity: str = ""
    supplier_id: str = ""
    agent_id: str = ""

    def terms(self, side: str) -> TermsVersion | None:
        """Return the terms of a side."""
        return self.supplier if side == "supplier" else self.agent


@dataclass(slots=True)
class Draft:
    """A line while it is being quoted."""

    deal: Deal
    price: Price
    amounts: list[Amount] = field(default_factory=list)
    running: dict[str, list[Running]] = field(
        default_factory=lambda: {side: [] for side in SIDES}
    )

    def clauses(self, side: str) -> Clauses | None:
        """Return what a side's terms say."""
        terms = self.deal.terms(side)
        return None if terms is None else terms.clauses

    def agreed(self, side: str) -> TermsVersion:
        """Return the terms of a side that has some."""
        terms = self.deal.terms(side)
        assert terms is not None  # noqa: S101 - asked by a side that has terms
        return terms

    def day(self, side: str) -> date:
        """Return the day of the sale on the clocks of a side's contract."""
        zone = ZoneInfo(self.agreed(side).zone)
        return self.deal.line.sold_at.astimezone(zone).date()

    def add(self, amount: Amount, taxes: TaxBook) -> None:
        """Add what a side's terms make of the line, with its tax and refund policy."""
        clauses = self.agreed(amount.side).clauses
        leg = amount.what.replace("-", "_")
        code = getattr(clauses.taxes, leg)
        if code is not None and (amount.to == "hub" or leg == "commission"):
            found = self._taxed(amount, code, taxes)
            gross, tax, rate = found.gross_minor, found.tax_minor, found.rate
            amount = replace(amount, minor=gross, tax_minor=tax, tax=rate)
        if getattr(clauses.refund, leg) == "kept":
            amount = replace(amount, is_kept=True)
        self.amounts.append(amount)

    def _taxed(self, amount: Amount, code: str, taxes: TaxBook) -> Taxed:
        day, clauses = self.day(amount.side), self.agreed(amount.side).clauses
        try:
            return taxes.taxed(amount.minor, code, day, clauses.rounding)
        except NoTaxRateError as error:
            where = {"side": amount.side, "leg": amount.what}
            raise NoTaxRateError(**error.facts, **where) from None

    def key(self, running: Running) -> str:
        """Return the key of the running total that the line adds to."""
        line = self.deal.line
        return running.key(line.sold_at, line.performance_at, line.performance)


def by_order(drafts: Sequence[Draft], side: str) -> list[list[Draft]]:
    """Return lines of the same order under the same terms, in their order."""
    groups: dict[tuple[str, str], list[Draft]] = {}
    for no, draft in enumerate(drafts):
        terms = draft.deal.terms(side)
        if terms is not None:
            order = draft.deal.line.order or f"#{no}"
            groups.setdefault((order, terms.terms_id), []).append(draft)
    return list(groups.values())


def shared(minor: int, weights: Iterable[int]) -> list[int]:
    """Share an order's amount by its lines' weights; ties go to the earlier line."""
    keyed = {f"{no:09d}": weight for no, weight in enumerate(weights)}
    return list(split(minor, keyed).values())
