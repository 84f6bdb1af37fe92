"""Orders that are decided, and what is written of them: one document a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from hub.kernel.idempotency import Claim, Reply
from hub.kernel.ids import new_id
from hub.sales.queries.frozen import Frozen
from hub.sales.rules.people import Person
from hub.sales.services.locked import LineRow
from settlement.rules.facts import Fact
from settlement.services.journal import Posted, said_of_facts

CREATED = 201
INTENT, OUTCOME = "intent", "outcome"


@dataclass(frozen=True, slots=True)
class ConfirmWish:
    """An agent wants one of its holds to become an order under its reference.

    *holders*: whose its tickets are, of each line in their order; *resale*: what the
    public pays for a ticket, by line; *beside*: what is written with the order, a
    function of the database and its document. Of what a supplier sells itself it comes
    in two stages, before it is asked and after; then with the *codes* of each line's
    tickets, and whether one is all of theirs.
    """

    claim: Claim
    world: str
    agent_id: UUID
    hold_id: UUID
    reference: str
    hold_version: int | None = None
    buyer: Person | None = None
    holders: tuple[Person, ...] = ()
    resale: Mapping[int, int] = field(default_factory=dict)
    exchanged_from: UUID | None = None
    beside: tuple[LiteralString, dict[str, Any]] | None = None
    stage: str = ""
    order_id: UUID | None = None
    codes: Mapping[int, tuple[Sequence[str], bool]] = field(default_factory=dict)

    @property
    def owner(self) -> UUID:
        return self.agent_id


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of a hold with its quote."""

    row: LineRow
    frozen: Frozen


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket to be made."""

    id: UUID
    line: HeldLine
    code: str
    seat_id: UUID | None
    node_id: UUID | None
    is_shared: bool
    holder: Person | None


@dataclass(frozen=True, slots=True)
class Made:
    """An order that is decided: who wants it, when, its tickets, the reply."""

    wish: ConfirmWish
    order_id: UUID
    at: datetime
    lines: Sequence[HeldLine]
    tickets: Sequence[Ticket]
    reply: Reply


def said_of_orders(made: Sequence[Made]) -> list[Sequence[Any]]:
    """Return orders, lines, tickets, keys, entries, postings, totals, people."""
    posted = [_posted(m, line) for m in made for line in m.lines]
    return [
        [_order(m) for m in made],
        [_line(m, line) for m in made for line in m.lines],
        [_ticket(m, ticket) for m in made for ticket in m.tickets],
        [_key(m) for m in made],
        *said_of_facts(posted),
        [row for m in made for row in _people(m)],
    ]


def _posted(made: Made, line: HeldLine) -> Posted:
    """Return the entry of a line that is sold; its legs are its quote's."""
    no, frozen = line.row.no, line.frozen
    fact = Fact(made.order_id, no, 0, frozen.quote, (0, 0), made.at, made.at)
    return Posted(new_id(), fact, frozen.legs, made.wish.world)


def _key(made: Made) -> dict[str, Any]:
    claim = made.wish.claim
    return {
        "w": claim.key.world,
        "o": claim.key.owner_id,
        "k": claim.key.key,
        "d": claim.digest.hex(),
        "r": msgspec.Raw(made.reply.encoded),
    }


def _order(made: Made) -> dict[str, Any]:
    return {
        "id": made.order_id,
        "world": made.wish.world,
        "agent": made.wish.agent_id,
        "hold": made.wish.hold_id,
        "reference": made.wish.reference,
        "exchanged": made.wish.exchanged_from,
        "at": made.at,
    }


def _line(made: Made, line: HeldLine) -> dict[str, Any]:
    return {
        "id": made.order_id,
        "hold": line.row.hold_id,
        "no": line.row.no,
        "face": line.frozen.face_minor,
        "booking": line.frozen.booking_fee_minor,
        "resale": made.wish.resale.get(line.row.no),
    }


def _people(made: Made) -> Iterator[dict[str, Any]]:
    """Yield who bought it, and whose its tickets are."""
    if made.wish.buyer is not None:
        yield {"order_id": made.order_id, "no": 0} | asdict(made.wish.buyer)
    held = [(ticket, ticket.holder) for ticket in made.tickets]
    for no, (ticket, holder) in enumerate(held, start=1):
        if holder is not None:
            yield {
                "order_id": made.order_id,
                "no": no,
                "ticket_id": ticket.id,
                "performance_id": ticket.line.row.performance_id,
            } | asdict(holder)


def _ticket(made: Made, ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "order_id": made.order_id,
        "line_no": ticket.line.row.no,
        "performance_id": ticket.line.row.performance_id,
        "code": ticket.code,
        "seat_id": ticket.seat_id,
        "node_id": ticket.node_id,
        "is_shared": ticket.is_shared,
    }
