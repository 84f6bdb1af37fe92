"""Operators' resources: sales that need a person."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.pages import id_after, page
from hub.sales.api.blueprint import blp
from hub.sales.schemas import supplied as schemas
from hub.sales.services.supplied import cases


@blp.route("/supplier-cases")
class SupplierCases(MethodView):
    @blp.arguments(schemas.CaseQuerySchema, location="query")
    @blp.response(200, schemas.CasePageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List sales that suppliers have not answered for long (operators)."""
        limit = wanted["limit"]
        with transaction() as session:
            rows = cases.list_cases(
                session,
                world=caller().world,
                after=id_after(wanted.get("after")),
                limit=limit,
            )
            found = page(rows, limit, lambda row: [row.id])
            found["items"] = [cases.told(part) for part in found["items"]]
            return found


@blp.route("/supplier-cases/<uuid:case_id>/decision")
class SupplierCaseDecision(MethodView):
    @blp.keyed
    @blp.arguments(schemas.CaseDecisionSchema)
    @blp.response(200, schemas.CaseSchema)
    @blp.problems(InvalidRequestError)
    def post(self, wanted: dict[str, Any], case_id: UUID) -> Any:
        """Say what the supplier has told you: by that it is concluded (operators)."""
        with transaction() as session:
            part = cases.decide(
                session,
                case_id,
                world=caller().world,
                is_sold=wanted["outcome"] == "sold",
                codes=wanted["codes"],
            )
            return cases.told(part)
