"""Recalls: those that wait for their notice, and those that were carried out."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocation.models import Recall
from hub.catalogue.models import Performance
from hub.kernel.callers import Caller, Kind
from hub.kernel.errors import NotFoundError

MOST = 1_000


def list_recalls(
    session: Session, who: Caller, *, performance_id: UUID | None = None
) -> Sequence[Recall]:
    """Return recalls a caller may know of, newest first: an agent's or a supplier's."""
    wanted = select(Recall).where(Recall.world == who.world)
    if who.kind is Kind.AGENT:
        wanted = wanted.where(Recall.agent_id == who.partner)
    elif who.partner_id is not None:
        wanted = wanted.join(Performance, Performance.id == Recall.performance_id)
        wanted = wanted.where(Performance.supplier_id == who.partner_id)
    if performance_id is not None:
        wanted = wanted.where(Recall.performance_id == performance_id)
    return session.scalars(wanted.order_by(Recall.id.desc()).limit(MOST)).all()


def lock_recall(session: Session, who: Caller, recall_id: UUID) -> Recall:
    """Return a recall of a caller's performances, locked; NotFoundError for others."""
    wanted = (
        select(Recall)
        .join(Performance, Performance.id == Recall.performance_id)
        .where(Recall.id == recall_id, Recall.world == who.world)
        .with_for_update(of=Recall)
    )
    if who.partner_id is not None:
        wanted = wanted.where(Performance.supplier_id == who.partner_id)
    found = session.scalar(wanted)
    if found is None:
        raise NotFoundError(recall_id=recall_id)
    return found


def waiting(session: Session, performance_id: UUID, agent_id: UUID) -> list[Recall]:
    """Return what is to be taken back from an agent once its notice is over."""
    wanted = select(Recall).where(
        Recall.performance_id == performance_id,
        Recall.agent_id == agent_id,
        Recall.done_at.is_(None),
    )
    return list(session.scalars(wanted.order_by(Recall.effective_at)))
