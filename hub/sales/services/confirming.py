"""Confirms of a batch: holds become orders, each decided in turn on what is locked.

A buyer who has paid is not refused for credit: what was reserved becomes exposure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from allocation.rules.limits import Buyable, StopSaid, refuse_stopped
from hub.catalogue.rules import refuse_unless_taking_place
from hub.kernel.errors import NotFoundError
from hub.kernel.idempotency import Reply
from hub.kernel.ids import new_id
from hub.sales.errors import ReferenceTakenError
from hub.sales.queries.frozen import hot_quotes
from hub.sales.rules import OrderState, new_code, refuse_if_changed, refuse_unless_held
from hub.sales.rules.people import (
    Asked,
    Named,
    Person,
    holders_by_line,
    refuse_price,
    refuse_taken,
)
from hub.sales.services.counting import Counts
from hub.sales.services.locked import HoldRow, Locked, SoldRow
from hub.sales.services.ordering import (
    CREATED,
    OUTCOME,
    ConfirmWish,
    HeldLine,
    Made,
    Ticket,
)
from hub.sales.services.telling import (
    OrderHead,
    hold_line,
    order_body,
    order_line,
    ticket_body,
)
from hub.sales.services.wishes import LIVE, REPORT

ASK_SUPPLIER = Reply(303)
"""What is told of a hold that is not confirmed here but by its supplier's word."""


@dataclass(slots=True)
class ConfirmBatch:
    """What is locked for some wishes to confirm, and what has been decided so far."""

    counts: Counts
    holds: dict[UUID, HoldRow]
    lines: dict[UUID, list[HeldLine]]
    sold: dict[UUID, SoldRow]
    stops: list[StopSaid]
    references: set[tuple[UUID, str]]
    seats: dict[UUID, dict[str, Any]]
    people: set[Named]
    named: set[Named] = field(default_factory=set)
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
        sold=found.status or {},
        stops=found.found_stops(),
        references=set(found.references or ()),
        seats={i: {"id": str(i), "row": row, "number": no} for i, row, no in seats},
        people=set(found.people or ()),
    )


def confirm(batch: ConfirmBatch, wish: ConfirmWish) -> Reply:
    """Make one hold an order: its reply; a HubError if it is refused."""
    hold, now = batch.holds.get(wish.hold_id), batch.counts.now[wish.world]
    if hold is None or (hold.world, hold.agent_id) != (wish.world, wish.agent_id):
        raise NotFoundError(hold_id=wish.hold_id)
    if hold.kind == LIVE and not wish.stage:
        return ASK_SUPPLIER
    is_fact = wish.stage == OUTCOME  # its supplier has sold it
    is_past = hold.expires_at <= now and not is_fact
    state = "confirmed" if hold.id in batch.confirmed else hold.state
    refuse_unless_held(state, is_past=is_past, hold_id=hold.id)
    refuse_if_changed(hold.version, wish.hold_version)
    lines = batch.lines[hold.id]
    holders: dict[int, Sequence[Person]] = {}
    if hold.kind != REPORT:  # what was sold elsewhere is a fact
        for line in lines if not is_fact else ():
            _refuse_closed(batch, hold, line)
        holders = _holders(batch, wish, lines)
    reference = (wish.agent_id, wish.reference)
    if reference in batch.references:
        raise ReferenceTakenError(reference=wish.reference)
    batch.references.add(reference)
    batch.named |= _named(lines, holders)
    batch.confirmed.add(hold.id)
    made = _made(batch, wish, lines, holders, now)
    batch.made.append(made)
    for line in lines:
        _count(batch.counts, line)
    return made.reply


def _holders(
    batch: ConfirmBatch, wish: ConfirmWish, lines: Sequence[HeldLine]
) -> dict[int, Sequence[Person]]:
    """Return whose the tickets of each line are, where their performance asks.

    What is asked of the public is looked at, too: both are the supplier's conditions.
    """
    for line in lines:
        row = line.row
        bounds = (row.resale_floor_minor, row.resale_ceiling_minor)
        refuse_price(row.no, wish.resale.get(row.no), *bounds)
    asked = [
        Asked(
            *(line.row.no, line.row.performance_id, line.row.quantity),
            batch.sold[line.row.performance_id].names,
        )
        for line in lines
    ]
    found = holders_by_line(asked, wish.buyer, wish.holders)
    refuse_taken(found, asked, batch.people | batch.named)
    return found


def _named(
    lines: Sequence[HeldLine], holders: Mapping[int, Sequence[Person]]
) -> set[Named]:
    """Return who has tickets of which performances by these lines."""
    return {
        (line.row.performance_id, person.id_type, person.id_number)
        for line in lines
        for person in holders.get(line.row.no, ())
    }


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
    refuse_unless_taking_place(batch.sold[performance_id].status, performance_id)
    if batch.stops:
        stops, supplier = batch.stops, line.row.supplier_id
        refuse_stopped(stops, supplier, _buyable(line, hold), only_hard=True)


def _made(
    batch: ConfirmBatch,
    wish: ConfirmWish,
    lines: Sequence[HeldLine],
    holders: Mapping[int, Sequence[Person]],
    now: datetime,
) -> Made:
    order_id = wish.order_id or new_id()
    tickets = list(_tickets(batch, wish, lines, holders))
    body = order_body(
        OrderHead(
            *(order_id, wish.hold_id, wish.reference, OrderState.CONFIRMED, 1, now),
            wish.exchanged_from,
        ),
        buyer=wish.buyer,
        lines=[_told(batch, wish, line) for line in lines],
        tickets=[
            ticket_body(
                *(ticket.id, ticket.line.row.no, ticket.code),
                batch.seats[ticket.seat_id] if ticket.seat_id else None,
                holder=ticket.holder,
            )
            for ticket in sorted(tickets, key=lambda ticket: ticket.id)
        ],
    )
    reply = Reply.of(CREATED, body)
    return Made(wish, order_id, now, lines, tickets, reply)


def _tickets(
    batch: ConfirmBatch,
    wish: ConfirmWish,
    lines: Sequence[HeldLine],
    holders: Mapping[int, Sequence[Person]],
) -> Iterator[Ticket]:
    """Yield the tickets of an order: with codes of their own, or its performance's.

    What a supplier has sold has the codes it gave.
    """
    shared: dict[UUID, str] = {}
    for line in lines:
        row = line.row
        is_shared = batch.sold[row.performance_id].admission == "order"
        nobody: Sequence[Person | None] = [None] * row.quantity
        own = holders.get(row.no) or nobody
        codes: Iterable[str] = (new_code() for _ in range(row.quantity))
        if row.no in wish.codes:
            codes, is_shared = wish.codes[row.no]
        elif is_shared:
            code = shared.setdefault(row.performance_id, new_code())
            codes = [code] * row.quantity
        for (seat, node), holder, code in zip(_places(line), own, codes, strict=True):
            yield Ticket(new_id(), line, code, seat, node, is_shared, holder)


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


def _told(batch: ConfirmBatch, wish: ConfirmWish, line: HeldLine) -> dict[str, Any]:
    row = line.row
    seats = [batch.seats[seat] for seat in row.seat_ids]
    said = hold_line(row.no, row, row.quantity, seats, line.frozen.told)
    return order_line(said, 0, wish.resale.get(row.no))
