"""Agents' resources: orders, what cancelling or exchanging comes to, and doing it."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask.views import MethodView
from sqlalchemy.orm import Session

from allocation import errors as allocation
from hub.catalogue import errors as catalogue
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, OverloadedError
from hub.kernel.http import IdempotencyKeySchema
from hub.kernel.idempotency import Reply
from hub.kernel.pages import id_after, page
from hub.kernel.writes import KEYS, claim_of, once, replied
from hub.sales import errors, queries
from hub.sales.api.blueprint import blp
from hub.sales.models import Order
from hub.sales.schemas import orders as schemas
from hub.sales.schemas import returning
from hub.sales.services import cancelling, exchanging, replacing, views
from hub.sales.services.confirming import ASK_SUPPLIER
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import submit
from hub.sales.services.supplied.returning import cancel_live, has_live
from hub.sales.services.supplied.selling import sell_live
from hub.sales.services.supplied.telling import order_view

CONFIRMS = (
    errors.HoldExpiredError,
    errors.HoldReleasedError,
    errors.AlreadyConfirmedError,
    errors.ReferenceTakenError,
    catalogue.PerformanceCancelledError,
    catalogue.PerformancePostponedError,
    allocation.StoppedError,
    errors.HoldChangedError,
    errors.HoldVoidedError,
    errors.HoldRequestedError,
    errors.RealNameRequiredError,
    errors.NameTwiceError,
    errors.NameTakenError,
    errors.ResalePriceError,
    errors.PerformanceBusyError,
)
SUPPLIERS = (errors.SupplierRefusedError, errors.SupplierUnavailableError)
UNDER_WAY = "A supplier has not answered: Location and Retry-After say where and when"
RETURNS = (
    errors.AlreadyCancelledError,
    errors.PastCancellationError,
    errors.TicketUsedError,
    errors.MustAlsoCancelError,
)


def _view(session: Session, order: Order) -> dict[str, Any]:
    session.flush()  # the view reads the lines as they are now
    return views.order_views(session, [order])[0]


@blp.route("/orders")
class Orders(MethodView):
    @blp.arguments(schemas.OrderQuerySchema, location="query")
    @blp.response(200, schemas.OrderPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> Response:
        """List the agent's orders, oldest first; find some by what is known of them."""
        limit, after = wanted.pop("limit"), id_after(wanted.pop("after", None))
        who = caller()
        with transaction() as session:
            rows = queries.list_orders(
                session,
                queries.OrderFilter(who.world, who.partner, **wanted),
                after=after,
                limit=limit,
            )
            found = page(rows, limit, lambda row: [row.id])
            found["items"] = views.order_views(session, found["items"])
            return replied(Reply(200, found))

    @blp.arguments(schemas.OrderRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.alt_response(202, schema=schemas.OrderSchema, description=UNDER_WAY)
    @blp.problems(
        *CONFIRMS, *SUPPLIERS, errors.SaleUnderWayError, OverloadedError, *KEYS
    )
    def post(self, wanted: dict[str, Any], headers: dict[str, str]) -> Response:
        """Confirm a hold into an order with tickets.

        What a supplier sells itself is sold by its word. If it does not answer, the
        order is `unknown` until it does: its seats stay yours, nothing is charged, and
        you do not ask again under another reference.
        """
        who = caller()
        wish = ConfirmWish(
            claim_of(headers["idempotency_key"]), who.world, who.partner, **wanted
        )
        reply = submit(current_app.extensions["committer"], wish)
        if reply.status == ASK_SUPPLIER.status:
            reply = sell_live(current_app.extensions["suppliers"], who, wish)
        return _answered(reply)


def _answered(reply: Reply) -> Response:
    """Say of an order whose suppliers have not answered where to look, and when."""
    response = replied(reply)
    if reply.status == HTTPStatus.ACCEPTED:
        response.headers["Location"] = f"/v1/orders/{reply.body['id']}"
        response.headers["Retry-After"] = str(errors.SaleUnderWayError.retry_after_s)
    return response


@blp.route("/orders/<uuid:order_id>")
class OrderById(MethodView):
    @blp.response(200, schemas.OrderSchema)
    @blp.conditional
    @blp.problems()
    def get(self, order_id: UUID) -> Response:
        """Show an order with its tickets; or the sale that is to become it."""
        with transaction() as session:
            return replied(Reply(200, order_view(session, caller(), order_id)))


@blp.route("/orders/<uuid:order_id>/cancellation-quotes")
class CancellationQuotes(MethodView):
    @blp.arguments(returning.CancellationQuoteRequestSchema)
    @blp.response(200, returning.CancellationQuoteSchema)
    @blp.problems()
    def post(self, wanted: dict[str, Any], order_id: UUID) -> Response:
        """Say what cancelling tickets would give back; nothing is cancelled."""
        with transaction() as session:
            found = cancelling.giving(
                session, caller(), order_id, wanted.get("ticket_ids")
            )
            return replied(Reply(200, cancelling.quoted(found)))


@blp.route("/orders/<uuid:order_id>/cancellations")
class OrderCancellations(MethodView):
    @blp.arguments(returning.CancellationRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.alt_response(202, schema=schemas.OrderSchema, description=UNDER_WAY)
    @blp.problems(
        *RETURNS,
        *SUPPLIERS,
        errors.SaleUnderWayError,
        errors.OrderChangedError,
        errors.CancellationDifferenceError,
        *KEYS,
    )
    def post(
        self, wanted: dict[str, Any], headers: dict[str, str], order_id: UUID
    ) -> Response:
        """Cancel tickets of an order, or all that are left.

        What a supplier has sold itself it is asked to take back; until it has answered
        the order names those performances in `cancelling`.
        """
        who, key = caller(), headers["idempotency_key"]
        with transaction() as session:
            is_live = has_live(session, who, order_id)
        if is_live:
            suppliers = current_app.extensions["suppliers"]
            claim = claim_of(key)
            return _answered(cancel_live(suppliers, who, claim, order_id, wanted))

        def cancel(session: Session) -> dict[str, Any]:
            order = cancelling.cancel_tickets(
                *(session, caller(), order_id, wanted.get("ticket_ids")),
                order_version=wanted.get("order_version"),
                net_minor=wanted.get("net_minor"),
            )
            return _view(session, order)

        return once(key, 201, cancel)


@blp.route("/orders/<uuid:order_id>/exchange-quotes")
class ExchangeQuotes(MethodView):
    @blp.arguments(returning.ExchangeQuoteRequestSchema)
    @blp.response(200, returning.ExchangeQuoteSchema)
    @blp.problems(
        errors.HoldExpiredError,
        errors.HoldReleasedError,
        errors.HoldVoidedError,
        errors.HoldRequestedError,
        errors.AlreadyConfirmedError,
        errors.NotExchangeableError,
    )
    def post(self, wanted: dict[str, Any], order_id: UUID) -> Response:
        """Say what exchanging tickets for a hold comes to; nothing is exchanged."""
        with transaction() as session:
            found = exchanging.quote_exchange(
                session,
                caller(),
                order_id,
                ticket_ids=wanted.get("ticket_ids"),
                hold_id=wanted["hold_id"],
            )
            return replied(Reply(200, found))


@blp.route("/orders/<uuid:order_id>/exchanges")
class OrderExchanges(MethodView):
    @blp.arguments(returning.ExchangeRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.problems(
        *CONFIRMS,
        *RETURNS,
        errors.ExchangeDifferenceError,
        errors.NotExchangeableError,
        errors.NotLiveError,
        *KEYS,
    )
    def post(
        self, wanted: dict[str, Any], headers: dict[str, str], order_id: UUID
    ) -> Response:
        """Give tickets up for a hold: both or neither; answers the new order."""
        who, key = caller(), headers["idempotency_key"]
        said: dict[str, Any] = {
            name: wanted.pop(name)
            for name in ("ticket_ids", "difference_minor")
            if name in wanted
        }
        wish = ConfirmWish(claim_of(key), who.world, who.partner, **wanted)
        return once(
            key,
            201,
            lambda session: exchanging.exchange(session, order_id, wish, said, who),
        )


@blp.route("/orders/<uuid:order_id>/tickets/<uuid:ticket_id>/replacements")
class TicketReplacements(MethodView):
    @blp.arguments(returning.ReplacementRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.problems(
        errors.TicketUsedError, errors.TicketCancelledError, errors.NotLiveError, *KEYS
    )
    def post(
        self,
        wanted: dict[str, Any],
        headers: dict[str, str],
        order_id: UUID,
        ticket_id: UUID,
    ) -> Response:
        """Replace a ticket's code, for the old one is lost: it opens no door then."""

        def work(session: Session) -> dict[str, Any]:
            order = replacing.replace_code(
                session, caller(), order_id, ticket_id, wanted["reason"]
            )
            return _view(session, order)

        return once(headers["idempotency_key"], 201, work)
