"""A part that a worker has taken: what it is told is written if it is still its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.orm import Session

from connectors.ports import Capabilities, OrderWanted, Sold
from connectors.services.guarding import Suppliers
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.kernel.metrics import SUPPLIER_CASES
from hub.sales.models import SupplierOrder
from hub.sales.queries import supplied as queries
from hub.sales.rules.supplied import CASE_AFTER_S, PartState, backoff_s
from hub.sales.services.supplied.asking import Outcome, ask

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A part that was taken: what was asked, where it stands, and its fence."""

    suppliers: Suppliers
    part_id: UUID
    source_id: UUID
    hold_id: UUID
    state: str
    fence: int
    order: OrderWanted
    sold: Sold | None
    pace: float

    @property
    def can(self) -> Capabilities:
        """What the supplier of the part can do."""
        return self.suppliers.capabilities(self.source_id)

    @property
    def is_nameless(self) -> bool:
        """Whether it was locked under a key that the supplier chose and never told.

        Nobody but time can let such a lock go.
        """
        return (
            self.can.release
            and not self.can.own_order_key
            and self.order.theirs is None
            and self.sold is None
        )

    def ask(self, what: str, work: Callable[[Any], Any]) -> Outcome[Any]:
        """Ask the supplier of the part."""
        return ask(self.suppliers, self.source_id, what, work)


def task_of(suppliers: Suppliers, part: SupplierOrder, pace: float) -> Task:
    """Return the task of a part that was taken; *pace* stretches its waits."""
    sold = None if part.sold is None else msgspec.convert(part.sold, Sold)
    order = (
        queries.order_wanted(part)
        if part.wanted
        else OrderWanted(part.id.hex, "", (), 0)
    )
    return Task(
        *(suppliers, part.id, part.source_id, part.hold_id, part.state, part.fence),
        *(order, sold, pace),
    )


def again(task: Task, outcome: Outcome[Any]) -> None:
    """Ask again later; after a while a person is to look at it, too."""
    with transaction() as session:
        part = own(session, task)
        if part is None:
            return
        now = clock.real(session)
        _demote(part)
        part.said = outcome.said
        part.next_at = now + timedelta(seconds=backoff_s(part.attempts, task.pace))
        since = part.sent_at or part.created_at
        if part.case_since is None and now - since > timedelta(seconds=CASE_AFTER_S):
            part.case_since = now
            _alarm(part)


def _demote(part: SupplierOrder) -> None:
    """Say of a part that it is not known any more how it stands."""
    if part.state == PartState.SELLING:
        part.state = PartState.UNKNOWN
    elif part.state in {PartState.LOCKING, PartState.LOCKED}:
        part.state = PartState.UNDOING


def raise_case(task: Task, outcome: Outcome[Any]) -> None:
    """Have a person look: asking the supplier again brings nothing."""
    with transaction() as session:
        part = own(session, task)
        if part is None:
            return
        now = clock.real(session)
        _demote(part)
        why = f"{outcome.reason}: {outcome.said}"
        if part.case_since is None and part.said:
            why = f"{part.said}; {why}"  # what came back is all there is to go by
        if part.case_since is None:
            part.said = why[:300]
        part.next_at = now + timedelta(seconds=backoff_s(99, task.pace))
        if part.case_since is None:
            part.case_since = now
            _alarm(part)


def _alarm(part: SupplierOrder) -> None:
    SUPPLIER_CASES.inc()
    log.error(
        "a sale needs a person",
        part=str(part.id),
        state=part.state,
        said=part.said,
        hold=str(part.hold_id),
    )


def own(session: Session, task: Task) -> SupplierOrder | None:
    """Return a part, locked, unless somebody else has taken it since."""
    part = session.get_one(
        SupplierOrder, task.part_id, with_for_update=True, populate_existing=True
    )
    return part if part.fence == task.fence else None
