"""The steps of the committer for confirming: holds become orders, many at once.

A buyer who has paid is not refused for credit: what was reserved becomes exposure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from allocation.queries import limits as limit_queries
from allocation.queries import locks
from allocation.rules.limits import Buyable, StopSaid, refuse_stopped
from hub.catalogue.errors import PerformanceCancelledError
from hub.kernel import clock, idempotency
from hub.kernel.committer import Committer, Steps, TryAgainError
from hub.kernel.db import hot_transaction
from hub.kernel.errors import HubError, NotFoundError
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.kernel.ids import new_id
from hub.kernel.pipeline import pipelined, send
from hub.sales.errors import PerformanceBusyError, ReferenceTakenError
from hub.sales.queries.frozen import frozen_quotes
from hub.sales.rules import OrderState, new_code, priced, refuse_unless_held
from hub.sales.services.ordering import (
    CREATED,
    ConfirmWish,
    HeldLine,
    Made,
    Ticket,
    store_orders,
)
from hub.sales.services.telling import hold_line
from hub.sales.services.views import seat_names
from hub.sales.services.wishes import REPORT

_LINES = text(
    "SELECT l.hold_id, l.no, l.performance_id, l.node_id, l.offer_id, l.quantity,"
    " l.seat_ids, l.seat_nodes, l.held_caps, l.quote_id, l.owed_minor,"
    " o.price_type, a.ref AS area, p.supplier_id, p.production_id,"
    " h.version AS hold_version FROM hold_line l JOIN hold h ON h.id = l.hold_id"
    " JOIN offer o ON o.id = l.offer_id"
    " JOIN performance_area pa ON pa.id = o.performance_area_id"
    " JOIN performance p ON p.id = l.performance_id"
    " JOIN area a ON a.id = pa.area_id WHERE l.hold_id = ANY(:ids)"
    " ORDER BY l.hold_id, l.no"
)
_HOLDS = text(
    "SELECT h.id, h.world, h.agent_id, h.state, h.expires_at, h.version, h.kind,"
    " coalesce(a.parent_id, a.id) AS holder_id FROM hold h"
    " JOIN partner a ON a.id = h.agent_id WHERE h.id = ANY(:ids)"
    " ORDER BY h.id FOR NO KEY UPDATE OF h"
)
_TAKEN = text(
    "SELECT o.agent_id, o.reference FROM sale_order o JOIN unnest("
    " CAST(:agents AS uuid[]), CAST(:references AS text[])) AS w(agent, reference)"
    " ON (o.agent_id, o.reference) = (w.agent, w.reference)"
)
_STATUS = text("SELECT id, status FROM performance WHERE id = ANY(:ids)")


@dataclass(slots=True)
class ConfirmBatch:
    """What is locked for some wishes, and what has been decided so far."""

    busy: set[UUID]
    earlier: dict[Key, Earlier]
    first: dict[Key, ConfirmWish]
    holds: dict[UUID, Row[Any]]
    lines: dict[UUID, list[HeldLine]]
    status: dict[UUID, str]
    stops: list[StopSaid]
    references: set[tuple[UUID, str]]
    seats: dict[UUID, dict[str, Any]]
    now: dict[str, datetime]
    answers: dict[Key, Reply | HubError] = field(default_factory=dict)
    confirmed: set[UUID] = field(default_factory=set)
    made: list[Made] = field(default_factory=list)


def lock(session: Session, wishes: Sequence[ConfirmWish]) -> ConfirmBatch:
    """Lock what the wishes touch: performances and holds; then read keys and clock.

    A performance that is being changed is not waited for: its wishes are sent back.
    Whoever confirms the same hold under the same key waits for its lock, and then
    finds the reply; keys are claimed together with their replies.
    """
    lines = _lines(session, {wish.hold_id for wish in wishes})
    performances = {line.row.performance_id for own in lines.values() for line in own}
    suppliers = {line.row.supplier_id for own in lines.values() for line in own}
    busy = locks.share_performances(session, performances | suppliers)
    first: dict[Key, ConfirmWish] = {}
    for wish in wishes:
        if not busy & _performances(lines, wish):
            first.setdefault(wish.claim.key, wish)
    asked = list(first.values())
    own = [line for wish in asked for line in lines.get(wish.hold_id, ())]
    with pipelined(session):
        held = send(session, _HOLDS, {"ids": [wish.hold_id for wish in asked]})
        keys = idempotency.send_look(session, list(first))
        taken = send(session, _TAKEN, _references(asked))
        status = send(session, _STATUS, {"ids": list(performances)})
        stops = limit_queries.send_stops(session, suppliers)
        times = send(session, clock.TIMES, {"worlds": [wish.world for wish in wishes]})
    holds = {row.id: row for row in held}
    if any(line.row.hold_version != holds[line.row.hold_id].version for line in own):
        raise TryAgainError  # a request was granted since its lines were read
    return ConfirmBatch(
        busy=busy,
        earlier=idempotency.seen(keys),
        first=first,
        holds=holds,
        lines=lines,
        status={row.id: row.status for row in status},
        stops=limit_queries.as_stops(stops),
        references={(row.agent_id, row.reference) for row in taken},
        seats=seat_names(session, [seat for line in own for seat in line.row.seat_ids]),
        now={row.name: row.now for row in times},
    )


def _lines(session: Session, hold_ids: set[UUID]) -> dict[UUID, list[HeldLine]]:
    found: dict[UUID, list[HeldLine]] = {}
    rows = session.execute(_LINES, {"ids": list(hold_ids)}).all()
    quotes = frozen_quotes(session, {row.quote_id for row in rows})
    for row in rows:
        line = HeldLine(row, quotes[row.quote_id])
        found.setdefault(row.hold_id, []).append(line)
    return found


def _performances(lines: dict[UUID, list[HeldLine]], wish: ConfirmWish) -> set[UUID]:
    """Return what is shared for a wish: its performances, and their suppliers."""
    own = lines.get(wish.hold_id, ())
    return {i for n in own for i in (n.row.performance_id, n.row.supplier_id)}


def _references(wishes: Sequence[ConfirmWish]) -> dict[str, list[Any]]:
    return {
        "agents": [wish.agent_id for wish in wishes],
        "references": [wish.reference for wish in wishes],
    }


def decide(batch: ConfirmBatch, wish: ConfirmWish) -> Reply | HubError:
    """Answer one wish: the earlier reply, a refusal, or an order."""
    if batch.busy & _performances(batch.lines, wish):
        return PerformanceBusyError()
    first = batch.first[wish.claim.key].claim
    return idempotency.once_in_batch(
        wish.claim,
        first,
        batch.earlier,
        batch.answers,
        lambda: _confirm(batch, wish),
    )


def _confirm(batch: ConfirmBatch, wish: ConfirmWish) -> Reply:
    hold, now = batch.holds.get(wish.hold_id), batch.now[wish.world]
    if hold is None or (hold.world, hold.agent_id) != (wish.world, wish.agent_id):
        raise NotFoundError(hold_id=wish.hold_id)
    state = "confirmed" if hold.id in batch.confirmed else hold.state
    refuse_unless_held(state, is_past=hold.expires_at <= now, hold_id=hold.id)
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
    return made.reply


def _refuse_closed(batch: ConfirmBatch, hold: Row[Any], line: HeldLine) -> None:
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


def _buyable(line: HeldLine, hold: Row[Any]) -> Buyable:
    row = line.row
    return Buyable(
        *(row.performance_id, row.production_id, row.area, row.price_type),
        *(line.quote.place.channel, "", hold.agent_id, hold.holder_id),
    )


def _told(batch: ConfirmBatch, line: HeldLine) -> dict[str, Any]:
    row = line.row
    seats = [batch.seats[seat] for seat in row.seat_ids]
    said = hold_line(row.no, row, row.quantity, seats, priced(line.quote))
    return {**said, "cancelled": 0}


def write(session: Session, batch: ConfirmBatch) -> None:
    """Store what was decided; a refused wish leaves nothing behind."""
    if batch.made:
        store_orders(session, batch.made)


STEPS = Steps(lock=lock, decide=decide, write=write)
ConfirmCommitter = Committer[Session, ConfirmWish, ConfirmBatch, Reply]


def confirm_committer(*, is_batching: bool = True) -> ConfirmCommitter:
    """Make the committer of confirms; without batching each is decided by itself."""
    return Committer(STEPS, is_batching=is_batching, open_transaction=hot_transaction)
