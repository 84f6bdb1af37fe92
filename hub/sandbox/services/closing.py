"""A sandbox's month, closed by its own staff: drafted, reviewed, approved, closed."""

from typing import Any

from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.sandbox.models import Sandbox
from hub.sandbox.rules import months
from hub.sandbox.services.opening import caller_of
from partners.models import Credential
from settlement.queries.statements import of_period
from settlement.services import statements
from settlement.services.drafting import draft_period
from settlement.services.fencing import fence


def close_month(sandbox: Sandbox, period: str) -> dict[str, Any]:
    """Close a month of a sandbox, and those before it; return its partner's statements.

    What is closed already stays as it is. PeriodOpenError while the month is not over.
    """
    with transaction() as session:
        reviewer, approver = (
            caller_of(session.get_one(Credential, one))
            for one in (sandbox.reviewer_id, sandbox.approver_id)
        )
    draft_period(transaction, reviewer, period)  # refused while it is not over
    for month in months(sandbox.season_from.strftime("%Y-%m"), period):
        _close(sandbox.world, month, reviewer, approver)
    with transaction() as session:
        found = of_period(session, world=sandbox.world, period=period)
        own = [one for one in found if one.partner_id == sandbox.partner_id]
        statements_told = [
            {"id": one.id, "state": one.state, "currency": one.currency} for one in own
        ]
    return {"period": period, "statements": statements_told}


def _close(world: str, period: str, reviewer: Caller, approver: Caller) -> None:
    """Draft, review, approve and close a month."""
    where = {"world": world, "period": period}
    draft_period(transaction, reviewer, period)
    with transaction() as session:
        for one in of_period(session, **where):
            if one.state == "draft":
                digest = one.lines_digest.hex()
                statements.review(session, reviewer, one.id, lines_sha256=digest)
    with transaction() as session:
        for one in of_period(session, **where):
            if one.state == "reviewed":
                statements.approve(session, approver, one.id)
    watermark = fence(transaction)
    with transaction() as session:
        for one in of_period(session, **where):
            if one.state == "approved":
                statements.close(session, approver, one.id, watermark=watermark)
