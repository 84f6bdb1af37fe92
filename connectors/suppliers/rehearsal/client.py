"""A rehearsal supplier as the port: it decides by the area or row that is wanted.

Nothing is sent: what it has locked and sold is in a table of its own, so that whoever
asks after an order, in another process, is told the same. What it answers is lost on
purpose where that is what is rehearsed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
from sqlalchemy import text

from connectors.errors import NoAnswerError, SaidNoError, SilentError
from connectors.feed.records import AuditoriumRecord, VenueRecord
from connectors.ports import (
    Answer,
    Available,
    Capabilities,
    Locked,
    OrderWanted,
    Read,
    Rooms,
    Schedule,
    Sold,
    Standing,
    TicketSold,
    Told,
)
from connectors.suppliers.quiet import Quiet
from connectors.suppliers.rehearsal import season, words
from connectors.suppliers.rehearsal.pace import dawdle
from connectors.suppliers.rehearsal.words import (
    BEHAVIOURS,
    STALLS,
    RehearsalCredentials,
    RehearsalSettings,
    behaviour,
)
from connectors.suppliers.rows import digest
from connectors.suppliers.settings import Said, read
from connectors.suppliers.soap import Wire
from hub.kernel.db import transaction

SLOW_S, ASKED_LEAST = 2.0, 3
UNDECIDED = {words.SOLD_LOST, words.PENDING}
LOST = "the answer is lost, on purpose"
_NOW = text("SELECT clock_timestamp()")
_FIND = text(
    "SELECT state, until, tickets, asked FROM rehearsal_order WHERE key = :key"
    " FOR UPDATE"
)
_WRITE = text(
    "INSERT INTO rehearsal_order (key, state, until, tickets, asked)"
    " VALUES (:key, :state, :until, CAST(:tickets AS jsonb), :asked)"
    " ON CONFLICT (key) DO UPDATE SET state = excluded.state, until = excluded.until,"
    " tickets = excluded.tickets, asked = excluded.asked"
)


class _Order(msgspec.Struct):
    """What it knows of an order: its tickets once they are sold.

    *asked*: how often, after the answer to its sale was lost.
    """

    state: Standing
    until: datetime
    tickets: list[list[str | None]] = []
    asked: int = 0

    def sold(self, key: str) -> Sold:
        return Sold(
            key, tuple(TicketSold(str(code), seat) for code, seat in self.tickets)
        )


class RehearsalPort(Quiet):
    """A supplier that sells itself, and goes wrong as it is asked to."""

    settings_type: ClassVar[type[RehearsalSettings]] = RehearsalSettings
    credentials_type: ClassVar[type[RehearsalCredentials]] = RehearsalCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        seat_choice=True,
        separate_lock=True,
        extend=True,
        own_order_key=True,
        ask_by_key=True,
        cancel=True,
        partial_cancel=True,
        by_venue=False,
    )

    def __init__(self, _url: str, settings: Said, _: Said, __: Wire) -> None:
        self._settings = read(RehearsalSettings, settings)

    def venues(self) -> Sequence[VenueRecord]:
        """Tell the one cinema."""
        return [season.venue(self._settings)]

    def auditorium(
        self,
        venue: VenueRecord,  # noqa: ARG002 - the port's
        ref: str,  # noqa: ARG002 - there is one
        performance: str,  # noqa: ARG002 - the port's
    ) -> AuditoriumRecord:
        """Tell its room."""
        return season.room()

    def schedule(
        self,
        venue: VenueRecord | None,  # noqa: ARG002 - there is one
        rooms: Rooms,  # noqa: ARG002 - it tells its own
        read: Read,
    ) -> Schedule:
        """Tell the season; it never changes."""
        told = digest([b"rehearsal"], self._settings)
        performances = list(season.performances(self._settings))
        if told == read.digest:
            return Schedule.same(told, len(performances))
        return Schedule(
            [season.play()],
            performances,
            digest=told,
            count=len(performances),
            rooms=[season.room()],
        )

    def availability(self, performance: str) -> Available:  # noqa: ARG002 - always so
        """Tell that all there is can be had."""
        left: dict[str, int | None] = dict.fromkeys(BEHAVIOURS, season.CAPACITY)
        return Available(left | {STALLS: season.SEATS * len(BEHAVIOURS)})

    def lock(self, wanted: OrderWanted) -> Locked:
        """Lock, or not, as the area or row says."""
        how = _slowly(wanted)
        if how == words.TAKEN:
            seats = wanted.seat_codes()
            raise SaidNoError("seats-taken", "taken, on purpose", seats=seats)
        if how == words.SILENT:
            raise SilentError(LOST)
        with transaction() as session:
            until = session.scalars(_NOW).one() + timedelta(seconds=wanted.ttl_s)
            _keep(session, wanted, _Order(Standing.LOCKED, until))
        if how == words.LOCK_LOST:
            raise NoAnswerError(LOST)
        dearer = wanted.quantity * 100 if how == words.DEARER else 0
        return Locked(
            theirs=wanted.key,
            until=until,
            total_minor=wanted.total_minor + dearer,
            quantity=wanted.quantity,
            seats=tuple(wanted.seat_codes()),
        )

    def extend(self, wanted: OrderWanted) -> datetime | None:
        """Give a lock its time again."""
        _slowly(wanted)
        with transaction() as session:
            order = _locked(session, wanted)
            order.until = session.scalars(_NOW).one() + timedelta(seconds=wanted.ttl_s)
            _keep(session, wanted, order)
        return order.until

    def release(self, wanted: OrderWanted) -> None:
        """Let a lock go; what is sold already is not to be let go."""
        with transaction() as session:
            order = _known(session, wanted)
            if order is not None and order.state in {Standing.SOLD, Standing.PENDING}:
                raise SaidNoError("not-allowed", "it is sold")
            gone = _Order(Standing.CANCELLED, session.scalars(_NOW).one())
            _keep(session, wanted, gone)

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell what is locked, or not, as the area or row says."""
        how = _slowly(wanted)
        if how == words.REFUSED:
            raise SaidNoError("not-on-sale", "refused, on purpose")
        if how == words.NOT_SOLD:
            raise NoAnswerError(LOST)
        with transaction() as session:
            order = _locked(session, wanted)
            order.tickets = _tickets(wanted, fewer=how == words.HALF)
            order.state = Standing.PENDING if how == words.PENDING else Standing.SOLD
            _keep(session, wanted, order)
        if how in {words.SOLD_LOST, words.PENDING}:
            raise NoAnswerError(LOST)
        return order.sold(wanted.key)

    def ask(self, wanted: OrderWanted) -> Answer:
        """Tell how an order stands; what is pending is decided when asked often."""
        with transaction() as session:
            order = _known(session, wanted)
            if order is None:
                return Answer(Standing.NOTHING)
            order.asked += behaviour(wanted) in UNDECIDED
            if order.state is Standing.PENDING and order.asked >= ASKED_LEAST:
                order.state = Standing.SOLD
            _keep(session, wanted, order)
        is_sold = order.state is Standing.SOLD
        sold = order.sold(wanted.key) if is_sold else None
        return Answer(order.state, sold, theirs=wanted.key)

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:
        """Take tickets back, or not, as the area or row says."""
        how = _slowly(wanted)
        if how == words.NO_REFUND:
            raise SaidNoError("past-cancellation", "refused, on purpose")
        gone = {one.code for one in tickets}
        with transaction() as session:
            order = _known(session, wanted)
            if order is None:
                raise SaidNoError("other", "it knows no such order")
            left = [one for one in order.tickets if one[0] not in gone]
            is_first, order.tickets = left != order.tickets, left
            if not order.tickets:
                order.state = Standing.CANCELLED
            _keep(session, wanted, order)
        if how == words.REFUND_LOST and is_first:
            raise NoAnswerError(LOST)


def _slowly(wanted: OrderWanted) -> str:
    """Return what is rehearsed, after a while if it is slowness."""
    how = behaviour(wanted)
    if how == words.SLOW:
        dawdle(SLOW_S)
    return how


def _tickets(wanted: OrderWanted, *, fewer: bool) -> list[list[str | None]]:
    seats: list[str | None] = [*wanted.seat_codes()]
    places = seats or [None] * wanted.quantity
    stem = wanted.key[:10].upper()
    found = [[f"RH{stem}{no:02}", seat] for no, seat in enumerate(places, 1)]
    return found[:-1] if fewer else found


def _known(session: Any, wanted: OrderWanted) -> _Order | None:
    """Return an order as it stands; a lock that has run out is none."""
    row = session.execute(_FIND, {"key": wanted.key}).one_or_none()
    if row is None:
        return None
    found = _Order(Standing(row.state), row.until, row.tickets, row.asked)
    is_out = found.until <= session.scalars(_NOW).one()
    return None if is_out and found.state is Standing.LOCKED else found


def _locked(session: Any, wanted: OrderWanted) -> _Order:
    found = _known(session, wanted)
    if found is None or found.state is not Standing.LOCKED:
        raise SaidNoError("lock-expired", "nothing is locked under this key")
    return found


def _keep(session: Any, wanted: OrderWanted, order: _Order) -> None:
    said = {"key": wanted.key, "state": order.state, "asked": order.asked}
    tickets = msgspec.json.encode(order.tickets).decode()
    session.execute(_WRITE, said | {"until": order.until, "tickets": tickets})
