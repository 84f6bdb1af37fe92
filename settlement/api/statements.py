"""Statements and previews (finance); partners read their closed ones."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.pages import id_after, page
from partners.queries import get_contract
from settlement import errors
from settlement.api.blueprint import blp
from settlement.models import Statement
from settlement.queries import statements as queries
from settlement.queries.explaining import explain
from settlement.queries.previews import preview
from settlement.schemas import statements as schemas
from settlement.schemas.explaining import LineExplanationSchema
from settlement.services import statements
from settlement.services.drafting import draft_period
from settlement.services.exports import FORMS, file_name
from settlement.services.fencing import fence


@blp.route("/contracts/<uuid:contract_id>/preview")
class ContractPreview(MethodView):
    @blp.arguments(schemas.PreviewQuerySchema, location="query")
    @blp.response(200, schemas.PreviewSchema)
    @blp.problems(errors.UnknownPeriodError, InvalidRequestError)
    def get(self, wanted: dict[str, str], contract_id: UUID) -> dict[str, Any]:
        """Tell what a contract's month comes to so far; provisional if totals run."""
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            now = clock.now(session, contract.world)
            return preview(session, contract, wanted["period"], now=now)


@blp.route("/periods/<period>/drafts")
class PeriodDrafts(MethodView):
    @blp.response(201, schemas.DraftsSchema)
    @blp.problems(
        errors.UnknownPeriodError, errors.PeriodOpenError, errors.ClosingWaitsError
    )
    def post(self, period: str) -> dict[str, Any]:
        """Draft every statement of a month that is not closed yet."""
        ids = draft_period(transaction, caller(), period)
        return {"statement_ids": ids}


@blp.route("/statements")
class Statements(MethodView):
    @blp.arguments(schemas.StatementQuerySchema, location="query")
    @blp.response(200, schemas.StatementPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List statements: for finance all, for a partner its own closed ones."""
        limit = wanted["limit"]
        with transaction() as session:
            rows = queries.list_statements(
                session,
                world=caller().world,
                partner_id=caller().partner_id,
                period=wanted.get("period"),
                after=id_after(wanted.get("after")),
                limit=limit,
            )
        return page(rows, limit, lambda row: [row.id])


@blp.route("/statements/<uuid:statement_id>")
class StatementById(MethodView):
    @blp.response(200, schemas.StatementSchema)
    @blp.problems()
    def get(self, statement_id: UUID) -> Any:
        """Show a statement."""
        with transaction() as session:
            return _own_statement(session, statement_id)


@blp.route("/statements/<uuid:statement_id>/lines")
class StatementLines(MethodView):
    @blp.response(200, description="The lines as CSV", content_type="text/csv")
    @blp.problems()
    def get(self, statement_id: UUID) -> Response:
        """Download the lines as CSV; those of a closed statement never change."""
        return _made(statement_id, "csv")


@blp.route("/statements/<uuid:statement_id>/lines.xlsx")
class StatementSheet(MethodView):
    @blp.response(
        200, description="A workbook", content_type=FORMS["xlsx"].content_type
    )
    @blp.problems(errors.TooManyLinesError)
    def get(self, statement_id: UUID) -> Response:
        """Download the statement as a spreadsheet: what it comes to, and its lines."""
        return _made(statement_id, "xlsx")


@blp.route("/statements/<uuid:statement_id>/summary.pdf")
class StatementSummary(MethodView):
    @blp.response(200, description="A page", content_type="application/pdf")
    @blp.problems()
    def get(self, statement_id: UUID) -> Response:
        """Download what the statement comes to, as a page."""
        return _made(statement_id, "pdf")


def _made(statement_id: UUID, form: str) -> Response:
    with transaction() as session:
        statement = _own_statement(session, statement_id)
        return _file(statement, form, FORMS[form].make(session, statement))


def _file(statement: Statement, form: str, made: bytes) -> Response:
    response = Response(made, content_type=FORMS[form].content_type)
    name = file_name(statement, form)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blp.route("/statements/<uuid:statement_id>/lines/<int:no>/explanation")
class LineExplanation(MethodView):
    @blp.response(200, LineExplanationSchema)
    @blp.problems()
    def get(self, statement_id: UUID, no: int) -> dict[str, Any]:
        """Explain a line: its postings, terms, rules, inputs and roundings."""
        with transaction() as session:
            statement = _own_statement(session, statement_id)
            return explain(session, statement, no, party_id=caller().partner_id)


@blp.route("/statements/<uuid:statement_id>/review")
class StatementReview(MethodView):
    @blp.keyed
    @blp.arguments(schemas.ReviewRequestSchema)
    @blp.response(200, schemas.StatementSchema)
    @blp.problems(errors.StatementStateError, errors.ChangedSinceDraftError)
    def post(self, wanted: dict[str, Any], statement_id: UUID) -> Any:
        """Review a draft: the lines that were looked at may then be closed."""
        with transaction() as session:
            return statements.review(session, caller(), statement_id, **wanted)


@blp.route("/statements/<uuid:statement_id>/approval")
class StatementApproval(MethodView):
    @blp.keyed
    @blp.response(200, schemas.StatementSchema)
    @blp.problems(
        errors.StatementStateError, errors.OwnWorkError, errors.ChangedSinceReviewError
    )
    def post(self, statement_id: UUID) -> Any:
        """Approve what was reviewed; not by who drafted or reviewed it."""
        with transaction() as session:
            return statements.approve(session, caller(), statement_id)


@blp.route("/statements/<uuid:statement_id>/reopening")
class StatementReopening(MethodView):
    @blp.keyed
    @blp.response(200, schemas.StatementSchema)
    @blp.problems(errors.StatementStateError)
    def post(self, statement_id: UUID) -> Any:
        """Make a statement that is not closed a draft again."""
        with transaction() as session:
            return statements.reopen(session, caller(), statement_id)


@blp.route("/statements/<uuid:statement_id>/closing")
class StatementClosing(MethodView):
    @blp.response(200, schemas.StatementSchema)
    @blp.problems(
        errors.StatementStateError,
        errors.ChangedSinceReviewError,
        errors.ClosingWaitsError,
    )
    def post(self, statement_id: UUID) -> Any:
        """Close an approved statement for good: its lines never change again."""
        with transaction() as session:
            statements.closable(session, caller(), statement_id)
        watermark = fence(transaction)
        with transaction() as session:
            return statements.close(
                session, caller(), statement_id, watermark=watermark
            )


def _own_statement(session: Any, statement_id: UUID) -> Statement:
    return queries.get_statement(
        session, statement_id, world=caller().world, partner_id=caller().partner_id
    )
