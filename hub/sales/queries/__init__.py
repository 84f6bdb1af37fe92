"""What the sale reads and locks. Nothing here writes."""

from hub.sales.queries.laws import broken_laws
from hub.sales.queries.sale import (
    OrderFilter,
    get_hold,
    get_order,
    has_due_holds,
    hold_lines,
    list_orders,
    lock_due_holds,
    order_lines,
    people,
    request_of,
    tickets,
)

__all__ = [
    "OrderFilter",
    "broken_laws",
    "get_hold",
    "get_order",
    "has_due_holds",
    "hold_lines",
    "list_orders",
    "lock_due_holds",
    "order_lines",
    "people",
    "request_of",
    "tickets",
]
