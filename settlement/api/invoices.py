"""Invoices and credit notes of closed statements: finance issues, partners read."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from settlement import errors
from settlement.api.blueprint import blp
from settlement.queries.invoices import get_invoice, invoices_of
from settlement.queries.statements import get_statement
from settlement.schemas import invoices as schemas
from settlement.services.invoicing import issue_invoices


@blp.route("/statements/<uuid:statement_id>/invoices")
class StatementInvoices(MethodView):
    @blp.response(200, schemas.InvoicesSchema)
    @blp.problems()
    def get(self, statement_id: UUID) -> dict[str, Any]:
        """List the invoices and credit notes of a statement, and of its memos."""
        who = caller()
        with transaction() as session:
            get_statement(
                session, statement_id, world=who.world, partner_id=who.partner_id
            )
            return {"items": invoices_of(session, statement_id)}

    @blp.keyed
    @blp.response(201, schemas.IssuedInvoicesSchema)
    @blp.problems(
        errors.StatementStateError, errors.BillingDetailsError, errors.NotInvoicedError
    )
    def post(self, statement_id: UUID) -> Any:
        """Issue what a closed statement has no document of yet; none twice."""
        with transaction() as session:
            return issue_invoices(session, caller(), statement_id)


@blp.route("/invoices/<uuid:invoice_id>/document.xml")
class InvoiceDocument(MethodView):
    @blp.response(200, description="UBL 2.1, EN 16931", content_type="application/xml")
    @blp.problems()
    def get(self, invoice_id: UUID) -> Response:
        """Download an invoice or credit note as XML; it never changes."""
        who = caller()
        with transaction() as session:
            found = get_invoice(
                session, invoice_id, world=who.world, partner_id=who.partner_id
            )
            response = Response(found.document, content_type="application/xml")
            name = f'attachment; filename="{found.document_id}.xml"'
            response.headers["Content-Disposition"] = name
            return response
