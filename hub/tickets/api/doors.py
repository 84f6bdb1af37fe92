"""Doors over HTTP: who may enter, and who has."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, stream_with_context
from flask.views import MethodView
from sqlalchemy.orm import Session

from hub.catalogue.queries import get_own_performance
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.http import IdempotencyKeySchema
from hub.kernel.pages import id_after, page
from hub.kernel.spreadsheets import csv_line
from hub.kernel.writes import KEYS, once
from hub.tickets import schemas
from hub.tickets.api.blueprint import blp
from hub.tickets.queries import doors
from hub.tickets.services import redeeming


@blp.route("/performances/<uuid:performance_id>/door-list")
class DoorList(MethodView):
    @blp.arguments(schemas.DoorListQuerySchema, location="query")
    @blp.response(200, schemas.DoorListSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any], performance_id: UUID) -> dict[str, Any]:
        """List who may enter, and who has."""
        limit, after = wanted["limit"], id_after(wanted.get("after"))
        with transaction() as session:
            found = get_own_performance(session, caller(), performance_id)
            rows = doors.door_page(session, found.id, after=after, limit=limit)
        return page(rows, limit, lambda row: [row.id])


@blp.route("/performances/<uuid:performance_id>/door-list.csv")
class DoorListFile(MethodView):
    @blp.response(200, content_type="text/csv")
    @blp.problems()
    def get(self, performance_id: UUID) -> Response:
        """List who may enter, in one file, by place."""
        with transaction() as session:
            get_own_performance(session, caller(), performance_id)
        rows = stream_with_context(_csv(performance_id))
        return Response(rows, content_type="text/csv; charset=utf-8")


def _csv(performance_id: UUID) -> Iterator[str]:
    names = list(schemas.AdmissionSchema().fields)
    yield csv_line(names)
    with transaction() as session:
        for row in doors.door_list(session, performance_id):
            yield csv_line([getattr(row, name) for name in names])


@blp.route("/performances/<uuid:performance_id>/redemptions")
class Redemptions(MethodView):
    @blp.arguments(schemas.ScansSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(200, schemas.ScanResultsSchema)
    @blp.problems(*KEYS)
    def post(
        self, wanted: dict[str, Any], headers: dict[str, str], performance_id: UUID
    ) -> Response:
        """Report who came in; each scan is answered, also one reported before."""

        def work(session: Session) -> dict[str, Any]:
            scans = wanted["scans"]
            return {"items": redeeming.redeem(session, caller(), performance_id, scans)}

        return once(headers["idempotency_key"], 200, work)
