"""Sending tickets over HTTP: methods, shipments."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from sqlalchemy.orm import Session

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.http import IdempotencyKeySchema, PageSchema
from hub.kernel.pages import id_after, page
from hub.kernel.writes import KEYS, once
from hub.tickets import errors, schemas
from hub.tickets.api.blueprint import blp
from hub.tickets.queries.shipping import get_shipment, shipments_waiting
from hub.tickets.services import shipping


@blp.route("/delivery-methods")
class DeliveryMethods(MethodView):
    @blp.response(200, schemas.MethodListSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """List ways to send tickets; to an agent those it has, with their fee."""
        with transaction() as session:
            return {"items": shipping.methods_for(session, caller())}

    @blp.keyed
    @blp.arguments(schemas.MethodRequestSchema)
    @blp.response(201, schemas.MethodSchema)
    @blp.problems(errors.MethodTakenError)
    def post(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Add a way to send tickets; agents whose terms price it are offered it."""
        with transaction() as session:
            return shipping.add_method(session, caller(), **wanted)


@blp.route("/delivery-methods/<ref>")
class DeliveryMethodByRef(MethodView):
    @blp.keyed
    @blp.arguments(schemas.MethodChangeSchema)
    @blp.response(200, schemas.MethodSchema)
    @blp.problems()
    def put(self, wanted: dict[str, Any], ref: str) -> dict[str, Any]:
        """Offer a way to send tickets again, or no more."""
        with transaction() as session:
            return shipping.set_offered(session, caller(), ref, **wanted)


@blp.route("/orders/<uuid:order_id>/shipment")
class OrderShipment(MethodView):
    @blp.response(200, schemas.ShipmentSchema)
    @blp.problems()
    def get(self, order_id: UUID) -> dict[str, Any]:
        """Show where an order's tickets are on their way."""
        with transaction() as session:
            return get_shipment(session, caller(), order_id=order_id)

    @blp.arguments(schemas.ShipmentRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(200, schemas.ShipmentSchema)
    @blp.problems(
        errors.NotDeliveredThereError,
        errors.TooLateToDeliverError,
        errors.NothingToShowError,
        errors.ShipmentAskedError,
        errors.DispatchedError,
        *KEYS,
    )
    def put(
        self, wanted: dict[str, Any], headers: dict[str, str], order_id: UUID
    ) -> Response:
        """Have an order's tickets sent, for a fee; or correct the address."""

        def work(session: Session) -> dict[str, Any]:
            shipping.ask_for_delivery(
                session, caller(), order_id, wanted["method"], wanted["address"]
            )
            session.flush()
            found = get_shipment(session, caller(), order_id=order_id)
            said: dict[str, Any] = schemas.ShipmentSchema().dump(found)
            return said

        return once(headers["idempotency_key"], 200, work)


@blp.route("/shipments")
class Shipments(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, schemas.ShipmentPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List shipments that wait to be sent, oldest first."""
        limit, after = wanted["limit"], id_after(wanted.get("after"))
        with transaction() as session:
            rows = shipments_waiting(session, caller(), after=after, limit=limit)
        return page(rows, limit, lambda row: [row["id"]])


@blp.route("/shipments/<uuid:shipment_id>/dispatch")
class ShipmentDispatch(MethodView):
    @blp.keyed
    @blp.arguments(schemas.DispatchSchema)
    @blp.response(200, schemas.ShipmentSchema)
    @blp.problems(errors.DispatchedError, errors.NothingToShowError)
    def post(self, wanted: dict[str, Any], shipment_id: UUID) -> dict[str, Any]:
        """Note that tickets are on their way, by whom and under which number."""
        with transaction() as session:
            shipping.dispatch(
                session,
                caller(),
                shipment_id,
                wanted["carrier"],
                wanted.get("tracking"),
            )
            return get_shipment(session, caller(), shipment_id=shipment_id)
