"""Storing orders that are decided: arrays for a whole batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel import idempotency
from hub.kernel.committer import TryAgainError
from hub.kernel.idempotency import Claim
from hub.kernel.metrics import ORDERS
from settlement.rules.postings import Fact
from settlement.rules.quotes import Quote
from settlement.services.journal import post

CREATED = 201
_END_HOLDS = text(
    "UPDATE hold SET state = 'confirmed', version = version + 1 WHERE id = ANY(:ids)"
)
_ADD_ORDERS = text(
    "INSERT INTO sale_order (id, world, agent_id, hold_id, reference, state, version,"
    " confirmed_at) SELECT i, w, a, h, r, 'confirmed', 1, c FROM unnest("
    " CAST(:ids AS uuid[]), CAST(:worlds AS text[]), CAST(:agents AS uuid[]),"
    " CAST(:holds AS uuid[]), CAST(:references AS text[]),"
    " CAST(:moments AS timestamptz[])) AS o(i, w, a, h, r, c) ORDER BY a, r"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_ADD_LINES = text(
    "INSERT INTO order_line (order_id, no, performance_id, node_id, offer_id, quantity,"
    " currency, face_minor, booking_fee_minor, quote)"
    " SELECT x.i, l.no, l.performance_id, l.node_id, l.offer_id, l.quantity,"
    " l.quote->>'currency', x.face, x.booking, l.quote FROM unnest("
    " CAST(:orders AS uuid[]), CAST(:holds AS uuid[]), CAST(:nos AS int[]),"
    " CAST(:faces AS bigint[]), CAST(:bookings AS bigint[]))"
    " AS x(i, h, n, face, booking) JOIN hold_line l ON (l.hold_id, l.no) = (x.h, x.n)"
)
_ADD_TICKETS = text(
    "INSERT INTO ticket (id, order_id, line_no, performance_id, code, seat_id)"
    " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:orders AS uuid[]),"
    " CAST(:lines AS int[]), CAST(:performances AS uuid[]), CAST(:codes AS text[]),"
    " CAST(:seats AS uuid[]))"
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


@dataclass(frozen=True, slots=True)
class Made:
    """An order that is decided: who wants it, when, its tickets, what is answered."""

    wish: ConfirmWish
    order_id: UUID
    at: datetime
    lines: Sequence[HeldLine]
    tickets: Sequence[Ticket]
    body: dict[str, Any]


def store_orders(session: Session, made: Sequence[Made]) -> dict[UUID, int]:
    """Store orders as arrays, with their tickets and postings.

    Returns what each agent's contract owes more. TryAgainError when another process
    was faster with a reference.
    """
    session.execute(_END_HOLDS, {"ids": [m.wish.hold_id for m in made]})
    if len(session.execute(_ADD_ORDERS, _order_columns(made)).all()) < len(made):
        raise TryAgainError
    session.execute(_ADD_LINES, _line_columns(made))
    session.execute(_ADD_TICKETS, _ticket_columns(made))
    facts = [
        Fact(m.order_id, line.row.no, 0, line.quote, (0, 0), m.at, m.at)
        for m in made
        for line in m.lines
    ]
    worlds = [m.wish.world for m in made for _ in m.lines]
    replies = {m.wish.claim.key: (CREATED, json.dumps(m.body)) for m in made}
    idempotency.store_many(session, replies)
    ORDERS.labels("confirmed").inc(len(made))
    return post(session, facts, worlds)


def _order_columns(made: Sequence[Made]) -> dict[str, list[Any]]:
    return {
        "ids": [m.order_id for m in made],
        "worlds": [m.wish.world for m in made],
        "agents": [m.wish.agent_id for m in made],
        "holds": [m.wish.hold_id for m in made],
        "references": [m.wish.reference for m in made],
        "moments": [m.at for m in made],
    }


def _line_columns(made: Sequence[Made]) -> dict[str, list[Any]]:
    lines = [(m, line) for m in made for line in m.lines]
    return {
        "orders": [m.order_id for m, _ in lines],
        "holds": [line.row.hold_id for _, line in lines],
        "nos": [line.row.no for _, line in lines],
        "faces": [line.quote.sum_of("face") for _, line in lines],
        "bookings": [line.quote.sum_of("booking-fee") for _, line in lines],
    }


def _ticket_columns(made: Sequence[Made]) -> dict[str, list[Any]]:
    tickets = [(m, ticket) for m in made for ticket in m.tickets]
    return {
        "ids": [ticket.id for _, ticket in tickets],
        "orders": [m.order_id for m, _ in tickets],
        "lines": [ticket.line.row.no for _, ticket in tickets],
        "performances": [ticket.line.row.performance_id for _, ticket in tickets],
        "codes": [ticket.code for _, ticket in tickets],
        "seats": [ticket.seat_id for _, ticket in tickets],
    }
