"""A sandbox's month, closed by its own staff: drafted, reviewed, approved, closed."""

from typing import Any

from hub.kernel.db import transaction
from hub.sandbox.models import Sandbox
from hub.sandbox.services.opening import caller_of
from partners.models import Credential
from settlement.queries.statements import of_period
from settlement.services import statements
from settlement.services.drafting import draft_period
from settlement.services.fencing import fence


def close_month(sandbox: Sandbox, period: str) -> dict[str, Any]:
    """Close a month of a sandbox; return its partner's statements of it.

    What is closed already stays as it is. PeriodOpenError while the month is not over.
    """
    with transaction() as session:
        reviewer, approver = (
            caller_of(session.get_one(Credential, one))
            for one in (sandbox.reviewer_id, sandbox.approver_id)
        )
    where = {"world": sandbox.world, "period": period}
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
        own = [one for one in of_period(session, **where) if _is_own(one, sandbox)]
        return {
            "period": period,
            "statements": [
                {"id": one.id, "state": one.state, "currency": one.currency}
                for one in own
            ],
        }


def _is_own(statement: Any, sandbox: Sandbox) -> bool:
    found: bool = statement.partner_id == sandbox.partner_id
    return found
