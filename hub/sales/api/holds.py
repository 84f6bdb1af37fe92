"""Agents' resources: holds, their extension, and reports of sales."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask.views import MethodView
from sqlalchemy.orm import Session

from allocation import errors as allocation
from hub.catalogue import errors as catalogue
from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import OverloadedError
from hub.kernel.http import IdempotencyKeySchema
from hub.kernel.idempotency import Reply
from hub.kernel.writes import KEYS, claim_of, earlier, replied, step
from hub.sales import errors, queries
from hub.sales.api.blueprint import blp
from hub.sales.api.placing import placed
from hub.sales.schemas import sale as schemas
from hub.sales.schemas.orders import OrderSchema
from hub.sales.services import keeping, lapse, views
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import submit
from hub.sales.services.supplied.extending import ask_to_extend
from hub.sales.services.wishes import HoldWish
from settlement.errors import CreditExhaustedError, NoTermsError

SUPPLIERS = (errors.SupplierRefusedError, errors.SupplierUnavailableError)


@blp.route("/holds")
class Holds(MethodView):
    @blp.arguments(schemas.HoldRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.HoldSchema)
    @blp.alt_response(
        202,
        schema=schemas.HoldSchema,
        description="The supplier is asked: Location and Retry-After say when to look",
    )
    @blp.problems(
        allocation.AllotmentExhaustedError,
        allocation.SeatsTakenError,
        allocation.NotAllottedError,
        allocation.OvercommittedError,
        allocation.UnknownSeatsError,
        allocation.SeatsNotSoldError,
        allocation.SingleSeatError,
        allocation.StoppedError,
        allocation.CapReachedError,
        allocation.ProtectedError,
        allocation.BuyerNeededError,
        catalogue.NotOfferedError,
        catalogue.PerformanceCancelledError,
        catalogue.SalesNotOpenError,
        catalogue.SalesClosedError,
        errors.TicketLimitError,
        errors.MixedCurrenciesError,
        errors.OfferChangedError,
        errors.PerformanceBusyError,
        errors.LookToBookError,
        *SUPPLIERS,
        errors.SupplierPriceError,
        errors.SupplierSilentError,
        errors.NotLiveError,
        NoTermsError,
        CreditExhaustedError,
        OverloadedError,
        *KEYS,
    )
    def post(self, wanted: dict[str, Any], headers: dict[str, str]) -> Response:
        """Place a hold: all lines or none, at prices fixed until it expires.

        What a supplier sells itself it locks as well; if it does not, nothing is held.

        Where the plan lets an agent sell on request only, the hold is ``requested`` and
        takes no seat until the supplier has answered.
        """
        claim = claim_of(headers["idempotency_key"])
        until = wanted.get("option_until")

        def prepare(wish: HoldWish) -> HoldWish:
            if until is None:
                return wish
            with transaction() as session:
                now = clock.now(session, wish.world)
            return keeping.as_option(wish, until, now)

        return _answered(placed(claim, wanted, prepare))


def _answered(reply: Reply) -> Response:
    """Say of a hold that the supplier is asked for where to look, and when."""
    response = replied(reply)
    if reply.status == HTTPStatus.ACCEPTED:
        response.headers["Location"] = f"/v1/holds/{reply.body['id']}"
        response.headers["Retry-After"] = str(errors.HoldRequestedError.retry_after_s)
    return response


@blp.route("/holds/<uuid:hold_id>")
class HoldById(MethodView):
    @blp.response(200, schemas.HoldSchema)
    @blp.problems()
    def get(self, hold_id: UUID) -> Response:
        """Show a hold as it stands."""
        who = caller()
        with transaction() as session:
            hold = queries.get_hold(
                session, hold_id, world=who.world, agent_id=who.partner
            )
            return replied(Reply(200, views.hold_view(session, who, hold)))

    @blp.keyed
    @blp.arguments(schemas.FenceSchema, location="query")
    @blp.response(200, schemas.HoldSchema)
    @blp.problems(
        errors.AlreadyConfirmedError,
        errors.HoldVoidedError,
        errors.HoldChangedError,
        errors.SaleUnderWayError,
    )
    def delete(self, fence: dict[str, Any], hold_id: UUID) -> Response:
        """Release a hold; doing so twice is no mistake."""
        who = caller()
        with transaction() as session:
            hold = lapse.release_hold(session, who, hold_id, fence.get("version"))
            return replied(Reply(200, views.hold_view(session, who, hold)))


@blp.route("/holds/<uuid:hold_id>/extension")
class HoldExtension(MethodView):
    @blp.takes_a_key
    @blp.arguments(schemas.FenceSchema, location="query")
    @blp.response(200, schemas.HoldSchema)
    @blp.problems(
        *SUPPLIERS,
        errors.SupplierSilentError,
        errors.SaleUnderWayError,
        errors.HoldChangedError,
        errors.NotExtendableError,
        errors.HoldExpiredError,
        errors.HoldReleasedError,
        errors.HoldVoidedError,
        errors.HoldRequestedError,
        errors.AlreadyConfirmedError,
    )
    def post(self, fence: dict[str, Any], hold_id: UUID) -> Response:
        """Give a hold its time again, as often and as long as the plan allows.

        What suppliers have locked for it they are asked to extend first.
        """
        before = earlier()
        if before is not None:
            return before
        who, version = caller(), fence.get("version")
        suppliers = current_app.extensions["suppliers"]
        ends = ask_to_extend(suppliers, who, hold_id, version)

        def work(session: Session) -> dict[str, Any]:
            hold = keeping.extend_hold(session, who, hold_id, version, ends)
            return views.hold_view(session, who, hold)

        return step(200, work)


@blp.route("/sales-reports")
class SalesReports(MethodView):
    @blp.arguments(schemas.SalesReportSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, OrderSchema)
    @blp.problems(
        allocation.NotAllottedError,
        allocation.AllotmentExhaustedError,
        allocation.SeatsTakenError,
        allocation.UnknownSeatsError,
        errors.ReferenceTakenError,
        errors.TicketLimitError,
        errors.MixedCurrenciesError,
        NoTermsError,
        OverloadedError,
        errors.NotLiveError,
        *KEYS,
    )
    def post(self, wanted: dict[str, Any], headers: dict[str, str]) -> Response:
        """Report what was sold; it is booked even where it is more than there is.

        Only for agents that sell and report. Repeated with its key it goes on where it
        was interrupted.
        """
        who, key = caller(), headers["idempotency_key"]
        claim = claim_of(key)
        inner = [replace(claim, key=replace(claim.key, key=f"{key}/{n}")) for n in "ho"]
        held = placed(inner[0], wanted, keeping.as_report)
        wish = ConfirmWish(
            inner[1], who.world, who.partner, UUID(held.body["id"]), wanted["reference"]
        )
        return replied(submit(current_app.extensions["committer"], wish))
