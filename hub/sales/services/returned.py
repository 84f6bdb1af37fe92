"""What came back for tickets of orders, or would: minor units, as agents see it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.sales.models import Order, OrderLine, Ticket
from hub.sales.rules.returning import VENUE
from settlement.rules.facts import Fact, moved
from settlement.rules.quotes import Quote

BUYERS = {"face": 1, "discount": -1, "booking-fee": 1}
NAMES = ("price_minor", "commission_minor", "service_fee_minor", "refund_fee_minor")


def of_line(
    order: Order, line: OrderLine, cancelled: tuple[int, int], *, is_due: bool
) -> Counter[str]:
    """Return what comes back of a line whose cancelled tickets go from so many to more.

    *due*: at the venue's cost, so that nothing is kept and no fee taken.
    """
    quote = Quote.loaded(line.quote)
    at = order.confirmed_at
    fact = Fact(order.id, line.no, 1, quote, cancelled, at, at, is_due)
    back: Counter[str] = Counter()
    for amount in quote.amounts:
        if fact.leaves(amount):
            continue
        minor = -moved(amount.minor, fact)
        if amount.what in BUYERS:
            back["price_minor"] += BUYERS[amount.what] * minor
        elif amount.side == "agent" and amount.what == "commission":
            back["commission_minor"] += minor
        elif amount.side == "agent" and amount.what == "service-fee":
            back["service_fee_minor"] += minor
    fee = quote.agent.refund_fee_minor if quote.agent and not is_due else 0
    back["refund_fee_minor"] += fee * (cancelled[1] - cancelled[0])
    return back


def summed(back: Mapping[str, int]) -> dict[str, int]:
    """Return the sums with what they come to for the agent's debt."""
    said = {name: back.get(name, 0) for name in NAMES}
    gained = said["price_minor"] + said["service_fee_minor"]
    lost = said["commission_minor"] + said["refund_fee_minor"]
    return said | {"net_minor": gained - lost}


def refunds(
    order: Order, lines: Sequence[OrderLine], tickets: Sequence[Ticket]
) -> list[dict[str, Any]]:
    """Return what each cancellation of an order brought back, oldest first."""
    groups: dict[tuple[datetime, str], list[Ticket]] = {}
    for ticket in tickets:
        if ticket.cancelled_at is not None and ticket.cancelled_for is not None:
            key = (ticket.cancelled_at, ticket.cancelled_for)
            groups.setdefault(key, []).append(ticket)
    gone: Counter[int] = Counter()
    found = []
    for (at, why), group in sorted(groups.items()):
        back: Counter[str] = Counter()
        count = Counter(ticket.line_no for ticket in group)
        for line in lines:
            if count[line.no]:
                span = (gone[line.no], gone[line.no] + count[line.no])
                back.update(of_line(order, line, span, is_due=why == VENUE))
        gone += count
        ids = [str(ticket.id) for ticket in group]
        told = {"at": at.isoformat(), "cancelled_for": why, "ticket_ids": ids}
        found.append(told | summed(back))
    return found
