"""What a contract's month comes to so far: the fold, the tail, and true-ups to come."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from partners.models import Contract
from settlement.queries.terms import clauses_of
from settlement.queries.totals import bucket_totals, buckets, day_sums
from settlement.rules.periods import month
from settlement.rules.quotes import FINAL, PROVISIONAL
from settlement.rules.running import Meter, clause_of
from settlement.rules.statements import SUMMED


def preview(
    session: Session, contract: Contract, period: str, *, now: datetime
) -> dict[str, Any]:
    """Return a month's sums by day of the contract's zone; provisional if any runs on.

    UnknownPeriodError if it is no month.
    """
    span, zone = month(period, contract.zone), ZoneInfo(contract.zone)
    days = span.starts_at.astimezone(zone).date(), span.ends_at.astimezone(zone).date()
    sums = day_sums(session, contract.id, *days)
    running = buckets(session, contract.id, *days)
    return {
        "contract_id": contract.id,
        "period": period,
        "as_of": now,
        "currency": contract.currency,
        "state": PROVISIONAL if running else FINAL,
        "true_up_minor": sum(_lacking(session, *key) for key in running),
        **{name: sums[name] for name in SUMMED},
    }


def _lacking(session: Session, terms_id: UUID, bucket: str) -> int:
    """Return what a running total comes to beyond what has been accrued for it."""
    clauses = clauses_of(session, [terms_id])[terms_id]
    total, accrued = bucket_totals(session, terms_id, bucket)
    clause = clause_of(clauses, bucket.partition("/")[0])
    meter = Meter(clause, clauses.rounding.commission, clauses.week)
    return meter.earned(bucket, total) - accrued
