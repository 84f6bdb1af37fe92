"""Tickets over HTTP: printed, drawn, shown to whoever has a link."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from flask.views import MethodView
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.sales import queries as sales
from hub.sales.models import Order
from hub.tickets import schemas
from hub.tickets.api.blueprint import blp, links
from hub.tickets.errors import (
    LinkExpiredError,
    NothingToShowError,
)
from hub.tickets.queries.printing import code_of, codes_replaced, printed
from hub.tickets.rules import (
    Printed,
    language_of,
    make_token,
    opened_by,
    read_token,
    refuse_expired,
)
from hub.tickets.services.page import shown_page
from hub.tickets.services.symbols import image

MEDIA = {"svg": "image/svg+xml", "png": "image/png"}


def language(wanted: dict[str, Any]) -> str:
    """Return the language in which tickets are worded for this request."""
    said: str | None = wanted.get("language")
    return said or language_of(tag for tag, _ in request.accept_languages)


def _pdf(tickets: list[Printed], wanted: dict[str, Any], order_id: UUID) -> Response:
    if not tickets:
        raise NothingToShowError(order_id=order_id)
    from hub.tickets.services.pages import pdf  # noqa: PLC0415 - slow to import

    body = pdf(tickets, language(wanted), wanted["layout"])
    response = Response(body, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{order_id}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blp.route("/orders/<uuid:order_id>/tickets.pdf")
class TicketsPdf(MethodView):
    @blp.arguments(schemas.PdfQuerySchema, location="query")
    @blp.response(200, content_type="application/pdf")
    @blp.problems(NothingToShowError)
    def get(self, wanted: dict[str, Any], order_id: UUID) -> Response:
        """Print an order's valid tickets: a page each, or one for a shared code."""
        who = caller()
        with transaction() as session:
            sales.get_order(session, order_id, world=who.world, agent_id=who.partner)
            tickets = printed(session, order_id)
        return _pdf(tickets, wanted, order_id)


@blp.route(
    "/orders/<uuid:order_id>/tickets/<uuid:ticket_id>/"
    "<any(qr, code128):symbology>.<any(svg, png):form>"
)
class TicketCode(MethodView):
    @blp.response(200, content_type="image/svg+xml")
    @blp.problems(NothingToShowError)
    def get(
        self, order_id: UUID, ticket_id: UUID, symbology: Any, form: Any
    ) -> Response:
        """Draw a ticket's code as a QR or Code 128 symbol, as SVG or PNG."""
        who = caller()
        with transaction() as session:
            sales.get_order(session, order_id, world=who.world, agent_id=who.partner)
            if ticket_id not in {t.id for t in sales.tickets(session, [order_id])}:
                raise NotFoundError(ticket_id=ticket_id)
            code = code_of(session, order_id, ticket_id)
        if code is None:
            raise NothingToShowError(ticket_id=ticket_id)
        response = Response(image(code, symbology, form), content_type=MEDIA[form])
        response.headers["Cache-Control"] = "private, no-store"
        return response


@blp.route("/orders/<uuid:order_id>/links")
class TicketLinks(MethodView):
    @blp.arguments(schemas.LinkRequestSchema)
    @blp.response(200, schemas.LinkSchema)
    @blp.problems(InvalidRequestError)
    def post(self, wanted: dict[str, Any], order_id: UUID) -> dict[str, Any]:
        """Make a link that shows an order's tickets to whoever has it, for a time.

        It stores nothing: whoever asks twice has two links, each good for its time, or
        until a code of the order is replaced.
        """
        who = caller()
        with transaction() as session:
            sales.get_order(session, order_id, world=who.world, agent_id=who.partner)
            now = clock.now(session, who.world)
            replaced = codes_replaced(session, order_id)
        until = (now + timedelta(hours=wanted["valid_h"])).replace(microsecond=0)
        secret = current_app.config["HUB_SECRET_KEY"]
        token = make_token(order_id, until, secret, replaced)
        base = current_app.config["HUB_PUBLIC_URL"] or request.host_url
        url = f"{base.rstrip('/')}/t/{token}"
        return {"url": url, "pdf_url": f"{url}/tickets.pdf", "expires_at": until}


def _linked(session: Session, token: str) -> tuple[UUID, list[Printed]]:
    """Return the order a link opens, with its valid tickets; by its world's clock."""
    order_id = opened_by(token)
    order = session.get(Order, order_id)
    if order is None:
        raise NotFoundError
    secret = current_app.config["HUB_SECRET_KEY"]
    until = read_token(token, secret, codes_replaced(session, order_id))
    refuse_expired(until, clock.now(session, order.world))
    return order_id, printed(session, order_id)


@links.route("/t/<token>")
class LinkedTickets(MethodView):
    @links.arguments(schemas.PageQuerySchema, location="query")
    @links.response(200, content_type="text/html")
    @links.problems(LinkExpiredError)
    def get(self, wanted: dict[str, Any], token: str) -> Response:
        """Show tickets on a telephone."""
        with transaction() as session:
            _, tickets = _linked(session, token)
        body = shown_page(tickets, language(wanted), token)
        response = Response(body, content_type="text/html; charset=utf-8")
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        )
        return response


@links.route("/t/<token>/tickets.pdf")
class LinkedPdf(MethodView):
    @links.arguments(schemas.PdfQuerySchema, location="query")
    @links.response(200, content_type="application/pdf")
    @links.problems(LinkExpiredError, NothingToShowError)
    def get(self, wanted: dict[str, Any], token: str) -> Response:
        """Print the tickets a link shows."""
        with transaction() as session:
            order_id, tickets = _linked(session, token)
        return _pdf(tickets, wanted, order_id)
