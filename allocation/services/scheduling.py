"""Plans that come into force at a moment: noted, called off, published when due."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from allocation.errors import PlanStateError
from allocation.models import Plan, PlanSchedule
from allocation.services.plans import publish_plan
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import HubError, InvalidRequestError
from hub.kernel.ids import new_id

CHUNK = 20
PUBLISHED, CALLED_OFF = "published", "called off"
_DUE = text(
    "SELECT s.id FROM plan_schedule s JOIN world w ON w.name = s.world"
    " WHERE s.done_at IS NULL"
    " AND s.effective_at <= clock_timestamp() + w.clock_offset"
    " ORDER BY s.effective_at, s.id LIMIT :most FOR UPDATE OF s SKIP LOCKED"
)
_log = structlog.get_logger(__name__)


def schedule_plan(
    session: Session, who: Caller, plan: Plan, effective_at: datetime
) -> PlanSchedule:
    """Note that a version comes into force at a moment; it is checked again then.

    PlanStateError if it waits for one already.
    """
    now = clock.now(session, plan.world)
    if effective_at <= now:
        reason = "lies in the past: leave it out to publish now"
        raise InvalidRequestError(field="effective_at", reason=reason)
    if _waiting(session, plan.id) is not None:
        raise PlanStateError(plan_id=plan.id, reason="it is scheduled already")
    found = PlanSchedule(
        id=new_id(),
        world=plan.world,
        supplier_id=plan.supplier_id,
        plan_id=plan.id,
        effective_at=effective_at,
        made_at=now,
        made_by=who.credential_id,
    )
    session.add(found)
    return found


def call_off(session: Session, plan: Plan) -> PlanSchedule:
    """Let a version not come into force; PlanStateError unless it waits for that."""
    found = _waiting(session, plan.id)
    if found is None:
        raise PlanStateError(plan_id=plan.id, reason="it is not scheduled")
    found.done_at, found.outcome = clock.now(session, plan.world), CALLED_OFF
    return found


def _waiting(session: Session, plan_id: UUID) -> PlanSchedule | None:
    wanted = select(PlanSchedule).where(
        PlanSchedule.plan_id == plan_id, PlanSchedule.done_at.is_(None)
    )
    return session.scalar(wanted.with_for_update())


def publish_due(session: Session) -> int:
    """Publish plans whose moment has come; return how many those are.

    One that cannot be kept is told and not tried again.
    """
    due = list(session.scalars(_DUE, {"most": CHUNK}))
    for schedule_id in due:
        found = session.get_one(PlanSchedule, schedule_id)
        plan = session.get_one(Plan, found.plan_id)
        try:
            with session.begin_nested():
                publish_plan(session, found.made_by, plan)
            outcome = PUBLISHED
        except HubError as refused:
            outcome = f"refused: {refused}"
            _log.error("plan_not_published", plan_id=str(plan.id), why=str(refused))
        found.done_at, found.outcome = clock.now(session, found.world), outcome
    return len(due)
