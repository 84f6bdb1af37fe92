"""Suppliers' and operators' resources: stops, recalls, requests."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from sqlalchemy.orm import Session

from allocation import errors as allocation
from allocation.queries.limits import list_stops
from allocation.queries.plans import get_ground
from allocation.queries.recalls import list_recalls, lock_recall
from allocation.services import moves, stops
from hub.kernel import clock
from hub.kernel.callers import Caller, Kind, caller
from hub.kernel.db import transaction
from hub.kernel.errors import ForbiddenError, InvalidRequestError, NotFoundError
from hub.kernel.http import PageSchema
from hub.kernel.idempotency import Claim, Key
from hub.kernel.pages import id_after, page
from hub.kernel.writes import step
from hub.sales import errors
from hub.sales.api.blueprint import blp
from hub.sales.api.placing import placed
from hub.sales.queries.requests import waiting_requests
from hub.sales.schemas import steering as schemas
from hub.sales.schemas.sale import HoldRequestSchema
from hub.sales.services import requesting, steering
from hub.sales.services.wishes import REQUEST
from partners.queries import find_partner_by_ref, get_partner


def _supplier(wanted: dict[str, Any]) -> UUID:
    """Return whose performances are meant: one's own, or those an operator names."""
    said: UUID | None = wanted.pop("supplier_id", None)
    own = caller().partner_id
    if own is not None and said not in {None, own}:
        raise NotFoundError(supplier_id=said)
    found = own or said
    if found is None:
        raise InvalidRequestError(field="supplier_id", reason="say whose")
    return found


@blp.route("/stops")
class Stops(MethodView):
    @blp.response(200, schemas.StopListSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """List the stops that hold."""
        who = caller()
        with transaction() as session:
            found = list_stops(session, world=who.world, supplier_id=who.partner_id)
            return {"items": found}

    @blp.takes_a_key
    @blp.arguments(schemas.StopRequestSchema)
    @blp.response(201, schemas.StopSchema)
    @blp.problems(InvalidRequestError)
    def post(self, wanted: dict[str, Any]) -> Response:
        """Stop a sale: once this is answered nothing more is held there.

        A hard stop also takes back what is held, and lets nothing be confirmed.
        """
        who, supplier_id = caller(), _supplier(wanted)
        is_hard = wanted.pop("severity") == "hard"

        def work(session: Session) -> dict[str, Any]:
            get_partner(session, supplier_id, world=who.world, kind=Kind.SUPPLIER)
            if "agent_id" in wanted:
                get_partner(
                    session, wanted["agent_id"], world=who.world, kind=Kind.AGENT
                )
            stop = stops.set_stop(session, who, supplier_id, is_hard=is_hard, **wanted)
            session.flush()
            said: dict[str, Any] = schemas.StopSchema().dump(stop)
            return said

        response = step(201, work)
        if is_hard:
            _void(UUID((response.get_json() or {})["id"]))
        return response


def _void(stop_id: UUID) -> None:
    """Take back what is held, some holds a transaction; the job does what is left."""
    while True:
        with transaction() as session:
            if steering.void_stopped(session, stop_id) < steering.CHUNK:
                return


@blp.route("/stops/<uuid:stop_id>")
class StopById(MethodView):
    @blp.keyed
    @blp.response(200, schemas.StopSchema)
    @blp.problems(allocation.AlreadyLiftedError)
    def delete(self, stop_id: UUID) -> Any:
        """Let the sale go on; what a hard stop took back stays so."""
        with transaction() as session:
            return stops.lift_stop(session, caller(), stop_id)


@blp.route("/performances/<uuid:performance_id>/recalls")
class Recalls(MethodView):
    @blp.keyed
    @blp.arguments(schemas.RecallRequestSchema)
    @blp.response(201, schemas.RecallSchema)
    @blp.problems(allocation.NotAllottedError, ForbiddenError)
    def post(self, wanted: dict[str, Any], performance_id: UUID) -> Any:
        """Take unsold seats back from an agent, after the notice its plan gives it."""
        who = caller()
        if "notice_h" in wanted and who.kind is not Kind.OPERATOR:
            raise ForbiddenError(reason="only operators set another notice")
        with transaction() as session:
            ground = get_ground(session, performance_id, who)
            agent = find_partner_by_ref(session, wanted["agent"], world=who.world)
            if agent is None or agent.kind != Kind.AGENT:
                raise NotFoundError(agent=wanted["agent"])
            recall = moves.recall(
                session,
                who,
                ground,
                area=wanted["area"],
                agent=agent,
                seats=wanted["seats"],
                is_forced=wanted["force"],
                reason=wanted["reason"],
                notice_h=wanted.get("notice_h"),
            )
            if recall.effective_at <= recall.made_at:
                steering.carry_out_recall(session, recall)
            return recall


@blp.route("/recalls")
class RecallList(MethodView):
    @blp.arguments(schemas.RecallQuerySchema, location="query")
    @blp.response(200, schemas.RecallListSchema)
    @blp.problems()
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List recalls, newest first; agents see what is taken back from them."""
        with transaction() as session:
            return {"items": list_recalls(session, caller(), **wanted)}


@blp.route("/recalls/<uuid:recall_id>")
class RecallById(MethodView):
    @blp.keyed
    @blp.response(200, schemas.RecallSchema)
    @blp.problems(allocation.RecallDoneError)
    def delete(self, recall_id: UUID) -> Any:
        """Call a recall off while its notice runs."""
        who = caller()
        with transaction() as session:
            recall = lock_recall(session, who, recall_id)
            moves.call_off(recall, clock.now(session, who.world))
            return recall


@blp.route("/requests")
class Requests(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, schemas.AskedPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List the requests that wait for an answer, oldest first."""
        who, limit = caller(), wanted["limit"]
        with transaction() as session:
            rows = waiting_requests(
                session,
                world=who.world,
                supplier_id=who.partner_id,
                after=id_after(wanted.get("after")),
                limit=limit,
            )
        return page(rows, limit, lambda row: [row.hold_id])


@blp.route("/requests/<uuid:hold_id>/decision")
class RequestDecision(MethodView):
    @blp.arguments(schemas.RequestDecisionSchema)
    @blp.response(200, schemas.DecidedRequestSchema)
    @blp.problems(
        allocation.AllotmentExhaustedError,
        allocation.OvercommittedError,
        allocation.SeatsTakenError,
        allocation.StoppedError,
        errors.PerformanceBusyError,
    )
    def post(self, wanted: dict[str, Any], hold_id: UUID) -> dict[str, Any]:
        """Accept a request, which then takes its seats as any hold; or reject it."""
        return decide_request(caller(), hold_id, **wanted)


def decide_request(
    who: Caller, hold_id: UUID, *, decision: str, reason: str
) -> dict[str, Any]:
    """Accept or reject a request, as its supplier or the hub's staff."""
    with transaction() as session:
        hold = requesting.lock_request(session, who, hold_id)
        if decision == "reject":
            requesting.reject(session, hold, reason)
            return {"hold_id": str(hold_id), "state": "rejected"}
        agent_id, asked = hold.agent_id, _asked(hold.wanted)
    agent = replace(who, kind=Kind.AGENT, partner_id=agent_id)
    claim = Claim(Key(who.world, agent_id, f"request/{hold_id}"), hold_id.bytes)
    reply = _grant(claim, asked, agent, hold_id)
    return {"hold_id": str(hold_id), "state": reply["state"]}


def _asked(kept: Any) -> dict[str, Any]:
    """Return what a request was for, as the agent said it; of its buyer the hash."""
    lines: Any = HoldRequestSchema(only=["lines"]).load({"lines": kept["lines"]})
    return {**kept, **lines}


def _grant(
    claim: Claim, asked: dict[str, Any], agent: Caller, hold_id: UUID
) -> dict[str, Any]:
    return placed(
        claim,
        asked,
        lambda wish: replace(wish, hold_id=hold_id, kind=REQUEST),
        who=agent,
        is_answered=True,
    ).body
