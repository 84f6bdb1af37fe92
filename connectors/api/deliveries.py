"""Suppliers' resources: feeds and their deliveries, with the reports."""

import json
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, current_app, request, stream_with_context, url_for
from flask.views import MethodView

from connectors import errors, queries
from connectors.api.blueprint import blp
from connectors.feed.records import json_schema
from connectors.schemas import feeds as schemas
from connectors.services import deliveries
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.pages import id_after, page
from hub.kernel.spreadsheets import csv_line
from partners.queries import get_partner

REPORT = ("line", "ref", "field", "code", "reason")
REPORT_PAGE = 1_000


@blp.route("/feed-schema")
class FeedSchema(MethodView):
    @blp.response(200, description="JSON Schema of one line of a feed")
    def get(self) -> Response:
        """Show the JSON Schema of feed records."""
        return Response(
            json.dumps(json_schema()), content_type="application/schema+json"
        )


@blp.route("/partners/<uuid:supplier_id>/feeds")
class Feeds(MethodView):
    @blp.keyed
    @blp.arguments(schemas.FeedRequestSchema)
    @blp.response(201, schemas.FeedSchema)
    @blp.problems(errors.FeedExistsError)
    def post(self, wanted: dict[str, Any], supplier_id: UUID) -> Any:
        """Open a feed for a supplier (operators)."""
        world = caller().world
        with transaction() as session:
            get_partner(session, supplier_id, world=world, kind=Kind.SUPPLIER)
            return deliveries.open_feed(
                session, world=world, supplier_id=supplier_id, **wanted
            )


@blp.route("/feeds/<feed>/deliveries")
class FeedDeliveries(MethodView):
    @blp.arguments(schemas.DeliveryQuerySchema, location="query")
    @blp.response(202, schemas.DeliverySchema)
    @blp.problems(
        errors.BrokenDeliveryError,
        errors.DeliveryTooLargeError,
        errors.EmptyDeliveryError,
        errors.LengthRequiredError,
        errors.UnsupportedFormatError,
    )
    def post(self, wanted: dict[str, Any], feed: str) -> tuple[Any, dict[str, str]]:
        """Deliver records: NDJSON or CSV, plain or gzip; then follow the delivery.

        The body is streamed; its size is bounded (``HUB_FEED_BYTES_MAX``).
        """
        supplier_id = caller().partner
        with transaction() as session:
            found = queries.get_feed(session, supplier_id, feed)
        bytes_max = current_app.config["HUB_FEED_BYTES_MAX"]
        request.max_content_length = sys.maxsize  # bounded as it arrives, below
        body = deliveries.spool(
            request.stream.read,
            content_type=request.content_type or "",
            encoding=request.headers.get("Content-Encoding"),
            length=request.content_length,
            bytes_max=bytes_max,
        )
        with body.file, transaction() as session:
            delivery = deliveries.receive(
                session, found, body, mode=wanted["mode"], bytes_max=bytes_max
            )
        where = url_for("supplier.DeliveryById", delivery_id=delivery.id)
        return delivery, {"Location": where}


@blp.route("/deliveries")
class Deliveries(MethodView):
    @blp.arguments(schemas.DeliveryListQuerySchema, location="query")
    @blp.response(200, schemas.DeliveryPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List deliveries, newest first: a supplier's own, or all for operators."""
        limit = wanted["limit"]
        with transaction() as session:
            rows = queries.list_deliveries(
                session,
                world=caller().world,
                supplier_id=caller().partner_id,
                state=wanted.get("state"),
                after=id_after(wanted.get("after")),
                limit=limit,
            )
        return page(rows, limit, lambda row: [row.id])


@blp.route("/deliveries/<uuid:delivery_id>")
class DeliveryById(MethodView):
    @blp.response(200, schemas.DeliverySchema)
    @blp.problems()
    def get(self, delivery_id: UUID) -> Any:
        """Follow a delivery."""
        with transaction() as session:
            return _own_delivery(session, delivery_id)


@blp.route("/deliveries/<uuid:delivery_id>/decision")
class DeliveryDecision(MethodView):
    @blp.keyed
    @blp.arguments(schemas.DecisionSchema)
    @blp.response(200, schemas.DeliverySchema)
    @blp.problems(errors.NotQuarantinedError)
    def post(self, wanted: dict[str, Any], delivery_id: UUID) -> Any:
        """Let a delivery out of quarantine, or discard it (operators)."""
        with transaction() as session:
            return deliveries.decide(
                session,
                delivery_id,
                world=caller().world,
                is_let_in=wanted["decision"] == "let-in",
                by=caller().credential_id,
            )


@blp.route("/deliveries/<uuid:delivery_id>/refusals")
class DeliveryRefusals(MethodView):
    @blp.arguments(schemas.ReportQuerySchema, location="query")
    @blp.response(200, description="One refused record a line: NDJSON or CSV")
    @blp.problems()
    def get(self, wanted: dict[str, Any], delivery_id: UUID) -> Response:
        """Download what was refused, with line, field and reason."""
        with transaction() as session:
            _own_delivery(session, delivery_id)
        is_csv = wanted["format"] == "csv"
        rows = _csv_report(delivery_id) if is_csv else _ndjson_report(delivery_id)
        mime = "text/csv; charset=utf-8" if is_csv else "application/x-ndjson"
        name = f"refusals-{delivery_id}.{wanted['format']}"
        response = Response(stream_with_context(rows), content_type=mime)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _own_delivery(session: Any, delivery_id: UUID) -> Any:
    return queries.get_delivery(
        session, delivery_id, world=caller().world, supplier_id=caller().partner_id
    )


def _refusals(delivery_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield the report page by page: a slow reader holds no connection."""
    line = 0
    while True:
        with transaction() as session:
            found = queries.refusals(
                session, delivery_id, after_line=line, limit=REPORT_PAGE
            )
        for refusal in found:
            yield {name: getattr(refusal, name) for name in REPORT}
        if len(found) < REPORT_PAGE:
            return
        line = found[-1].line


def _ndjson_report(delivery_id: UUID) -> Iterator[str]:
    for refusal in _refusals(delivery_id):
        yield json.dumps(refusal) + "\n"


def _csv_report(delivery_id: UUID) -> Iterator[str]:
    yield csv_line(REPORT)
    for refusal in _refusals(delivery_id):
        yield csv_line(refusal.values())
