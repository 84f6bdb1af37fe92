"""The one port: what the hub asks of every supplier's system, in the hub's words.

Each supplier has its own folder under ``suppliers``; it says what it can do, and
answers in these values or raises one of the three errors: nothing was sent, nobody
knows, or it said no. What it lists are feed records, so that what is pulled goes the
way of what is pushed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from connectors.feed.records import (
    AuditoriumRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)


class Told(StrEnum):
    """How a supplier tells what is left of a performance."""

    EXACT = "exact"
    BUCKET = "bucket"
    YES_NO = "yes-no"
    NEGATIVE_SET = "negative-set"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a supplier's system can do.

    *sells*: it sells itself, and its word is needed; else the hub is the master of
    the seats. *own_order_key*: an order has the key the hub gives it, else one of the
    supplier's, told with the lock; *ask_by_key*: what became of it can be asked by
    that. *release*: a lock can be let go, else it runs out. *channel_quota*: it keeps
    a number of seats for us. *codes*: one for an ``order``, or one for each ``ticket``.
    """

    sells: bool
    availability: Told
    seat_choice: bool = False
    separate_lock: bool = False
    release: bool = True
    extend: bool = False
    own_order_key: bool = False
    ask_by_key: bool = False
    cancel: bool = False
    partial_cancel: bool = False
    price_override: bool = False
    channel_quota: bool = False
    incremental: bool = False
    by_venue: bool = True
    codes: str = "ticket"


@dataclass(frozen=True, slots=True)
class SeatWanted:
    """A seat by the supplier's own code, and as it is printed."""

    code: str
    row: str
    number: str


@dataclass(frozen=True, slots=True)
class LineWanted:
    """Tickets of one offer: *type_code* is the supplier's for the price type."""

    no: int
    area: str
    price_type: str
    type_code: str
    quantity: int
    face_minor: int
    currency: str
    seats: tuple[SeatWanted, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderWanted:
    """What is locked or sold: one performance, under the hub's own key (32 hex).

    *theirs* is the supplier's key, once it has told one.
    """

    key: str
    performance: str
    lines: tuple[LineWanted, ...]
    ttl_s: int
    theirs: str | None = None

    @property
    def total_minor(self) -> int:
        """The face value of all tickets."""
        return sum(line.face_minor * line.quantity for line in self.lines)

    @property
    def quantity(self) -> int:
        """How many tickets."""
        return sum(line.quantity for line in self.lines)

    def seat_codes(self) -> list[str]:
        """Return the codes of the seats that are wanted, in the order of the lines."""
        return [seat.code for line in self.lines for seat in line.seats]


@dataclass(frozen=True, slots=True)
class Locked:
    """Seats the supplier has locked: until when (aware UTC), at what price in all.

    *until* is None where nothing runs out: a lock that is a look only.
    *seats*: the codes of what is locked, empty where it does not say.
    """

    theirs: str | None
    until: datetime | None
    total_minor: int | None
    quantity: int
    seats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketSold:
    """An admission the supplier has sold: its code, and its seat if it has one.

    *placement*: where to sit as it is printed, where the supplier chooses that.
    """

    code: str
    seat: str | None = None
    placement: str | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale the supplier confirms; *is_shared*: one code lets all of it in."""

    theirs: str
    tickets: tuple[TicketSold, ...]
    is_shared: bool = False


class Standing(StrEnum):
    """What a supplier says of an order it is asked about by our key."""

    NOTHING = "nothing"
    LOCKED = "locked"
    PENDING = "pending"
    SOLD = "sold"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an order stands, and what was sold if it was."""

    standing: Standing
    sold: Sold | None = None
    theirs: str | None = None


@dataclass(frozen=True, slots=True)
class Available:
    """What a supplier says is left of a performance, by area.

    *left*: a number, or None where it only says that there is some. *gone*: codes of
    seats that cannot be had, where it tells seats.
    """

    left: Mapping[str, int | None]
    gone: frozenset[str] | None = None
    is_on_sale: bool = True


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is on at a venue: all of it, or (*is_complete* false) what has changed.

    *mark* is what to send next time, so that the supplier tells only news; *digest*
    is of the reply as it came: the same again holds nothing new, and is told as a
    *count* only. *prints* are of its rows: one that was there before may be left out,
    and is only among what is *told*. *skipped*: what could not be read, in words.
    """

    productions: Sequence[ProductionRecord]
    performances: Sequence[PerformanceRecord]
    is_complete: bool = True
    mark: str | None = None
    available: Mapping[str, Available] = field(default_factory=dict)
    digest: bytes | None = None
    prints: bytes | None = None
    told: Collection[str] = ()
    is_unchanged: bool = False
    count: int = 0
    rooms: Sequence[AuditoriumRecord] = ()
    skipped: Sequence[str] = ()

    @classmethod
    def same(cls, digest: bytes, count: int) -> "Schedule":
        """Tell that nothing of a venue's so many performances has changed."""
        return cls((), (), digest=digest, is_unchanged=True, count=count)

    def refs(self) -> set[str]:
        """Return the performances it names."""
        named = {one.ref for one in self.performances}
        return named.union(self.told, self.available)


@dataclass(frozen=True, slots=True)
class Begun:
    """A reading has begun: *is_unchanged* if the source says nothing is new."""

    mark: str | None = None
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a venue before: its mark, the digests of reply and rows."""

    mark: str | None = None
    digest: bytes | None = None
    prints: bytes | None = None


class Rooms(Protocol):
    """The rooms of a venue, as far as the hub knows them; others are asked for."""

    def areas(self, ref: str, performance: str) -> Mapping[str, int]:
        """Return the areas of a room with their capacities."""


class Port(Protocol):
    """A supplier's system. Every method may raise the three errors."""

    capabilities: ClassVar[Capabilities]

    def begin(self, mark: str | None) -> Begun:
        """Begin to read everything; *mark* is what the last whole reading gave."""

    def venues(self) -> Sequence[VenueRecord]:
        """List the venues, with their zones."""

    def auditorium(
        self, venue: VenueRecord, ref: str, performance: str
    ) -> AuditoriumRecord:
        """Tell the seat map of a room; some tell it of a performance there only."""

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell what is on at a venue: all of it, or what is new since it was read.

        Where not ``by_venue``, everything the source has, venues and rooms as well.
        """

    def availability(self, performance: str) -> Available:
        """Tell what is left of a performance at this moment."""

    def lock(self, wanted: OrderWanted) -> Locked:
        """Lock seats under our key; without ``separate_lock`` see what there is."""

    def extend(self, wanted: OrderWanted) -> datetime | None:
        """Give a lock its time again; return until when, None for no end."""

    def release(self, wanted: OrderWanted) -> None:
        """Let a lock go: after this nothing is sold by it. Twice is no mistake."""

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell what is locked."""

    def ask(self, wanted: OrderWanted) -> Answer:
        """Tell how the order of our key stands, with its codes if it is sold.

        NoAnswerError where there is no ``ask_by_key``.
        """

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:
        """Cancel tickets of a sale; all of it, where there is no ``partial_cancel``.

        Twice is no mistake.
        """
