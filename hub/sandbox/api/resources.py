"""Sandboxes: opened by operators, used by their partners."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask.views import MethodView

from allocation.errors import AllotmentExhaustedError
from connectors.errors import CredentialsKeyError
from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.clock import ClockBackwardsError
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.http import Blueprint
from hub.sales.api.steering import decide_request
from hub.sales.errors import PerformanceBusyError
from hub.sales.schemas.steering import DecidedRequestSchema, RequestDecisionSchema
from hub.sandbox import queries, schemas
from hub.sandbox.errors import ClosingRunningError, NoSandboxError
from hub.sandbox.services import events, magic, seeing
from hub.sandbox.services.closing import begin_closing, close_month, end_closing
from hub.sandbox.services.moving import move
from hub.sandbox.services.opening import find_sandbox, open_sandbox
from partners.models import Credential
from partners.queries import caller_of
from settlement.errors import ClosingWaitsError, PeriodOpenError, UnknownPeriodError

blp = Blueprint(
    "sandbox", __name__, url_prefix="/v1", description="Sandboxes: rehearsing"
)


@blp.route("/partners/<uuid:partner_id>/sandbox")
class PartnerSandbox(MethodView):
    @blp.response(200, schemas.ChecklistSchema)
    @blp.problems()
    def get(self, partner_id: UUID) -> dict[str, Any]:
        """Show how far a partner has come in its sandbox."""
        with transaction() as session:
            return seeing.checklist(
                session, find_sandbox(session, caller(), partner_id)
            )

    @blp.response(201, schemas.SandboxKeySchema)
    @blp.problems(CredentialsKeyError, InvalidRequestError)
    def post(self, partner_id: UUID) -> dict[str, Any]:
        """Open a partner's sandbox, if it has none, and issue a key to it."""
        with transaction() as session:
            found, key = open_sandbox(
                session,
                caller(),
                partner_id,
                secret=current_app.config["HUB_SECRET_KEY"],
                sealer=current_app.extensions["sealer"],
            )
            return {
                "world": found.world,
                "partner_id": found.partner_id,
                "made_at": found.made_at,
                "key": key,
            }


@blp.route("/sandbox")
class OwnSandbox(MethodView):
    @blp.response(200, schemas.SandboxSchema)
    @blp.problems(NoSandboxError)
    def get(self) -> dict[str, Any]:
        """Show what is magic in the caller's sandbox."""
        with transaction() as session:
            found = queries.own_sandbox(session, caller())
            return {
                "world": found.world,
                "now": clock.now(session, found.world),
                "productions": magic.productions(queries.shows(session, found.world)),
                "areas_and_rows": magic.areas_and_rows(),
                "buyers": magic.buyers(),
            }


@blp.route("/sandbox/checklist")
class Checklist(MethodView):
    @blp.response(200, schemas.ChecklistSchema)
    @blp.problems(NoSandboxError)
    def get(self) -> dict[str, Any]:
        """Show what is to be done before going live, as far as the hub saw it done."""
        with transaction() as session:
            return seeing.checklist(session, queries.own_sandbox(session, caller()))


@blp.route("/sandbox/clock")
class SandboxClock(MethodView):
    @blp.arguments(schemas.ClockMoveSchema)
    @blp.response(200, schemas.ClockMovedSchema)
    @blp.problems(NoSandboxError, ClockBackwardsError, InvalidRequestError)
    def put(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Move the clock of the caller's sandbox forward; it runs on from there."""
        with transaction() as session:
            found = queries.own_sandbox(session, caller())
            move(session, found, at=wanted["now"])
            return {"world": found.world, "now": clock.now(session, found.world)}


@blp.route("/sandbox/events")
class Events(MethodView):
    @blp.keyed
    @blp.arguments(schemas.EventRequestSchema)
    @blp.response(202, schemas.EventSchema)
    @blp.problems(NoSandboxError, InvalidRequestError)
    def post(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Have something happen to a performance, as its supplier would tell it."""
        with transaction() as session:
            found = queries.own_sandbox(session, caller())
            return events.happen(session, found, **wanted)


@blp.route("/sandbox/requests/<uuid:hold_id>/decision")
class SandboxRequestDecision(MethodView):
    @blp.arguments(RequestDecisionSchema)
    @blp.response(200, DecidedRequestSchema)
    @blp.problems(NoSandboxError, AllotmentExhaustedError, PerformanceBusyError)
    def post(self, wanted: dict[str, Any], hold_id: UUID) -> dict[str, Any]:
        """Have a request accepted or rejected, as its supplier would."""
        with transaction() as session:
            found = queries.own_sandbox(session, caller())
            operator = caller_of(session.get_one(Credential, found.operator_id))
        return decide_request(operator, hold_id, **wanted)


@blp.route("/sandbox/closing")
class Closing(MethodView):
    @blp.arguments(schemas.ClosingRequestSchema)
    @blp.response(200, schemas.ClosingSchema)
    @blp.problems(
        *(NoSandboxError, PeriodOpenError, UnknownPeriodError),
        *(ClosingWaitsError, ClosingRunningError),
    )
    def post(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Have the sandbox's staff close a month that is over, and those before it."""
        with transaction() as session:
            found = queries.own_sandbox(session, caller())
            begin_closing(session, found)
            session.expunge(found)
        try:
            return close_month(found, wanted["period"])
        finally:
            with transaction() as session:
                end_closing(session, found)
