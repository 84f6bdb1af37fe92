"""The steps of the committer for confirming: holds become orders, many at once.

A buyer who has paid is not refused for credit: what was reserved becomes exposure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from allocation import queries as allocation
from hub.catalogue import queries as catalogue
from hub.catalogue.errors import PerformanceCancelledError
from hub.catalogue.rules import SaleWindow
from hub.kernel import idempotency
from hub.kernel.committer import Committer, Steps
from hub.kernel.errors import HubError, IdempotencyKeyReusedError, NotFoundError
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.kernel.ids import new_id
from hub.sales.errors import PerformanceBusyError, ReferenceTakenError
from hub.sales.rules import OrderState, new_code, refuse_unless_held
from hub.sales.services.holds import hold_line, world_times
from hub.sales.services.ordering import (
    CREATED,
    ConfirmWish,
    HeldLine,
    Made,
    Ticket,
    store_orders,
)
from hub.sales.services.views import offered, seat_names
from settlement.rules.credit import CreditLine
from settlement.rules.quotes import Quote
from settlement.services.credit import lock_credit, write_credit

_LINES = text(
    "SELECT hold_id, no, performance_id, node_id, offer_id, quantity, seat_ids,"
    " quote::text AS quote, owed_minor FROM hold_line WHERE hold_id = ANY(:ids)"
    " ORDER BY hold_id, no"
)
_HOLDS = text(
    "SELECT id, world, agent_id, state, expires_at FROM hold WHERE id = ANY(:ids)"
    " ORDER BY id FOR NO KEY UPDATE"
)
_TAKEN = text(
    "SELECT o.agent_id, o.reference FROM sale_order o JOIN unnest("
    " CAST(:agents AS uuid[]), CAST(:references AS text[])) AS w(agent, reference)"
    " ON (o.agent_id, o.reference) = (w.agent, w.reference)"
)


@dataclass(slots=True)
class ConfirmBatch:
    """What is locked for some wishes, and what has been decided so far."""

    busy: set[UUID]
    earlier: dict[Key, Earlier]
    first: dict[Key, ConfirmWish]
    holds: dict[UUID, Row[Any]]
    lines: dict[UUID, list[HeldLine]]
    windows: dict[UUID, SaleWindow]
    references: set[tuple[UUID, str]]
    offers: dict[UUID, Any]
    seats: dict[UUID, dict[str, Any]]
    credit: dict[UUID, CreditLine]
    now: dict[str, datetime]
    answers: dict[Key, Reply | HubError] = field(default_factory=dict)
    confirmed: set[UUID] = field(default_factory=set)
    made: list[Made] = field(default_factory=list)
    refused: list[ConfirmWish] = field(default_factory=list)


def lock(session: Session, wishes: Sequence[ConfirmWish]) -> ConfirmBatch:
    """Lock what the wishes touch: performances, keys, holds, credit; then the clock.

    A performance that is being changed is not waited for: its wishes are sent back.
    """
    lines = _lines(session, {wish.hold_id for wish in wishes})
    performances = {line.row.performance_id for own in lines.values() for line in own}
    busy = allocation.share_performances(session, performances)
    first: dict[Key, ConfirmWish] = {}
    for wish in wishes:
        if not busy & _performances(lines, wish):
            first.setdefault(wish.claim.key, wish)
    earlier = idempotency.claim_many(session, [wish.claim for wish in first.values()])
    new = [wish for key, wish in first.items() if key not in earlier]
    ids = {wish.hold_id for wish in new}
    holds = {row.id: row for row in session.execute(_HOLDS, {"ids": list(ids)})}
    own = [line for hold_id in ids for line in lines.get(hold_id, ())]
    seats = seat_names(session, [seat for line in own for seat in line.row.seat_ids])
    return ConfirmBatch(
        busy=busy,
        earlier=earlier,
        first=first,
        holds=holds,
        lines=lines,
        windows=catalogue.windows(session, performances),
        references=_references(session, new),
        offers=offered(session, {line.row.offer_id for line in own}),
        seats=seats,
        credit=lock_credit(session, {line.quote.agent_contract_id for line in own}),
        now=world_times(session, {wish.world for wish in wishes}),
    )


def _lines(session: Session, hold_ids: set[UUID]) -> dict[UUID, list[HeldLine]]:
    found: dict[UUID, list[HeldLine]] = {}
    for row in session.execute(_LINES, {"ids": list(hold_ids)}):
        line = HeldLine(row, Quote.decoded(row.quote))
        found.setdefault(row.hold_id, []).append(line)
    return found


def _performances(lines: dict[UUID, list[HeldLine]], wish: ConfirmWish) -> set[UUID]:
    return {line.row.performance_id for line in lines.get(wish.hold_id, ())}


def _references(
    session: Session, wishes: Sequence[ConfirmWish]
) -> set[tuple[UUID, str]]:
    wanted = {
        "agents": [wish.agent_id for wish in wishes],
        "references": [wish.reference for wish in wishes],
    }
    return {(row.agent_id, row.reference) for row in session.execute(_TAKEN, wanted)}


def decide(batch: ConfirmBatch, wish: ConfirmWish) -> Reply | HubError:
    """Answer one wish: the earlier reply, a refusal, or an order.

    A key that comes twice in one batch is decided once.
    """
    if batch.busy & _performances(batch.lines, wish):
        return PerformanceBusyError()
    key = wish.claim.key
    if key in batch.earlier:
        return batch.earlier[key].answer(wish.claim)
    if batch.first[key].claim.digest != wish.claim.digest:
        return IdempotencyKeyReusedError(key=key.key)
    if key in batch.answers:
        return batch.answers[key]
    try:
        reply = _confirm(batch, wish)
    except HubError as error:
        batch.refused.append(wish)
        batch.answers[key] = error
        return error
    batch.answers[key] = replace(reply, is_replay=True)
    return reply


def _confirm(batch: ConfirmBatch, wish: ConfirmWish) -> Reply:
    hold, now = batch.holds.get(wish.hold_id), batch.now[wish.world]
    if hold is None or (hold.world, hold.agent_id) != (wish.world, wish.agent_id):
        raise NotFoundError(hold_id=wish.hold_id)
    state = "confirmed" if hold.id in batch.confirmed else hold.state
    refuse_unless_held(state, is_past=hold.expires_at <= now, hold_id=hold.id)
    lines = batch.lines[hold.id]
    for line in lines:
        window = batch.windows[line.row.performance_id]
        if window.status == "cancelled":
            raise PerformanceCancelledError(performance_id=window.performance_id)
    reference = (wish.agent_id, wish.reference)
    if reference in batch.references:
        raise ReferenceTakenError(reference=wish.reference)
    batch.references.add(reference)
    batch.confirmed.add(hold.id)
    made = _made(batch, wish, lines, now)
    batch.made.append(made)
    return Reply(CREATED, made.body)


def _made(
    batch: ConfirmBatch, wish: ConfirmWish, lines: Sequence[HeldLine], now: datetime
) -> Made:
    order_id = new_id()
    tickets = [
        Ticket(new_id(), line, new_code(), seat)
        for line in lines
        for seat in (line.row.seat_ids or [None] * line.row.quantity)
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
    return Made(wish, order_id, now, lines, tickets, body)


def _told(batch: ConfirmBatch, line: HeldLine) -> dict[str, Any]:
    row = line.row
    seats = [batch.seats[seat] for seat in row.seat_ids]
    said = hold_line(
        row.no, batch.offers[row.offer_id], row.quantity, seats, line.quote
    )
    return {**said, "cancelled": 0}


def write(session: Session, batch: ConfirmBatch) -> None:
    """Store what was decided; a refused wish leaves nothing behind."""
    idempotency.release_many(session, [wish.claim.key for wish in batch.refused])
    if not batch.made:
        return
    owed = store_orders(session, batch.made)
    reserved: dict[UUID, int] = {}
    for line in (line for made in batch.made for line in made.lines):
        contract_id = line.quote.agent_contract_id
        reserved[contract_id] = reserved.get(contract_id, 0) + line.row.owed_minor
    after = {
        i: line.moved(exposure=owed.get(i, 0), reserved=-reserved.get(i, 0))
        for i, line in batch.credit.items()
    }
    write_credit(session, batch.credit, after, batch.now)


STEPS = Steps(lock=lock, decide=decide, write=write)
ConfirmCommitter = Committer[ConfirmWish, ConfirmBatch, Reply]
