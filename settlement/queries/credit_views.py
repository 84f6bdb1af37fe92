"""Credit as finance reads it: with alerts, a suggested limit, and debt by age."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hub.kernel import clock
from partners.models import Contract
from settlement.queries.credit import (
    alerts,
    get_credit_line,
    monthly_sales,
    receivable_moves,
)
from settlement.queries.terms import valid_terms
from settlement.rules.clauses import Clauses
from settlement.rules.credit import aged, suggested_limit

ALERTS_MAX = 20
HISTORY_DAYS = 365
MONTH_DAYS = 30


def credit_detail(session: Session, contract: Contract) -> dict[str, Any]:
    """Return an agent's credit with its alerts and a limit that its sales suggest."""
    line = get_credit_line(session, contract)
    now = clock.now(session, contract.world)
    first = now.astimezone(ZoneInfo(contract.zone)).date().replace(day=1)
    since = (first - timedelta(days=HISTORY_DAYS)).replace(day=1)
    sales = monthly_sales(session, contract.id, since=since, until=first)
    days = MONTH_DAYS + payment_days(session, contract)
    told = {
        name: getattr(line, name)
        for name in (
            *("contract_id", "currency", "limit_minor", "deposit_minor"),
            *("exposure_minor", "reserved_minor", "free_minor", "level_bp"),
        )
    }
    return {
        **told,
        "alerts": alerts(session, contract.id, most=ALERTS_MAX),
        "suggested_limit_minor": suggested_limit(sales, days=days),
    }


def payment_days(session: Session, contract: Contract) -> int:
    """Return in how many days an agent pays, by the widest of its terms valid now."""
    now = clock.now(session, contract.world)
    found = valid_terms(session, contract, "agent", at=now)
    if not found:
        return Clauses().payment_days
    widest = min(found, key=lambda terms: terms.scope.specificity)
    return widest.clauses.payment_days


def ageing(session: Session, contract: Contract) -> dict[str, Any]:
    """Return an agent's debt by how long it is overdue."""
    get_credit_line(session, contract)
    now = clock.now(session, contract.world)
    as_of = now.astimezone(ZoneInfo(contract.zone)).date()
    days = payment_days(session, contract)
    found = aged(receivable_moves(session, contract), as_of=as_of, days=days)
    return {
        "as_of": as_of,
        "currency": contract.currency,
        "payment_days": days,
        "total_minor": found.total_minor,
        "unapplied_minor": found.unapplied_minor,
        "buckets": [{"overdue_days": end, "minor": minor} for end, minor in found.owed],
    }
