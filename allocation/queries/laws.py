"""The laws of allocation, checked on the database: sums, ceilings, seats, blocks."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_USED = (
    "SELECT node_id, sum(seats)::int AS seats FROM ("
    " SELECT l.node_id, l.quantity - cardinality(l.seat_nodes) AS seats"
    " FROM hold_line l JOIN hold h ON h.id = l.hold_id WHERE h.state = 'held'"
    " UNION ALL SELECT unnest(l.seat_nodes), 1 FROM hold_line l JOIN hold h"
    " ON h.id = l.hold_id WHERE h.state = 'held'"
    " UNION ALL SELECT coalesce(t.node_id, l.node_id), 1 FROM ticket t"
    " JOIN order_line l ON (l.order_id, l.no) = (t.order_id, t.line_no)"
    " WHERE t.cancelled_at IS NULL) used GROUP BY node_id"
)
_TREE_LAW = text(
    "SELECT n.id, n.performance_id, n.key, n.taken, coalesce(below.charges, 0)"  # noqa: S608 - our own words
    " + coalesce(own.seats, 0) + n.unmade AS counted FROM node n"
    " LEFT JOIN (SELECT payer, sum(charge) AS charges FROM ("
    "   SELECT path[1] AS payer, greatest(guarantee, taken) AS charge FROM node"
    "   UNION ALL SELECT pool_id, greatest(guarantee, taken) FROM node) paid"
    "   WHERE payer IS NOT NULL GROUP BY payer) below ON below.payer = n.id"
    f" LEFT JOIN ({_USED}) own ON own.node_id = n.id"
    " WHERE n.taken <> coalesce(below.charges, 0) + coalesce(own.seats, 0) + n.unmade"
    " LIMIT 20"
)
_OVERCOMMITMENT_LAW = text(
    "SELECT id, performance_id, taken, ceiling, overcommitted FROM node"
    " WHERE overcommitted <> greatest(0, taken - ceiling)"
    " OR (ceiling IS NULL AND overcommitted <> 0) LIMIT 20"
)
_CAPACITY_LAW = text(
    "SELECT pa.id AS performance_area_id, pa.capacity, n.ceiling"
    " FROM performance_area pa FULL JOIN (SELECT * FROM node WHERE level = 'area') n"
    " ON n.id = pa.id WHERE (pa.capacity, pa.performance_id) IS DISTINCT FROM"
    " (n.ceiling - n.overbooking, n.performance_id) LIMIT 20"
)
_SEAT_LAW = text(
    "SELECT coalesce(s.performance_id, u.performance_id) AS performance_id,"
    " coalesce(s.seat_id, u.seat_id) AS seat_id FROM seat_taken s FULL JOIN ("
    "   SELECT l.performance_id, unnest(l.seat_ids) AS seat_id, l.hold_id"
    "   FROM hold_line l JOIN hold h ON h.id = l.hold_id WHERE h.state = 'held'"
    "   UNION ALL SELECT t.performance_id, t.seat_id, o.hold_id FROM ticket t"
    "   JOIN sale_order o ON o.id = t.order_id"
    "   WHERE t.cancelled_at IS NULL AND t.seat_id IS NOT NULL"
    " ) u ON (u.performance_id, u.seat_id) = (s.performance_id, s.seat_id)"
    " AND u.hold_id = s.hold_id LEFT JOIN performance p ON p.id = s.performance_id"
    " WHERE s.seat_id IS NULL OR (u.seat_id IS NULL"
    " AND s.hold_id IS DISTINCT FROM p.source_id) LIMIT 20"
)
_BLOCK_LAW = text(
    "SELECT n.id, n.performance_id, n.guarantee, count(s.seat_id) AS seats FROM node n"
    " JOIN block b ON b.id = n.id JOIN performance_area pa"
    " ON pa.id = b.performance_area_id JOIN area a ON a.id = pa.area_id"
    " LEFT JOIN block_seat s ON s.block_id = n.id WHERE a.is_seated"
    " GROUP BY n.id HAVING (n.guarantee, n.ceiling)"
    " IS DISTINCT FROM (count(s.seat_id)::int, count(s.seat_id)::int) LIMIT 20"
)
_WORLD_LAW = text(
    "SELECT n.id, n.performance_id FROM node n JOIN performance p"
    " ON p.id = n.performance_id LEFT JOIN partner a ON a.id = n.agent_id"
    " LEFT JOIN tree t ON t.performance_id = n.performance_id"
    " WHERE n.world <> p.world OR a.world <> p.world"
    " OR (t.world, t.supplier_id) IS DISTINCT FROM (p.world, p.supplier_id) LIMIT 20"
)
_CAP_LAW = text(
    "SELECT c.id, c.kind, c.subject, c.taken, coalesce(used.seats, 0) AS counted"
    " FROM cap_count c LEFT JOIN (SELECT cap, sum(seats)::int AS seats FROM ("
    " SELECT unnest(l.caps) AS cap, l.quantity AS seats FROM hold_line l"
    " JOIN hold h ON h.id = l.hold_id WHERE h.state = 'held'"
    " UNION ALL SELECT unnest(l.held_caps), l.quantity FROM hold_line l"
    " JOIN hold h ON h.id = l.hold_id WHERE h.state = 'held'"
    " UNION ALL SELECT unnest(caps), quantity - cancelled FROM order_line) u"
    " GROUP BY cap) used ON used.cap = c.id"
    " WHERE c.taken <> coalesce(used.seats, 0) LIMIT 20"
)


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of allocation."""
    checks = {
        "every count equals its sum": _TREE_LAW,
        "over-commitment is what is above the ceiling": _OVERCOMMITMENT_LAW,
        "an area's node holds its capacity": _CAPACITY_LAW,
        "a seat is taken by one hold or ticket, and by one only": _SEAT_LAW,
        "a block promises its seats": _BLOCK_LAW,
        "a node is of its performance's world": _WORLD_LAW,
        "a cap counts what was taken under it": _CAP_LAW,
    }
    return [
        {"law": law} | {name: _plain(value) for name, value in row._mapping.items()}  # noqa: SLF001 - documented
        for law, query in checks.items()
        for row in session.execute(query)
    ]


def _plain(value: object) -> object:
    return value if isinstance(value, int | None) else str(value)
