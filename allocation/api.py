"""Operators' resources: plans."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from allocation import queries, schemas
from allocation.errors import InfeasiblePlanError, PlanRefusedError
from allocation.services import plans
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from hub.kernel.http import Blueprint
from partners.queries import get_partner

blp = Blueprint(
    "plans", __name__, url_prefix="/v1", description="Operators: sharing capacity out"
)


@blp.route("/partners/<uuid:supplier_id>/plans")
class Plans(MethodView):
    @blp.response(200, schemas.PlanListSchema)
    @blp.problems()
    def get(self, supplier_id: UUID) -> dict[str, Any]:
        """List the versions of a supplier's plan; the first is in force."""
        world = caller().world
        with transaction() as session:
            get_partner(session, supplier_id, world=world, kind=Kind.SUPPLIER)
            return {"items": queries.list_plans(session, supplier_id)}

    @blp.arguments(schemas.PlanRequestSchema)
    @blp.response(201, schemas.PlanSchema)
    @blp.problems(PlanRefusedError, InfeasiblePlanError)
    def post(self, wanted: dict[str, Any], supplier_id: UUID) -> Any:
        """Publish a plan; every tree of the supplier is split by it anew."""
        world = caller().world
        with transaction() as session:
            get_partner(session, supplier_id, world=world, kind=Kind.SUPPLIER)
            return plans.publish_plan(
                session,
                world=world,
                supplier_id=supplier_id,
                published_by=caller().credential_id,
                **wanted,
            )
