"""The steps of the committer: holds and confirms, one transaction, each answered alone.

All that a batch locks and reads comes from one call, all it writes goes into another:
between the two it decides. Both kinds together, for both wait for the same credit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy.orm import Session

from hub.kernel import idempotency
from hub.kernel.committer import Committer, Steps, TryAgainError
from hub.kernel.errors import HubError
from hub.kernel.hot import Calls, Said, as_dbapi_error, hot_calls, inner_calls
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.kernel.metrics import ORDERS
from hub.sales.errors import PerformanceBusyError
from hub.sales.services.confirming import ConfirmBatch, confirm, confirm_batch
from hub.sales.services.counting import Counts
from hub.sales.services.halls import halls
from hub.sales.services.holds import HoldBatch, hold_batch, place, takes_of
from hub.sales.services.locking import lock_all
from hub.sales.services.ordering import ConfirmWish, said_of_orders
from hub.sales.services.storing import said_beside, said_of_holds
from hub.sales.services.wishes import HoldWish

Wish = HoldWish | ConfirmWish
PLACE_HOLDS = "SELECT place_holds(%s::json, %s::json, %s::json, %s::json, %s::json)"
PLACE_ORDERS = (
    "SELECT place_orders(%s::json, %s::json, %s::json, %s::json, %s::json, %s::json,"
    " %s::json, %s::json)"
)
COUNT = "SELECT count_sales(%s::json, %s::json, %s::json)"
LOST_SEATS, TWIN = "HB001", "HB002"
_SEATS = msgspec.json.Decoder(list[tuple[UUID, UUID]])


@dataclass(slots=True)
class SaleBatch:
    """What is locked for some wishes, and what has been decided so far.

    *shut*: wishes that must come again, by their holds: their performance is being
    changed, or somebody else has the hold.
    """

    earlier: dict[Key, Earlier]
    first: dict[Key, Wish]
    counts: Counts
    holds: HoldBatch
    confirms: ConfirmBatch
    shut: set[UUID]
    answers: dict[Key, Reply | HubError] = field(default_factory=dict)


def lock(calls: Calls, wishes: Sequence[Wish]) -> SaleBatch:
    """Lock what the wishes touch; then read keys and the clock.

    A performance that is being changed is not waited for, nor a hold that somebody
    else has: its wishes are sent back, or it would hold up the sale of all others.
    Whoever confirms the same hold under the same key comes again, and finds the reply.
    """
    confirmed = [wish for wish in wishes if isinstance(wish, ConfirmWish)]
    asked = _holds(wishes)
    takes = takes_of(asked)
    found, busy = lock_all(calls, asked, confirmed, takes)
    shut: set[UUID] = set()
    if busy:
        every = (wish for wish in wishes if isinstance(wish, HoldWish))
        shut = {wish.hold_id for wish in every if busy & _shared(wish)}
        asked = _holds([wish for wish in wishes if wish.hold_id not in shut])
        takes = takes_of(asked)
        found, more = lock_all(calls, asked, confirmed, takes)
        if more:
            raise TryAgainError
    shut |= set(found.shut or ())
    counts = found.counts()
    return SaleBatch(
        earlier=found.earlier(),
        first={w.claim.key: w for w in reversed(wishes) if w.hold_id not in shut},
        counts=counts,
        holds=hold_batch(found, counts, takes),
        confirms=confirm_batch(calls.connection, found, counts),
        shut=shut,
    )


def _holds(wishes: Sequence[Wish]) -> list[HoldWish]:
    """Return what is to be held: of those that came twice under a key the first."""
    first: dict[Key, HoldWish] = {}
    for wish in wishes:
        if isinstance(wish, HoldWish):
            first.setdefault(wish.claim.key, wish)
    return list(first.values())


def _shared(wish: HoldWish) -> set[UUID]:
    return wish.performance_ids | {line.offer.supplier_id for line in wish.lines}


def decide(batch: SaleBatch, wish: Wish) -> Reply | HubError:
    """Answer one wish: the earlier reply, a refusal, a hold or an order."""
    if wish.hold_id in batch.shut:
        return PerformanceBusyError()

    def work() -> Reply:
        if isinstance(wish, HoldWish):
            return place(batch.holds, wish)
        return confirm(batch.confirms, wish)

    first = batch.first[wish.claim.key].claim
    return idempotency.once_in_batch(
        wish.claim, first, batch.earlier, batch.answers, work
    )


def write(calls: Calls, batch: SaleBatch) -> None:
    """Store what was decided, and commit; a refused wish leaves nothing behind.

    TryAgainError when another process was faster with a seat, a key or a reference.
    """
    placed, made = batch.holds.placed, batch.confirms.made
    said: list[Said] = []
    if placed:
        said.append((PLACE_HOLDS, said_of_holds(batch.holds)))
        said += said_beside([(one.wish, one.now) for one in placed])
    if made:
        said.append((PLACE_ORDERS, said_of_orders(made)))
        said += said_beside([(one.wish, one.at) for one in made])
    if not said:
        return
    try:
        calls.commit(*said, (COUNT, batch.counts.said()))
    except psycopg.Error as error:
        if error.sqlstate == LOST_SEATS:
            lost = _SEATS.decode(error.diag.message_detail or "[]")
            halls.learn((performance, seat, None) for performance, seat in lost)
        if error.sqlstate in {LOST_SEATS, TWIN}:
            raise TryAgainError from error  # choose among what is left, or replay
        raise
    batch.counts.warn()
    ORDERS.labels("confirmed").inc(len(made))


def confirm_within(session: Session, wish: ConfirmWish) -> Reply:
    """Confirm a hold in a session's own transaction, beside what else it does.

    What the wish is refused for is raised; PerformanceBusyError if another was faster.
    """
    calls = inner_calls(session)
    try:
        batch = lock(calls, [wish])
        answer = decide(batch, wish)
        if isinstance(answer, HubError):
            raise answer
        write(calls, batch)
    except TryAgainError as error:
        raise PerformanceBusyError from error
    except psycopg.Error as error:
        raise as_dbapi_error(error) from error
    return answer


def refuse_unless_confirmable(session: Session, wish: ConfirmWish) -> None:
    """Raise why a hold could not be confirmed now; what it locks stays locked.

    PerformanceBusyError if somebody else has it.
    """
    try:
        answer = decide(lock(inner_calls(session), [wish]), wish)
    except TryAgainError as error:
        raise PerformanceBusyError from error
    except psycopg.Error as error:
        raise as_dbapi_error(error) from error
    if isinstance(answer, HubError):
        raise answer


STEPS = Steps(lock=lock, decide=decide, write=write)
SaleCommitter = Committer[Calls, Wish, SaleBatch, Reply]


def sale_committer(*, is_batching: bool = True) -> SaleCommitter:
    """Make the committer of sales; without batching each is decided by itself."""
    return Committer(STEPS, is_batching=is_batching, open_transaction=hot_calls)
