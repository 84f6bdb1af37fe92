"""True-ups at a period's end: running totals and minimum guarantees, posted once."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hub.kernel.db import take_turns
from hub.kernel.money import rated
from partners.models import Contract
from settlement.queries.guarantees import find_guarantee
from settlement.queries.running import Lacking, lacking
from settlement.queries.terms import clauses_of, tax_book
from settlement.rules.clauses import Clauses
from settlement.rules.events import Contracted
from settlement.rules.periods import Period
from settlement.rules.taxes import Taxed
from settlement.rules.truing import guarantee_legs, settles_on, true_up_legs
from settlement.services.movements import OWN, Booking, book

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Settling:
    """A contract whose period has ended and is to be settled."""

    contract: Contract
    side: str
    period: Period

    @property
    def whose(self) -> Contracted:
        """Whose the entries are."""
        found = self.contract
        return Contracted(self.side, found.partner_id, found.currency)

    @property
    def last_at(self) -> datetime:
        """The period's last instant: when its entries happen."""
        return self.period.ends_at - INSTANT

    @property
    def last_on(self) -> date:
        """The period's last day on the contract's clocks."""
        return self.last_at.astimezone(ZoneInfo(self.contract.zone)).date()

    def booking(self, kind: str, reference: str, **more: Any) -> Booking:
        """Make the head of an entry on the period's last instant."""
        return Booking(self.contract, self.side, kind, reference, self.last_at, **more)


def true_up(session: Session, settling: Settling) -> int:
    """Post what a period's running totals and guarantee lack; return entries made.

    Doing so again posts what has changed since: the sum is always what is due. Two
    that do so at once take turns.
    """
    contract, side = settling.contract, settling.side
    take_turns(session, f"true-up/{contract.id}")
    found = lacking(session, contract.id, side, settling.period)
    clauses = clauses_of(session, {one.terms_id for one in found})
    for one in found:
        _post(session, settling, clauses[one.terms_id], one)
    return len(found) + _guarantee(session, settling)


def _post(
    session: Session, settling: Settling, clauses: Clauses, found: Lacking
) -> None:
    """Post what a running total lacks, with its tax and what is withheld of it."""
    taxed = _taxed(session, settling, clauses, found)
    net = taxed.gross_minor - taxed.tax_minor
    withheld = sum(
        rated(net, clause.rate)
        for clause in clauses.withholding
        if clause.leg == found.what and abs(net) >= clause.from_minor
    )
    legs = true_up_legs(
        settling.whose,
        found.what,
        taxed,
        withheld_minor=withheld,
        to_account=settles_on(clauses.remit, clauses.collector, settling.side),
        holder=getattr(clauses.distribution, "holder", ""),
        is_principal=clauses.capacity == "principal" and settling.side == "supplier",
    )
    detail = asdict(found) | {
        "terms_id": str(found.terms_id),
        "period": settling.period.name,
        "amount_minor": found.minor,
        "tax": taxed.rate,
    }
    reference = "/".join(
        (
            *(f"{OWN}{settling.contract.id}", str(found.terms_id), found.bucket),
            *(settling.period.name, str(found.times)),
        )
    )
    head = settling.booking(
        "true-up",
        reference,
        terms_id=found.terms_id,
        bucket=found.bucket,
        accrued_minor=found.minor,
    )
    book(session, head, legs, detail)


def _taxed(
    session: Session, settling: Settling, clauses: Clauses, found: Lacking
) -> Taxed:
    code = clauses.taxes.commission
    if found.what != "commission" or code is None:
        return Taxed(found.minor)
    rates = tax_book(session, settling.contract.legal_entity)
    return rates.taxed(found.minor, code, settling.last_on, clauses.rounding)


def _guarantee(session: Session, settling: Settling) -> int:
    """Post what lacks to a guarantee whose period ends with this one."""
    contract, side = settling.contract, settling.side
    found = find_guarantee(session, contract, side, settling.period)
    if found is None or found.period.ends_at != settling.period.ends_at:
        return 0
    minor = found.lacking_minor
    if not minor:
        return 0
    detail = {
        "terms_id": str(found.terms_id),
        "period": found.period.name,
        "of": found.clause.of,
        "guaranteed_minor": found.clause.amount_minor,
        "earned_minor": found.earned_minor,
        "booked_before_minor": found.booked_minor,
        "amount_minor": minor,
    }
    reference = f"{OWN}{contract.id}/{found.period.name}/{found.times}"
    head = settling.booking("guarantee", reference, terms_id=UUID(int=0))
    legs = guarantee_legs(settling.whose, found.clause.of, minor)
    book(session, head, legs, detail)
    return 1
