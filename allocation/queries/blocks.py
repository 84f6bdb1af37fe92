"""Blocks of seats as they are listed, and the seat maps of a performance."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.plans import Ground
from allocation.rules.seat_plan import PlannedSeat, SeatPlan, compiled
from hub.catalogue.queries import SeatMap, seat_map

_BLOCKS = text(
    "SELECT b.id, r.ref AS area, b.kind, a.ref AS agent, n.guarantee AS seats, n.taken,"
    " b.reason, ARRAY(SELECT seat_id FROM block_seat s WHERE s.block_id = b.id"
    " ORDER BY seat_id) AS seat_ids FROM block b JOIN node n ON n.id = b.id"
    " JOIN performance_area pa ON pa.id = b.performance_area_id"
    " JOIN area r ON r.id = pa.area_id LEFT JOIN partner a ON a.id = b.agent_id"
    " WHERE b.performance_id = :performance ORDER BY b.id"
)
_MAPS = text(
    "SELECT a.ref, a.id, r.version FROM performance_area pa JOIN area a"
    " ON a.id = pa.area_id JOIN auditorium r ON r.id = a.auditorium_id"
    " WHERE pa.performance_id = :performance AND a.is_seated"
)

_OWN = text(
    "SELECT performance_area_id, sum(guarantee - taken)::int AS seats FROM node"
    " WHERE performance_id = :performance AND level = 'block' AND agent_id = :agent"
    " GROUP BY 1"
)


def own_block_seats(
    session: Session, performance_id: UUID, agent_id: UUID
) -> dict[UUID, int]:
    """Return the seats an agent has left in blocks of its own, by performance area."""
    where = {"performance": performance_id, "agent": agent_id}
    return {r.performance_area_id: r.seats for r in session.execute(_OWN, where)}


def list_blocks(session: Session, performance_id: UUID) -> list[dict[str, Any]]:
    """Return the blocks of a performance, oldest first."""
    rows = session.execute(_BLOCKS, {"performance": performance_id})
    return [dict(row) for row in rows.mappings()]


def find_seat_maps(session: Session, ground: Ground) -> dict[str, SeatMap]:
    """Return the seat maps of a performance, by area."""
    rows = session.execute(_MAPS, {"performance": ground.id}).all()
    return {row.ref: seat_map(session, row.id, row.version) for row in rows}


def compiled_map(seat_map: SeatMap) -> SeatPlan:
    """Compile a seat map."""
    return compiled(
        [
            [
                PlannedSeat(
                    seat,
                    seat_map.seats[seat]["kind"],
                    seat_map.seats[seat]["pair"],
                    seat_map.seats[seat]["is_before_aisle"],
                )
                for seat in row
            ]
            for row in seat_map.rows
        ]
    )
