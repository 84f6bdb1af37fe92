"""True-ups at a period's end: running totals and minimum guarantees, posted once."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from partners.models import Contract
from settlement.queries.running import movements, running_terms, trued_up
from settlement.queries.terms import clauses_of, tax_book
from settlement.rules.clauses import Clauses
from settlement.rules.events import Contracted
from settlement.rules.periods import Period, year_of
from settlement.rules.running import Meter, clause_of, settle
from settlement.rules.truing import guarantee_legs, settles_on, true_up_legs
from settlement.services.movements import Booking, book

INSTANT = timedelta(microseconds=1)
_GUARANTEEING = text(
    "SELECT id FROM terms WHERE contract_id = :contract AND state = 'approved'"
    " AND valid @> CAST(:at AS timestamptz)"
    " AND jsonb_typeof(clauses->'minimum_guarantee') = 'object' ORDER BY id"
)
_EARNED = text(
    "SELECT coalesce(sum(due_minor), 0)::bigint AS due,"
    " coalesce(sum(commission_minor), 0)::bigint AS commission FROM ("
    " SELECT terms_id, day, due_minor, commission_minor FROM total"
    " WHERE contract_id = :contract UNION ALL SELECT terms_id, day, due_minor,"
    " commission_minor FROM total_delta WHERE contract_id = :contract) s"
    " WHERE terms_id = :terms AND day >= :first AND day < :after"
)
_BOOKED = text(
    "SELECT coalesce(sum((detail->>'amount_minor')::bigint), 0)::bigint AS minor,"
    " count(*) AS times FROM journal_entry WHERE kind = 'guarantee'"
    " AND detail->>'terms_id' = CAST(:terms AS text) AND detail->>'period' = :period"
)


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

    def day(self, moment: Any) -> date:
        """Return a moment's day on the contract's clocks."""
        found: date = moment.astimezone(ZoneInfo(self.contract.zone)).date()
        return found

    def booking(self, kind: str, reference: str, **more: Any) -> Booking:
        """Make the head of an entry on the period's last instant."""
        at = self.period.ends_at - INSTANT
        return Booking(self.contract, self.side, kind, reference, at, **more)


def true_up(session: Session, settling: Settling) -> int:
    """Post what a period's running totals and guarantees lack; return entries made.

    Doing so again posts what has changed since: the sum is always what is due.
    """
    made = 0
    for terms_id, what in running_terms(session, settling.contract.id):
        made += _running(session, settling, terms_id, what)
    return made + _guarantees(session, settling)


def _running(session: Session, settling: Settling, terms_id: UUID, what: str) -> int:
    contract, side, period = settling.contract, settling.side, settling.period
    clauses = clauses_of(session, [terms_id])[terms_id]
    meter = Meter(clause_of(clauses, what), clauses.rounding.commission, clauses.week)
    found = list(
        movements(
            session, contract.id, side, terms_id=terms_id, what=what, period=period
        )
    )
    settled = settle(meter, (m.movement for m in found), refunds=clauses.refund.running)
    lacking: dict[str, int] = {}
    for one, amount in zip(found, settled.amounts, strict=True):
        if one.stated_at >= period.starts_at:
            key = one.movement.bucket
            lacking[key] = lacking.get(key, 0) + amount - one.accrued_minor
    named = {"terms_id": str(terms_id), "what": what, "period": period.name}
    wanted = {n: v for n, v in named.items() if n != "terms_id"}
    before = trued_up(session, contract.id, side, {"terms": str(terms_id), **wanted})
    made = 0
    for key in sorted({*lacking, *before}):
        was, times = before.get(key, (0, 0))
        minor = lacking.get(key, 0) - was
        if minor:
            detail = {**named, "bucket": key, "amount_minor": minor}
            _post(session, settling, clauses, detail, times)
            made += 1
    return made


def _post(
    session: Session,
    settling: Settling,
    clauses: Clauses,
    detail: dict[str, Any],
    times: int,
) -> None:
    contract, minor, what = settling.contract, detail["amount_minor"], detail["what"]
    tax = 0
    if what == "commission" and clauses.taxes.commission is not None:
        book_ = tax_book(session, contract.legal_entity)
        day = settling.day(settling.period.ends_at - INSTANT)
        code = clauses.taxes.commission
        taxed = book_.taxed(minor, code, day, clauses.rounding)
        minor, tax = taxed.gross_minor, taxed.tax_minor
    holder = getattr(clauses.distribution, "holder", "")
    account = settles_on(clauses.remit, clauses.collector, settling.side)
    legs = true_up_legs(
        settling.whose, what, minor, tax_minor=tax, to_account=account, at=holder
    )
    reference = "/".join(
        (detail["terms_id"], detail["bucket"], detail["period"], str(times))
    )
    head = settling.booking(
        "true-up",
        reference,
        terms_id=UUID(detail["terms_id"]),
        bucket=detail["bucket"],
        accrued_minor=detail["amount_minor"],
    )
    book(session, head, legs, detail)


def _guarantees(session: Session, settling: Settling) -> int:
    contract, period = settling.contract, settling.period
    where = {"contract": contract.id, "at": period.ends_at - INSTANT}
    ids = session.scalars(_GUARANTEEING, where).all()
    found = clauses_of(session, ids)
    return sum(_guarantee(session, settling, i, found[i]) for i in ids)


def _guarantee(
    session: Session, settling: Settling, terms_id: UUID, clauses: Clauses
) -> int:
    """Post what lacks to a guarantee whose period ends with this one."""
    clause, contract = clauses.minimum_guarantee, settling.contract
    assert clause is not None  # noqa: S101 - these are the terms that have one
    span = settling.period
    if clause.period == "year":
        span = year_of(span, contract.zone)
    if span.ends_at != settling.period.ends_at:
        return 0
    days = {"first": settling.day(span.starts_at), "after": settling.day(span.ends_at)}
    where = {"contract": contract.id, "terms": terms_id, **days}
    earned = session.execute(_EARNED, where).one()
    named = {"terms": terms_id, "period": span.name}
    before = session.execute(_BOOKED, named).one()
    own = earned.commission if clause.of == "commission" else earned.due - before.minor
    minor = max(0, clause.amount_minor - own) - before.minor
    if not minor:
        return 0
    detail = {
        "terms_id": str(terms_id),
        "period": span.name,
        "of": clause.of,
        "guaranteed_minor": clause.amount_minor,
        "earned_minor": own,
        "amount_minor": minor,
    }
    reference = f"{terms_id}/{span.name}/{before.times}"
    head = settling.booking("guarantee", reference, terms_id=terms_id)
    book(session, head, guarantee_legs(settling.whose, clause.of, minor), detail)
    return 1
