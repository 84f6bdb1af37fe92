"""How holds and orders are told while suppliers are being asked about them."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.idempotency import Reply
from hub.sales import queries
from hub.sales.errors import SupplierUnavailableError
from hub.sales.models import SuppliedSale
from hub.sales.queries.supplied import sale_by_order, sale_of
from hub.sales.rules.supplied import SaleState, Told
from hub.sales.services import views

CREATED, ACCEPTED = 201, 202
TELL_AS = {
    SaleState.SELLING: Told.CONFIRMING,
    SaleState.UNKNOWN: Told.UNKNOWN,
    SaleState.REJECTED: Told.REJECTED,
}


def sale_reply(session: Session, who: Caller, hold_id: UUID) -> Reply:
    """Return how a sale stands: 201 with its order, or 202 with what is known."""
    sale = sale_of(session, hold_id)
    if sale is None:  # no supplier could be asked: its hold stands as before
        raise SupplierUnavailableError(hold_id=hold_id)
    if sale.state == SaleState.CONFIRMED:
        return Reply(CREATED, order_view(session, who, sale.order_id))
    return Reply(ACCEPTED, _under_way(session, sale))


def order_view(session: Session, who: Caller, order_id: UUID) -> dict[str, Any]:
    """Return an agent's order as it stands, or the sale that is to become it."""
    try:
        order = queries.get_order(
            session, order_id, world=who.world, agent_id=who.partner
        )
    except NotFoundError:
        sale = sale_by_order(session, order_id, world=who.world, agent_id=who.partner)
        if sale is None:
            raise
        return _under_way(session, sale)
    return views.order_views(session, [order])[0]


def _under_way(session: Session, sale: SuppliedSale) -> dict[str, Any]:
    state = TELL_AS[SaleState(sale.state)]
    return views.sale_view(session, sale, state)
