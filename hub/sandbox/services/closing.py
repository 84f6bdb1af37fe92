"""A sandbox's month, closed by its own staff: drafted, reviewed, approved, closed."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.sandbox.errors import ClosingRunningError
from hub.sandbox.models import Sandbox
from hub.sandbox.rules import months
from partners.models import Credential
from partners.queries import caller_of
from settlement.queries.statements import of_period
from settlement.rules.statements import SETTLED
from settlement.services import statements
from settlement.services.drafting import draft_period
from settlement.services.fencing import fence

A_DAY = timedelta(days=1)
_BEGIN = text(
    "UPDATE sandbox SET closing_until = clock_timestamp() + interval '10 minutes'"
    " WHERE world = :world AND (closing_until IS NULL"
    " OR closing_until < clock_timestamp()) RETURNING world"
)
_END = text("UPDATE sandbox SET closing_until = NULL WHERE world = :world")


def begin_closing(session: Session, sandbox: Sandbox) -> None:
    """Take a sandbox's closing on; ClosingRunningError if somebody has."""
    if session.scalar(_BEGIN, {"world": sandbox.world}) is None:
        raise ClosingRunningError(world=sandbox.world)


def end_closing(session: Session, sandbox: Sandbox) -> None:
    """Let others close."""
    session.execute(_END, {"world": sandbox.world})


def close_month(sandbox: Sandbox, period: str) -> dict[str, Any]:
    """Close a month of a sandbox, and those before it; return its partner's statements.

    What is closed already stays as it is. PeriodOpenError while the month is not over.
    """
    with transaction() as session:
        reviewer, approver = (
            caller_of(session.get_one(Credential, one))
            for one in (sandbox.reviewer_id, sandbox.approver_id)
        )
    first = (sandbox.season_from - A_DAY).strftime("%Y-%m")  # in whatever zone
    wanted = list(months(first, period))
    if wanted:
        draft_period(transaction, reviewer, period)  # refused while it is not over
    for month in wanted:
        _close(sandbox.world, month, reviewer, approver)
    with transaction() as session:
        found = of_period(session, world=sandbox.world, period=period)
        own = [one for one in found if one.partner_id == sandbox.partner_id]
        statements_told = [
            {"id": one.id, "state": one.state, "currency": one.currency} for one in own
        ]
    return {"period": period, "statements": statements_told}


def _close(world: str, period: str, reviewer: Caller, approver: Caller) -> None:
    """Draft, review, approve and close a month, unless it is closed."""
    where = {"world": world, "period": period}
    with transaction() as session:
        before = of_period(session, **where)
        if before and all(one.state in SETTLED for one in before):
            return
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
