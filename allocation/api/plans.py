"""Operators' resources: plans, drafted, published, withdrawn."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from allocation.api.blueprint import blp
from allocation.errors import InfeasiblePlanError, PlanRefusedError, PlanStateError
from allocation.queries import plans as queries
from allocation.rules.plans.files import schema
from allocation.schemas import plans as schemas
from allocation.services import plans, scheduling, simulating
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from partners.queries import get_partner


@blp.route("/partners/<uuid:supplier_id>/plans")
class Plans(MethodView):
    @blp.response(200, schemas.PlanListSchema)
    @blp.problems()
    def get(self, supplier_id: UUID) -> dict[str, Any]:
        """List the versions of a supplier's plans, and when each was in force."""
        world = caller().world
        with transaction() as session:
            get_partner(session, supplier_id, world=world, kind=Kind.SUPPLIER)
            in_force = queries.plans_in_force(session, supplier_id)
            return {
                "items": queries.list_plans(session, supplier_id),
                "schedules": queries.list_schedules(session, supplier_id),
                "publications": queries.list_publications(session, supplier_id),
                "in_force": [plan.id for plan in in_force],
            }

    @blp.keyed
    @blp.arguments(schemas.PlanRequestSchema)
    @blp.response(201, schemas.PlanSchema)
    @blp.problems(PlanRefusedError, InfeasiblePlanError)
    def post(self, wanted: dict[str, Any], supplier_id: UUID) -> Any:
        """Publish a plan, or keep a draft; every tree it is for is split by it anew."""
        who = caller()
        with transaction() as session:
            get_partner(session, supplier_id, world=who.world, kind=Kind.SUPPLIER)
            plan = plans.draft_plan(
                session,
                who,
                supplier_id,
                name=wanted["name"],
                scope=wanted["scope"],
                rules=wanted["plan"],
            )
            if not wanted["draft"]:
                plans.publish_plan(session, who.credential_id, plan)
            return plan


@blp.route("/plans/<uuid:plan_id>/publication")
class PlanPublications(MethodView):
    @blp.keyed
    @blp.response(201, schemas.PublicationSchema)
    @blp.problems(PlanRefusedError, InfeasiblePlanError)
    def post(self, plan_id: UUID) -> Any:
        """Put a version in force for its scope; a newer one of the scope gives way."""
        who = caller()
        with transaction() as session:
            plan = queries.find_plan(session, plan_id, world=who.world)
            return plans.publish_plan(session, who.credential_id, plan)

    @blp.keyed
    @blp.response(200, schemas.PublicationSchema)
    @blp.problems(PlanStateError)
    def delete(self, plan_id: UUID) -> Any:
        """Withdraw the version in force; a wider plan takes its place, or none."""
        who = caller()
        with transaction() as session:
            plan = queries.find_plan(session, plan_id, world=who.world)
            return plans.withdraw_plan(session, who.credential_id, plan)


@blp.route("/plans/<uuid:plan_id>/schedule")
class PlanScheduling(MethodView):
    @blp.keyed
    @blp.arguments(schemas.ScheduleRequestSchema)
    @blp.response(201, schemas.ScheduleSchema)
    @blp.problems(PlanStateError)
    def put(self, wanted: dict[str, Any], plan_id: UUID) -> Any:
        """Let a version come into force at a moment; then it is checked once more."""
        who = caller()
        with transaction() as session:
            plan = queries.find_plan(session, plan_id, world=who.world)
            moment = wanted["effective_at"]
            return scheduling.schedule_plan(session, who, plan, moment)

    @blp.keyed
    @blp.response(200, schemas.ScheduleSchema)
    @blp.problems(PlanStateError)
    def delete(self, plan_id: UUID) -> Any:
        """Call it off, before its moment."""
        with transaction() as session:
            plan = queries.find_plan(session, plan_id, world=caller().world)
            return scheduling.call_off(session, plan)


@blp.route("/plans/<uuid:plan_id>/simulation")
class PlanSimulation(MethodView):
    @blp.response(200, schemas.SimulationSchema)
    @blp.problems(PlanRefusedError)
    def get(self, plan_id: UUID) -> dict[str, Any]:
        """Tell what a version would change, agent by agent; nothing is written."""
        with transaction() as session:
            plan = queries.find_plan(session, plan_id, world=caller().world)
            return simulating.simulate(session, plan)


@blp.route("/plan-schema")
class PlanSchemaResource(MethodView):
    @blp.response(200)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """Return the JSON Schema of what a plan can say."""
        return schema()
