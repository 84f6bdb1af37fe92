"""What is read of sandboxes. Nothing here writes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.sandbox.errors import NoSandboxError
from hub.sandbox.models import Sandbox, SandboxSeen

# Notices are acknowledged, or the same is pushed: both tell an agent.
_FACTS = text(
    "WITH agent AS (SELECT CAST(:agent AS uuid) AS id),"
    " hold AS (SELECT h.state FROM hold h JOIN agent a ON a.id = h.agent_id"
    "  WHERE h.kind <> 'report'),"
    " sold AS (SELECT o.id, count(*) AS tickets, count(t.cancelled_at) AS gone"
    "  FROM sale_order o JOIN agent a ON a.id = o.agent_id"
    "  JOIN ticket t ON t.order_id = o.id GROUP BY o.id),"
    " parts AS (SELECT DISTINCT t.order_id FROM ticket t JOIN sold ON sold.id ="
    "  t.order_id WHERE sold.gone > 0 GROUP BY t.order_id, sold.tickets"
    "  HAVING count(DISTINCT t.cancelled_at) > 1 OR max(sold.gone) < sold.tickets),"
    " live AS (SELECT s.state, (SELECT max(r.asked) FROM supplier_order p"
    "  JOIN rehearsal_order r ON r.key = replace(p.id::text, '-', '')"
    "  WHERE p.hold_id = s.hold_id) AS asked FROM supplied_sale s"
    "  JOIN agent a ON a.id = s.agent_id)"
    " SELECT (SELECT count(*) FROM hold) AS held,"
    " (SELECT count(*) FROM hold WHERE state = 'released') AS released,"
    " (SELECT count(*) FROM sold) AS sold,"
    " (SELECT count(*) FROM live WHERE state = 'confirmed' AND asked > 0)"
    "  AS once_unknown,"
    " (SELECT count(*) FROM live WHERE state = 'rejected') AS taken_back,"
    " (SELECT count(*) FROM parts) AS cancelled_in_part,"
    " (SELECT count(*) FROM sold WHERE gone = tickets) AS cancelled,"
    " (SELECT count(*) FROM notice n JOIN agent a ON a.id = n.agent_id"
    "  JOIN disruption x ON x.seq = n.disruption_seq AND x.kind = 'cancelled'"
    "  WHERE n.acknowledged_at IS NOT NULL)"
    " + (SELECT count(*) FROM webhook_delivery d JOIN webhook_endpoint e"
    "  ON e.id = d.endpoint_id JOIN agent a ON a.id = e.agent_id WHERE"
    "  d.state = 'delivered' AND (d.kind = 'notice' OR d.kind = 'performance' AND"
    "  EXISTS (SELECT FROM performance p WHERE p.id = d.entity_id"
    "   AND p.status = 'cancelled'))) AS told"
)
_SHOWS = text(
    "SELECT p.id, p.starts_at, s.ref, p.ref AS performance, p.version, p.status,"
    " (SELECT max(o.face_minor) FROM offer o JOIN performance_area pa"
    "  ON pa.id = o.performance_area_id JOIN area a ON a.id = pa.area_id"
    "  WHERE pa.performance_id = p.id AND a.ref = 'floor' AND NOT o.is_withdrawn)"
    " AS face_minor"
    " FROM performance p JOIN production s ON s.id = p.production_id"
    " WHERE p.world = :world AND p.withdrawn_at IS NULL ORDER BY p.starts_at, p.id"
)


def own_sandbox(session: Session, who: Caller) -> Sandbox:
    """Return the sandbox whose partner asks; NoSandboxError for anybody else."""
    found = session.get(Sandbox, who.world)
    if found is None or found.partner_id != who.partner_id:
        raise NoSandboxError(world=who.world)
    return found


def partner_of(session: Session, world: str) -> UUID | None:
    """Return whose sandbox a world is, in it; None if it is none."""
    return session.scalar(select(Sandbox.partner_id).where(Sandbox.world == world))


def seen(session: Session, world: str) -> dict[str, SandboxSeen]:
    """Return what was seen of a sandbox's partner."""
    wanted = select(SandboxSeen).where(SandboxSeen.world == world)
    return {one.what: one for one in session.scalars(wanted)}


def facts(session: Session, sandbox: Sandbox) -> dict[str, int]:
    """Return how often a sandbox's partner did what leaves rows."""
    found = session.execute(_FACTS, {"agent": sandbox.partner_id})
    return dict(found.mappings().one())


def shows(session: Session, world: str) -> Sequence[Row[Any]]:
    """Return the performances of a sandbox with their productions' references."""
    return session.execute(_SHOWS, {"world": world}).all()
