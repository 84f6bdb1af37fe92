"""Which tickets can be given back, and which cannot stay without them. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.sales.errors import (
    AlreadyCancelledError,
    MustAlsoCancelError,
    PastCancellationError,
    TicketUsedError,
)

AGENT, EXCHANGE, VENUE = "agent", "exchange", "venue"
"""Why a ticket is cancelled; what the venue causes returns all, at no fee."""
HOLDS_PLACE, BESIDE = "wheelchair", "companion"


@dataclass(frozen=True, slots=True)
class Admission:
    """A ticket as its cancellation sees it.

    *pair*: of seats that are sold together, what they share; *tickets_min*: fewer of
    its line's offer are not sold; *last_at*: when its performance begins, *is_due*
    whether the venue owes its money back.
    """

    id: UUID
    line_no: int
    is_cancelled: bool
    is_used: bool
    seat_kind: str | None
    pair: tuple[str, ...] | None
    tickets_min: int
    last_at: datetime
    is_due: bool

    @property
    def is_left(self) -> bool:
        return not (self.is_cancelled or self.is_used)

    def refusal(self, now: datetime) -> str | None:
        """Return the code of why it cannot be cancelled now, if it cannot."""
        if self.is_cancelled:
            return AlreadyCancelledError.code
        if self.is_used:
            return TicketUsedError.code
        if now >= self.last_at and not self.is_due:
            return PastCancellationError.code
        return None


def must_also(tickets: Sequence[Admission], chosen: Collection[UUID]) -> list[UUID]:
    """Return tickets that cannot stay once the chosen are gone.

    The other seat of a pair; what would be fewer than the offer is sold in; companions
    once no wheelchair place of their line is left.
    """
    gone, found = set(chosen), list[UUID]()
    left = [ticket for ticket in tickets if ticket.is_left]
    while True:
        more = [t.id for t in left if t.id not in gone and _cannot_stay(t, left, gone)]
        if not more:
            return found
        gone.update(more)
        found += more


def _cannot_stay(
    ticket: Admission, left: Iterable[Admission], gone: Collection[UUID]
) -> bool:
    own = [other for other in left if other.line_no == ticket.line_no]
    leaving = [other for other in own if other.id in gone]
    if not leaving:
        return False
    if ticket.pair is not None and any(o.pair == ticket.pair for o in leaving):
        return True
    staying = [other for other in own if other.id not in gone]
    if len(staying) < ticket.tickets_min:
        return True
    places = Counter(o.seat_kind for o in staying)
    was = any(o.seat_kind == HOLDS_PLACE for o in leaving)
    return ticket.seat_kind == BESIDE and was and not places[HOLDS_PLACE]


def refuse_unless_returnable(
    tickets: Sequence[Admission], chosen: Collection[UUID], now: datetime
) -> None:
    """Raise the reason why the chosen cannot be cancelled, if there is one."""
    wanted = [ticket for ticket in tickets if ticket.id in chosen]
    if not wanted:
        raise AlreadyCancelledError
    refused: dict[str, list[Admission]] = {}
    for ticket in wanted:
        code = ticket.refusal(now)
        if code is not None:
            refused.setdefault(code, []).append(ticket)
    for error in (AlreadyCancelledError, TicketUsedError, PastCancellationError):
        if error.code in refused:
            ids = sorted(ticket.id for ticket in refused[error.code])
            began = min(ticket.last_at for ticket in refused[error.code])
            is_past = error is PastCancellationError
            more = {"began_at": began.isoformat()} if is_past else {}
            raise error(ticket_ids=ids, **more)
    also = must_also(tickets, chosen)
    if also:
        raise MustAlsoCancelError(ticket_ids=sorted(also))
