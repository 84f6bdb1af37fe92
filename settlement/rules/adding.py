"""What a fact adds to the totals of both sides' contracts. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from settlement.rules.facts import Fact, moved
from settlement.rules.quotes import Running, Side
from settlement.rules.statements import Seen

NOTHING = {"counted": 0, "measured": 0, "base_minor": 0, "accrued_minor": 0}
NONE_SEEN = dict.fromkeys(
    (
        *("tickets", "face_minor", "booking_fee_minor", "service_fee_minor"),
        *("commission_minor", "other_minor", "due_minor"),
    ),
    0,
)


@dataclass(frozen=True, slots=True)
class Added:
    """What is added to a contract's day, and to one of its running totals."""

    contract_id: str
    terms_id: str
    day: date
    bucket: str
    measures: dict[str, int]


def added(fact: Fact, seen: Seen) -> Iterator[Added]:
    """Yield what a sale or cancellation adds: one row a side, more for more totals.

    The day is that of the side's statement; the running total is that of the sale,
    also when a later day gives back.
    """
    for name, side in (("supplier", fact.quote.supplier), ("agent", fact.quote.agent)):
        assert side is not None  # noqa: S101 - a sale has both sides
        at = fact.stated_at(name) or fact.happened_at
        day = at.astimezone(ZoneInfo(side.zone)).date()
        amounts = {"tickets": fact.tickets, **seen[name]}
        for running in side.running or (None,):
            bucket, ran = (
                ("", NOTHING) if running is None else _ran(fact, side, running)
            )
            yield Added(side.contract_id, side.terms_id, day, bucket, amounts | ran)
            amounts = NONE_SEEN


def _ran(fact: Fact, side: Side, running: Running) -> tuple[str, dict[str, int]]:
    sold_at = fact.sold_at or fact.happened_at
    place = fact.quote.place
    key = running.key(sold_at, place.performance_at, place.performance)
    name = "supplier" if side is fact.quote.supplier else "agent"
    found = [
        amount
        for amount in fact.quote.of(running.what, name)
        if not fact.leaves(amount)
    ]
    accrued = sum(moved(amount.earned_minor, fact) for amount in found)
    ran = NOTHING | {"accrued_minor": accrued}
    if not fact.sequence or (side.refunds == "true-up" and found):
        ran |= {
            "counted": fact.tickets,
            "measured": moved(running.measured, fact),
            "base_minor": moved(running.base_minor, fact),
        }
    return key, ran
