"""What a contract's month comes to so far: the fold, the tail, and what is to come."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from partners.models import Contract, Partner
from settlement.queries.guarantees import find_guarantee
from settlement.queries.running import lacking
from settlement.queries.totals import day_sums
from settlement.rules.periods import month
from settlement.rules.quotes import FINAL, PROVISIONAL
from settlement.rules.statements import SUMMED


def preview(
    session: Session, contract: Contract, period: str, *, now: datetime
) -> dict[str, Any]:
    """Return a month's sums by day of the contract's zone; UnknownPeriodError if none.

    It is provisional where a running total or a guarantee has a say; what these still
    lack is said apart, before tax, and drafting the month posts it.
    """
    span, zone = month(period, contract.zone), ZoneInfo(contract.zone)
    days = span.starts_at.astimezone(zone).date(), span.ends_at.astimezone(zone).date()
    sums = day_sums(session, contract.id, *days)
    side = session.get_one(Partner, contract.partner_id).kind
    running = lacking(session, contract.id, side, span)
    guarantee = find_guarantee(session, contract, side, span)
    ends_here = guarantee is not None and guarantee.period.ends_at == span.ends_at
    lacks = guarantee.lacking_minor if guarantee is not None and ends_here else 0
    return {
        "contract_id": contract.id,
        "period": period,
        "as_of": now,
        "currency": contract.currency,
        "state": PROVISIONAL if sums["is_running"] or guarantee else FINAL,
        "true_up_minor": sum(one.minor for one in running),
        "guarantee_minor": lacks,
        **{name: sums[name] for name in SUMMED},
    }
