"""What a contract's sales have come to against what is guaranteed for a period."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from partners.models import Contract
from settlement.queries.terms import clauses_of
from settlement.rules.clauses import MinimumGuarantee
from settlement.rules.periods import Period, year_of

_GUARANTEEING = text(
    "SELECT id FROM terms WHERE contract_id = :contract AND state = 'approved'"
    " AND scope = '{}' AND valid && tstzrange(:starts, :ends)"
    " AND jsonb_typeof(clauses->'minimum_guarantee') = 'object'"
    " ORDER BY lower(valid) DESC LIMIT 1"
)
# Whoever has the buyers' money, what the sales bring is the same: so a supplier's own
# till is left out, and an agent's sales are counted in whoever's till they lie.
_OWN = {
    "supplier": (
        "p.account = 'payable:supplier' OR (p.account = 'receivable:supplier'"
        " AND p.what IN ('commission', 'service-fee', 'withholding'))"
    ),
    "agent": (
        "p.account IN ('receivable:agent', 'payable:agent', 'asset:psp',"
        " 'payable:buyer-refund') OR (p.account = 'receivable:supplier'"
        " AND p.what IN ('face', 'discount', 'booking-fee'))"
    ),
}
_SIGN = {"supplier": -1, "agent": 1}
_EARNED = {
    side: text(
        f"SELECT {_SIGN[side]} * coalesce(sum(p.amount_minor), 0)::bigint AS due,"  # noqa: S608 - our own words
        f" {-_SIGN[side]} * coalesce(sum(p.amount_minor)"
        " FILTER (WHERE p.what = 'commission'), 0)::bigint AS commission"
        f" FROM journal_entry e JOIN posting p ON p.entry_id = e.id AND ({own})"
        f" WHERE e.{side}_contract_id = :contract"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) >= :starts"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) < :ends"
        " AND e.kind IN ('sale', 'cancellation', 'venue-cancellation', 'true-up')"
    )
    for side, own in _OWN.items()
}
_BOOKED = {
    side: text(
        "SELECT coalesce(sum(abs(p.amount_minor) * sign((e.detail->>'amount_minor')"  # noqa: S608 - our own words
        "::bigint)), 0)::bigint AS minor, count(*) AS times FROM journal_entry e"
        " JOIN posting p ON p.entry_id = e.id AND p.party_id = :partner"
        f" WHERE e.{side}_contract_id = :contract AND e.kind = 'guarantee'"
        " AND e.happened_at >= :starts AND e.happened_at < :ends"
    )
    for side in _OWN
}


@dataclass(frozen=True, slots=True)
class Guaranteed:
    """A guarantee of a period: what it promises, what was earned, what is booked."""

    terms_id: UUID
    clause: MinimumGuarantee
    period: Period
    earned_minor: int
    booked_minor: int
    times: int

    @property
    def lacking_minor(self) -> int:
        """What is to be booked now: all that lacks, less what was booked before."""
        lacks = max(0, self.clause.amount_minor - self.earned_minor)
        return lacks - self.booked_minor


def find_guarantee(
    session: Session, contract: Contract, side: str, month: Period
) -> Guaranteed | None:
    """Return the guarantee over a month, or over the year it is of.

    It is the whole contract's, by the terms without a scope that held last in the
    month; sales, cancellations and true-ups count, bills and payments do not.
    """
    where: dict[str, Any] = {
        "contract": contract.id,
        "starts": month.starts_at,
        "ends": month.ends_at,
    }
    terms_id = session.scalar(_GUARANTEEING, where)
    if terms_id is None:
        return None
    clause = clauses_of(session, [terms_id])[terms_id].minimum_guarantee
    assert clause is not None  # noqa: S101 - these are terms that have one
    span = year_of(month, contract.zone) if clause.period == "year" else month
    where |= {"starts": span.starts_at, "ends": span.ends_at}
    earned = session.execute(_EARNED[side], where).one()
    partner = {"partner": contract.partner_id}
    booked = session.execute(_BOOKED[side], where | partner).one()
    own = earned.commission if clause.of == "commission" else earned.due
    return Guaranteed(terms_id, clause, span, own, booked.minor, booked.times)
