"""Which terms cover a line: the most specific scope wins. Pure."""

from collections.abc import Iterable
from datetime import datetime

from settlement.rules.clauses import Clauses
from settlement.rules.clauses.words import Clause, Name
from settlement.rules.lines import Line

# From the widest to the narrowest: a performance is of a production, at a venue.
DIMENSIONS = (
    *("supplier", "venue", "production", "performance"),
    *("area", "price_type", "channel"),
)
_IMPLIED = {
    "supplier": {"supplier"},
    "venue": {"supplier", "venue"},
    "production": {"supplier", "production"},
    "performance": {"supplier", "venue", "production", "performance"},
}


class Scope(Clause, frozen=True, kw_only=True, omit_defaults=True):
    """What terms hold for; what is not named is anything."""

    supplier: Name | None = None
    venue: Name | None = None
    production: Name | None = None
    performance: Name | None = None
    area: Name | None = None
    price_type: Name | None = None
    channel: Name | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The dimensions that are said."""
        return tuple(name for name in DIMENSIONS if getattr(self, name) is not None)

    @property
    def specificity(self) -> tuple[int, int]:
        """How narrow: dimensions fixed, said or implied; then the narrower of them.

        A performance fixes four (its venue, production and supplier too). At the same
        number, a later dimension of the list beats all earlier ones.
        """
        said = self.named
        fixed = set().union(*(_IMPLIED.get(name, {name}) for name in said))
        return len(fixed), sum(1 << DIMENSIONS.index(name) for name in said)

    @property
    def tag(self) -> str:
        """The scope in one word, for keys; empty for everything."""
        return ",".join(f"{name}={getattr(self, name)}" for name in self.named)

    def covers(self, line: Line) -> bool:
        """Say whether a line is inside."""
        return all(getattr(self, name) == getattr(line, name) for name in self.named)


class TermsVersion(Clause, frozen=True, kw_only=True):
    """One version of a contract's terms: for what, from when until when, saying what.

    *zone* is the contract's: its days, months and weeks are told by clocks there.
    """

    contract_id: str
    terms_id: str
    version: int
    side: str
    zone: str
    valid_from: datetime
    valid_until: datetime | None
    scope: Scope
    clauses: Clauses

    def is_valid(self, at: datetime) -> bool:
        """Say whether a moment lies in the validity (half-open)."""
        return self.valid_from <= at and (
            self.valid_until is None or at < self.valid_until
        )


def resolve(versions: Iterable[TermsVersion], line: Line) -> TermsVersion | None:
    """Return the terms that cover a line when it is sold: the most specific ones.

    Terms of one contract and scope never overlap, so there is one answer; should a
    file hold two all the same, the later begun and then the higher id decides.
    """
    found = [
        terms
        for terms in versions
        if terms.is_valid(line.sold_at) and terms.scope.covers(line)
    ]
    if len(found) < 2:  # noqa: PLR2004 - nothing to choose between
        return found[0] if found else None
    return max(found, key=lambda t: (t.scope.specificity, t.valid_from, t.terms_id))
