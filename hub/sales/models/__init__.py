"""Tables of the sale."""

from hub.sales.models.disruptions import Disruption, Notice, RefundRun
from hub.sales.models.holds import FrozenQuote, Hold, HoldLine
from hub.sales.models.measured import AvailabilityKept
from hub.sales.models.orders import FormerCode, Order, OrderLine, OrderPerson, Ticket
from hub.sales.models.supplied import SuppliedSale, SupplierOrder

__all__ = [
    "AvailabilityKept",
    "Disruption",
    "FormerCode",
    "FrozenQuote",
    "Hold",
    "HoldLine",
    "Notice",
    "Order",
    "OrderLine",
    "OrderPerson",
    "RefundRun",
    "SuppliedSale",
    "SupplierOrder",
    "Ticket",
]
