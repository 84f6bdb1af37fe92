"""What the sale reads and locks. Nothing here writes."""

from hub.sales.queries.laws import broken_laws
from hub.sales.queries.sale import (
    get_hold,
    get_order,
    has_due_holds,
    hold_lines,
    list_orders,
    lock_due_holds,
    order_lines,
    request_of,
    tickets,
)

__all__ = [
    "broken_laws",
    "get_hold",
    "get_order",
    "has_due_holds",
    "hold_lines",
    "list_orders",
    "lock_due_holds",
    "order_lines",
    "request_of",
    "tickets",
]
