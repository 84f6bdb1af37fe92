"""Resources about performances that do not go as planned: notices, refund runs."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.http import IdempotencyKeySchema
from hub.kernel.pages import id_after, page
from hub.kernel.writes import KEYS, once
from hub.sales import errors
from hub.sales.api.blueprint import blp
from hub.sales.models import RefundRun
from hub.sales.queries.notices import get_refund_run, notices
from hub.sales.schemas import disruptions as schemas
from hub.sales.services import noticing, refunding

RUN_POLL_S = 2


@blp.route("/notices")
class Notices(MethodView):
    @blp.arguments(schemas.NoticeQuerySchema, location="query")
    @blp.response(200, schemas.NoticePageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List notices of performances cancelled, postponed or moved, oldest first.

        Agents see their own, suppliers those of their performances.
        """
        limit, after = wanted.pop("limit"), id_after(wanted.pop("after", None))
        with transaction() as session:
            now = clock.now(session, caller().world)
            rows = notices(
                session, caller(), now=now, most=limit + 1, after=after, **wanted
            )
        return page(rows, limit, lambda row: [row.id])


@blp.route("/notices/<uuid:notice_id>")
class NoticeById(MethodView):
    @blp.response(200, schemas.NoticeSchema)
    @blp.problems()
    def get(self, notice_id: UUID) -> Any:
        """Show a notice."""
        with transaction() as session:
            now = clock.now(session, caller().world)
            found = notices(session, caller(), now=now, most=1, notice_id=notice_id)
        if not found:
            raise NotFoundError(notice_id=notice_id)
        return found[0]


@blp.route("/notices/<uuid:notice_id>/acknowledgement")
class NoticeAcknowledgement(MethodView):
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(200, schemas.NoticeSchema)
    @blp.problems(*KEYS)
    def post(self, headers: dict[str, str], notice_id: UUID) -> Response:
        """Say that a notice was read; doing so twice is no mistake."""

        def work(session: Session) -> dict[str, Any]:
            noticing.acknowledge(session, caller(), notice_id)
            now = clock.now(session, caller().world)
            found = notices(session, caller(), now=now, most=1, notice_id=notice_id)
            return schemas.NoticeSchema().dump(found[0])  # type: ignore[no-any-return]

        return once(headers["idempotency_key"], 200, work)


@blp.route("/performances/<uuid:performance_id>/refund-runs")
class RefundRuns(MethodView):
    @blp.arguments(schemas.RefundRunRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(202, schemas.RefundRunSchema)
    @blp.problems(errors.NotCancelledError, errors.RefundsRunningError, *KEYS)
    def post(
        self, wanted: dict[str, Any], headers: dict[str, str], performance_id: UUID
    ) -> Response:
        """Give all tickets of a cancelled performance back, in the background.

        ``Location`` says where to look how far it is, ``Retry-After`` when.
        """

        def work(session: Session) -> dict[str, Any]:
            run = refunding.begin_refunds(
                session, caller(), performance_id, wanted["reason"]
            )
            return _told(run)

        response = once(headers["idempotency_key"], 202, work)
        run_id = (response.get_json() or {}).get("id")
        response.headers["Location"] = f"/v1/refund-runs/{run_id}"
        response.headers["Retry-After"] = str(RUN_POLL_S)
        return response


@blp.route("/refund-runs/<uuid:run_id>")
class RefundRunById(MethodView):
    @blp.response(200, schemas.RefundRunSchema)
    @blp.problems()
    def get(self, run_id: UUID) -> RefundRun:
        """Say how far a refund run is."""
        with transaction() as session:
            return get_refund_run(session, caller(), run_id)


def _told(run: RefundRun) -> dict[str, Any]:
    said: dict[str, Any] = schemas.RefundRunSchema().dump(run)
    return said
