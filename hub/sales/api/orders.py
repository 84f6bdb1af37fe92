"""Agents' resources: orders, and cancelling them."""

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
from hub.kernel.http import IdempotencyKeySchema, replied
from hub.kernel.idempotency import Reply
from hub.kernel.pages import id_after, page
from hub.sales import errors, queries
from hub.sales.api.blueprint import KEYS, blp, claim_of, once
from hub.sales.schemas import sale as schemas
from hub.sales.services import orders, views
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import submit


@blp.route("/orders")
class Orders(MethodView):
    @blp.arguments(schemas.OrderQuerySchema, location="query")
    @blp.response(200, schemas.OrderPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> Response:
        """List the agent's orders, oldest first; find one by its reference."""
        limit = wanted["limit"]
        with transaction() as session:
            rows = queries.list_orders(
                session,
                world=caller().world,
                agent_id=caller().partner,
                reference=wanted.get("reference"),
                after=id_after(wanted.get("after")),
                limit=limit,
            )
            found = page(rows, limit, lambda row: [row.id])
            found["items"] = views.order_views(session, found["items"])
            return replied(Reply(200, found))

    @blp.arguments(schemas.OrderRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.problems(
        errors.HoldExpiredError,
        errors.HoldReleasedError,
        errors.AlreadyConfirmedError,
        errors.ReferenceTakenError,
        catalogue.PerformanceCancelledError,
        allocation.StoppedError,
        errors.HoldChangedError,
        errors.HoldVoidedError,
        errors.HoldRequestedError,
        errors.PerformanceBusyError,
        OverloadedError,
        *KEYS,
    )
    def post(self, wanted: dict[str, Any], headers: dict[str, str]) -> Response:
        """Confirm a hold into an order with tickets."""
        who = caller()
        wish = ConfirmWish(
            claim_of(headers["idempotency_key"]), who.world, who.partner, **wanted
        )
        return replied(submit(current_app.extensions["committer"], wish))


@blp.route("/orders/<uuid:order_id>")
class OrderById(MethodView):
    @blp.response(200, schemas.OrderSchema)
    @blp.problems()
    def get(self, order_id: UUID) -> Response:
        """Show an order with its tickets."""
        who = caller()
        with transaction() as session:
            order = queries.get_order(
                session, order_id, world=who.world, agent_id=who.partner
            )
            return replied(Reply(200, views.order_views(session, [order])[0]))


@blp.route("/orders/<uuid:order_id>/cancellations")
class OrderCancellations(MethodView):
    @blp.arguments(schemas.CancellationRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.problems(errors.AlreadyCancelledError, errors.PastCancellationError, *KEYS)
    def post(
        self, wanted: dict[str, Any], headers: dict[str, str], order_id: UUID
    ) -> Response:
        """Cancel tickets of an order, or all that are left."""

        def cancel(session: Session) -> dict[str, Any]:
            order = orders.cancel_tickets(
                session, caller(), order_id, wanted.get("ticket_ids")
            )
            session.flush()  # the view reads the lines as they are now
            return views.order_views(session, [order])[0]

        return once(headers["idempotency_key"], 201, cancel)
