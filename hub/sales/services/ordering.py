"""Storing orders that are decided: a statement a table for a whole batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from allocation.services.tree import send_lower_caps
from hub.kernel import idempotency
from hub.kernel.committer import TryAgainError
from hub.kernel.db import rows
from hub.kernel.idempotency import Claim, Reply
from hub.kernel.metrics import ORDERS
from hub.kernel.pipeline import pipelined, send
from hub.sales.rules import sums
from settlement.rules.postings import Fact
from settlement.rules.quotes import Quote
from settlement.services.credit import Move, note_levels, send_moves
from settlement.services.journal import send_post

CREATED = 201
_END_HOLDS = text(
    "UPDATE hold AS h SET state = 'confirmed', version = version + 1, ended_at = r.at"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(hold uuid, at timestamptz)"
    " WHERE h.id = r.hold"
)
_ADD_ORDERS = text(
    "INSERT INTO sale_order (id, world, agent_id, hold_id, reference, state, version,"
    " confirmed_at) SELECT id, world, agent, hold, reference, 'confirmed', 1, at"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, world text, agent uuid,"
    " hold uuid, reference text, at timestamptz) ORDER BY agent, reference"
    " ON CONFLICT DO NOTHING RETURNING id"
)
# An order that lost its reference to another process is not there: its lines and
# tickets find nothing to join, and the whole batch is rolled back and decided again.
_ADD_LINES = text(
    "INSERT INTO order_line (order_id, no, performance_id, node_id, offer_id, quantity,"
    " currency, face_minor, booking_fee_minor, caps, quote)"
    " SELECT r.id, l.no, l.performance_id, l.node_id, l.offer_id, l.quantity,"
    " q.body->>'currency', r.face, r.booking, l.caps, q.body"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, hold uuid, no int,"
    " face bigint, booking bigint) JOIN sale_order o ON o.id = r.id"
    " JOIN hold_line l ON (l.hold_id, l.no) = (r.hold, r.no)"
    " JOIN frozen_quote q ON q.id = l.quote_id"
)
_ADD_TICKETS = text(
    "INSERT INTO ticket (id, order_id, line_no, performance_id, code, seat_id, node_id)"
    " SELECT r.* FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid,"
    " order_id uuid, line_no int, performance_id uuid, code text, seat_id uuid,"
    " node_id uuid)"
    " JOIN sale_order o ON o.id = r.order_id"
)


@dataclass(frozen=True, slots=True)
class ConfirmWish:
    """An agent wants one of its holds to become an order under its reference."""

    claim: Claim
    world: str
    agent_id: UUID
    hold_id: UUID
    reference: str

    @property
    def owner(self) -> UUID:
        return self.agent_id


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of a hold with its quote."""

    row: Row[Any]
    quote: Quote


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket to be made."""

    id: UUID
    line: HeldLine
    code: str
    seat_id: UUID | None
    node_id: UUID | None


@dataclass(frozen=True, slots=True)
class Made:
    """An order that is decided: who wants it, when, its tickets, the reply."""

    wish: ConfirmWish
    order_id: UUID
    at: datetime
    lines: Sequence[HeldLine]
    tickets: Sequence[Ticket]
    reply: Reply


def store_orders(session: Session, made: Sequence[Made]) -> None:
    """Store orders with tickets, postings, replies, and what they add to credit.

    TryAgainError when another process was faster with a reference or a key.
    """
    with pipelined(session):
        ended = ({"hold": m.wish.hold_id, "at": m.at} for m in made)
        send(session, _END_HOLDS, {"rows": rows(ended)})
        orders = send(session, _ADD_ORDERS, {"rows": rows(map(_order, made))})
        lines = (_line(m, line) for m in made for line in m.lines)
        send(session, _ADD_LINES, {"rows": rows(lines)})
        tickets = (_ticket(m, ticket) for m in made for ticket in m.tickets)
        send(session, _ADD_TICKETS, {"rows": rows(tickets)})
        replies = {m.wish.claim: (CREATED, m.reply.encoded) for m in made}
        keys = idempotency.send_replies(session, replies)
        facts = [
            Fact(m.order_id, line.row.no, 0, line.quote, (0, 0), m.at, m.at)
            for m in made
            for line in m.lines
        ]
        held = (
            (cap, n.row.quantity)
            for m in made
            for n in m.lines
            for cap in n.row.held_caps
        )
        send_lower_caps(session, sums(held))
        owed = send_post(session, facts, [m.wish.world for m in made for _ in m.lines])
        moved = send_moves(session, _moves(made, owed))  # last: others wait for it
    if min(orders.rowcount, keys.rowcount) < len(made):
        raise TryAgainError
    note_levels(session, moved.fetchall())
    ORDERS.labels("confirmed").inc(len(made))


def _moves(made: Sequence[Made], owed: dict[UUID, int]) -> dict[UUID, Move]:
    """Turn what was reserved into exposure."""
    reserved = sums(
        (line.quote.agent_contract_id, line.row.owed_minor)
        for m in made
        for line in m.lines
    )
    return {i: Move(exposure=owed[i], reserved=-minor) for i, minor in reserved.items()}


def _order(made: Made) -> dict[str, Any]:
    return {
        "id": made.order_id,
        "world": made.wish.world,
        "agent": made.wish.agent_id,
        "hold": made.wish.hold_id,
        "reference": made.wish.reference,
        "at": made.at,
    }


def _line(made: Made, line: HeldLine) -> dict[str, Any]:
    return {
        "id": made.order_id,
        "hold": line.row.hold_id,
        "no": line.row.no,
        "face": line.quote.sum_of("face"),
        "booking": line.quote.sum_of("booking-fee"),
    }


def _ticket(made: Made, ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "order_id": made.order_id,
        "line_no": ticket.line.row.no,
        "performance_id": ticket.line.row.performance_id,
        "code": ticket.code,
        "seat_id": ticket.seat_id,
        "node_id": ticket.node_id,
    }
