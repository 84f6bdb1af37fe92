"""Looking at what a supplier has left, now: its word beside our tree's."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.ports import Available
from connectors.services.guarding import Suppliers
from connectors.services.reading import write_look
from connectors.services.seats import note_gone
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.sales.queries.supplied import ref_of
from hub.sales.services.halls import halls
from hub.sales.services.supplied.asking import Outcome, ask

_AGE = text(
    "SELECT p.source_id, extract(epoch FROM clock_timestamp()"
    " - CASE WHEN s.as_of IS NOT NULL THEN greatest(s.as_of, o.read_at) END) AS age_s"
    " FROM performance p JOIN source o ON o.id = p.source_id"
    " LEFT JOIN supply s ON s.performance_id = p.id"
    " WHERE p.id = :performance AND p.world = :world"
)


def look(suppliers: Suppliers, source_id: UUID, performance_id: UUID) -> bool:
    """Ask a supplier what is left of a performance and note it; say if it answered."""
    with transaction() as session:
        ref, at = ref_of(session, performance_id), clock.real(session)

    def available(port: Any) -> Available:
        found: Available = port.availability(ref)
        return found

    outcome: Outcome[Available] = ask(suppliers, source_id, "availability", available)
    if outcome.answer is None:
        return False
    with transaction() as session:
        _note(session, source_id, performance_id, outcome.answer, at)
    halls.forget([performance_id])
    return True


def look_if_stale(
    suppliers: Suppliers, world: str, performance_id: UUID, staleness_s: int
) -> None:
    """Ask a performance's supplier if what it said is older than a caller allows.

    If it does not answer, what it said before is told, as of when it said so.
    """
    where = {"performance": performance_id, "world": world}
    with transaction() as session:
        row = session.execute(_AGE, where).one_or_none()
    if row is None or (row.age_s is not None and row.age_s <= staleness_s):
        return
    look(suppliers, row.source_id, performance_id)


def _note(
    session: Session,
    source_id: UUID,
    performance_id: UUID,
    found: Available,
    at: datetime,
) -> None:
    is_newer = write_look(session, performance_id, found, at)
    if is_newer and found.gone is not None:
        note_gone(session, source_id, performance_id, found.gone)
