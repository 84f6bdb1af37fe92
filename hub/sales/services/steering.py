"""Stepping in: holds taken back by a hard stop or a forced recall."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import NotAllottedError
from allocation.models import Node, Recall, Stop
from allocation.queries.plans import grounds
from allocation.services.moves import (
    carry_out,
    due_recalls,
    left_of_promise,
    standing_of,
    unsold_promise,
)
from hub.kernel import clock
from hub.sales.rules import HoldState
from hub.sales.services.lapse import end_holds
from partners.models import Partner

CHUNK = 200
_HARD = text(
    "SELECT s.id FROM stop s WHERE s.lifted_at IS NULL AND s.is_hard ORDER BY s.id"
)
_STOPPED = text(
    "SELECT h.id FROM hold h JOIN stop s ON s.id = :stop AND s.lifted_at IS NULL"
    " JOIN partner a ON a.id = h.agent_id WHERE h.state = 'held' AND NOT h.is_frozen"
    " AND h.world = s.world"
    " AND coalesce(s.agent_id, a.id) IN (a.id, a.parent_id) AND h.kind <> 'report'"
    " AND a.channel = coalesce(s.channel, a.channel)"
    " AND EXISTS (SELECT FROM hold_line l JOIN offer o ON o.id = l.offer_id"
    " JOIN performance_area pa ON pa.id = o.performance_area_id"
    " JOIN area r ON r.id = pa.area_id JOIN performance p ON p.id = l.performance_id"
    " JOIN auditorium u ON u.id = p.auditorium_id JOIN venue v ON v.id = u.venue_id"
    " JOIN production w ON w.id = p.production_id"
    " WHERE l.hold_id = h.id AND p.supplier_id = s.supplier_id"
    " AND p.id = coalesce(s.performance_id, p.id)"
    " AND p.production_id = coalesce(s.production_id, p.production_id)"
    " AND w.genre = coalesce(s.genre, w.genre)"
    " AND u.ref = coalesce(s.auditorium, u.ref) AND v.ref = coalesce(s.venue, v.ref)"
    " AND r.ref = coalesce(s.area, r.ref)"
    " AND o.price_type = coalesce(s.price_type, o.price_type))"
    " ORDER BY h.id LIMIT :most FOR UPDATE OF h SKIP LOCKED"
)
# Seats of a block were never promised by the allotment: its holds free nothing there.
_HELD_AT = text(
    "SELECT h.id, sum(CASE WHEN l.seat_nodes = '{}' THEN l.quantity ELSE"
    " cardinality(array_positions(l.seat_nodes, l.node_id)) END)::int AS seats"
    " FROM hold h JOIN hold_line l"
    " ON l.hold_id = h.id WHERE h.state = 'held' AND NOT h.is_frozen"
    " AND l.node_id IN (SELECT id FROM node"
    " WHERE id = :leaf OR (path[1] = :leaf AND level = 'sub-agent'))"
    " GROUP BY h.id, h.expires_at ORDER BY h.expires_at, h.id"
)
_LOCK = text(
    "SELECT id FROM hold WHERE id = ANY(:ids) AND state = 'held' AND NOT is_frozen"
    " ORDER BY id FOR UPDATE"
)
_WORLDS = text("SELECT name, clock_timestamp() + clock_offset AS now FROM world")


def void_stopped(session: Session, stop_id: UUID) -> int:
    """Take back some holds that a hard stop covers; return how many, 0 when done."""
    found = session.scalars(_STOPPED, {"stop": stop_id, "most": CHUNK}).all()
    stop = session.get_one(Stop, stop_id)
    end_holds(session, found, HoldState.VOIDED, f"stopped: {stop.reason}")
    return len(found)


def void_all_stopped(session: Session) -> int:
    """Take back what hard stops cover and nobody has taken back yet."""
    return sum(void_stopped(session, found) for found in session.scalars(_HARD).all())


def force(session: Session, recall: Recall) -> int:
    """Take holds back for a forced recall; return the seats of promise that are free.

    The first to lapse first; never sales.

    As many as have to go for the promise to be given up, and none if none would do:
    what is sold of a promise cannot be recalled.
    """
    ground = grounds(session, [recall.performance_id])[recall.performance_id]
    agent = session.get_one(Partner, recall.agent_id)
    standing = standing_of(session, ground, recall.area, agent)
    leaf = session.get_one(Node, standing.leaf, populate_existing=True)
    held_at = [row for row in session.execute(_HELD_AT, {"leaf": leaf.id}) if row.seats]
    left = left_of_promise(session, leaf)
    most = min(recall.seats, leaf.guarantee, left + sum(row.seats for row in held_at))
    needed, chosen = most - left, list[UUID]()
    for row in held_at if most > 0 else ():
        if needed <= 0:
            break
        chosen.append(row.id)
        needed -= row.seats
    held = session.scalars(_LOCK, {"ids": chosen}).all()
    end_holds(session, held, HoldState.VOIDED, f"recalled: {recall.reason}")
    session.refresh(leaf)
    return unsold_promise(session, leaf) if held else 0


def carry_out_recall(session: Session, recall: Recall) -> int:
    """Carry a recall out now; return how many seats it took."""
    now = clock.now(session, recall.world)
    try:
        freed = force(session, recall) if recall.is_forced else 0
        return carry_out(session, recall, now, freed=freed)
    except NotAllottedError:  # a plan has given it nothing since: it has all back
        recall.taken, recall.done_at = 0, now
        return 0


def carry_out_due(session: Session) -> int:
    """Carry out some recalls whose notice is over; return how many."""
    now = {row.name: row.now for row in session.execute(_WORLDS)}
    due = due_recalls(session, world_now=now)
    for recall in due:
        carry_out_recall(session, recall)
    return len(due)
