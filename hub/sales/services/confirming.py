"""Confirms of a batch: holds become orders, each decided in turn on what is locked.

A buyer who has paid is not refused for credit: what was reserved becomes exposure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from allocation.rules.limits import Buyable, StopSaid, refuse_stopped
from hub.catalogue.errors import PerformanceCancelledError
from hub.kernel.errors import NotFoundError
from hub.kernel.idempotency import Reply
from hub.kernel.ids import new_id
from hub.sales.errors import ReferenceTakenError
from hub.sales.queries.frozen import hot_quotes
from hub.sales.rules import OrderState, new_code, refuse_if_changed, refuse_unless_held
from hub.sales.services.counting import Counts
from hub.sales.services.locked import HoldRow, Locked
from hub.sales.services.ordering import (
    CREATED,
    ConfirmWish,
    HeldLine,
    Made,
    Ticket,
)
from hub.sales.services.telling import hold_line
from hub.sales.services.wishes import REPORT


@dataclass(slots=True)
class ConfirmBatch:
    """What is locked for some wishes to confirm, and what has been decided so far."""

    counts: Counts
    holds: dict[UUID, HoldRow]
    lines: dict[UUID, list[HeldLine]]
    status: dict[UUID, str]
    stops: list[StopSaid]
    references: set[tuple[UUID, str]]
    seats: dict[UUID, dict[str, Any]]
    confirmed: set[UUID] = field(default_factory=set)
    made: list[Made] = field(default_factory=list)


def confirm_batch(
    connection: "psycopg.Connection[Any]", found: Locked, counts: Counts
) -> ConfirmBatch:
    """Return what is locked for wishes to confirm, with the quotes of their holds."""
    rows = found.lines or ()
    quotes = hot_quotes(connection, {row.quote_id for row in rows})
    lines: dict[UUID, list[HeldLine]] = {}
    for row in rows:
        lines.setdefault(row.hold_id, []).append(HeldLine(row, quotes[row.quote_id]))
    seats = found.seats or ()
    return ConfirmBatch(
        counts=counts,
        holds={row.id: row for row in found.holds or ()},
        lines=lines,
        status=found.status or {},
        stops=found.found_stops(),
        references=set(found.references or ()),
        seats={i: {"id": str(i), "row": row, "number": no} for i, row, no in seats},
    )


def confirm(batch: ConfirmBatch, wish: ConfirmWish) -> Reply:
    """Make one hold an order: its reply; a HubError if it is refused."""
    hold, now = batch.holds.get(wish.hold_id), batch.counts.now[wish.world]
    if hold is None or (hold.world, hold.agent_id) != (wish.world, wish.agent_id):
        raise NotFoundError(hold_id=wish.hold_id)
    state = "confirmed" if hold.id in batch.confirmed else hold.state
    refuse_unless_held(state, is_past=hold.expires_at <= now, hold_id=hold.id)
    refuse_if_changed(hold.version, wish.hold_version)
    lines = batch.lines[hold.id]
    if hold.kind != REPORT:  # what was sold elsewhere is a fact
        for line in lines:
            _refuse_closed(batch, hold, line)
    reference = (wish.agent_id, wish.reference)
    if reference in batch.references:
        raise ReferenceTakenError(reference=wish.reference)
    batch.references.add(reference)
    batch.confirmed.add(hold.id)
    made = _made(batch, wish, lines, now)
    batch.made.append(made)
    for line in lines:
        _count(batch.counts, line)
    return made.reply


def _count(counts: Counts, line: HeldLine) -> None:
    """Count a line out of what counts only while it is held, and into what is owed."""
    for cap in line.row.held_caps:
        counts.caps[cap] -= line.row.quantity
    frozen = line.frozen
    counts.expose(
        frozen.quote.agent_contract_id,
        owed=frozen.owed_minor,
        reserved=line.row.owed_minor,
    )


def _refuse_closed(batch: ConfirmBatch, hold: HoldRow, line: HeldLine) -> None:
    performance_id = line.row.performance_id
    if batch.status[performance_id] == "cancelled":
        raise PerformanceCancelledError(performance_id=performance_id)
    if batch.stops:
        stops, supplier = batch.stops, line.row.supplier_id
        refuse_stopped(stops, supplier, _buyable(line, hold), only_hard=True)


def _made(
    batch: ConfirmBatch, wish: ConfirmWish, lines: Sequence[HeldLine], now: datetime
) -> Made:
    order_id = new_id()
    tickets = [
        Ticket(new_id(), line, new_code(), seat, node)
        for line in lines
        for seat, node in _places(line)
    ]
    body = {
        "id": str(order_id),
        "hold_id": str(wish.hold_id),
        "reference": wish.reference,
        "state": str(OrderState.CONFIRMED),
        "version": 1,
        "confirmed_at": now.isoformat(),
        "lines": [_told(batch, line) for line in lines],
        "tickets": [
            {
                "id": str(ticket.id),
                "line_no": ticket.line.row.no,
                "code": ticket.code,
                "seat": batch.seats[ticket.seat_id] if ticket.seat_id else None,
                "cancelled_at": None,
            }
            for ticket in sorted(tickets, key=lambda ticket: ticket.id)
        ],
    }
    reply = Reply.of(CREATED, body)
    return Made(wish, order_id, now, lines, tickets, reply)


def _places(line: HeldLine) -> list[tuple[UUID | None, UUID | None]]:
    """Return the seat of each ticket, and who paid for it if not the line's node."""
    row = line.row
    if not row.seat_ids:
        return [(None, None)] * int(row.quantity)
    nodes = row.seat_nodes or [row.node_id] * len(row.seat_ids)
    found = zip(row.seat_ids, nodes, strict=True)
    return [(seat, None if node == row.node_id else node) for seat, node in found]


def _buyable(line: HeldLine, hold: HoldRow) -> Buyable:
    row = line.row
    return Buyable(
        *(row.performance_id, row.production_id, row.area, row.price_type),
        *(line.frozen.quote.place.channel, "", hold.agent_id, hold.holder_id),
        *(row.venue, row.auditorium, row.genre),
    )


def _told(batch: ConfirmBatch, line: HeldLine) -> dict[str, Any]:
    row = line.row
    seats = [batch.seats[seat] for seat in row.seat_ids]
    said = hold_line(row.no, row, row.quantity, seats, line.frozen.told)
    return {**said, "cancelled": 0}
