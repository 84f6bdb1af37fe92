"""Credit: lines, limits and ageing (finance, operators); agents see their own."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from partners.queries import get_contract
from settlement.api.blueprint import blp
from settlement.queries import credit as queries
from settlement.queries.credit_views import ageing, credit_detail
from settlement.schemas import credit as schemas
from settlement.services.credit import set_limit


@blp.route("/credit")
class OwnCredit(MethodView):
    @blp.response(200, schemas.CreditListSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """Tell an agent what it may use and uses, one line per currency."""
        with transaction() as session:
            return {"items": queries.credit_lines(session, caller().partner)}


@blp.route("/contracts/<uuid:contract_id>/credit")
class ContractCredit(MethodView):
    @blp.response(200, schemas.CreditDetailSchema)
    @blp.problems()
    def get(self, contract_id: UUID) -> dict[str, Any]:
        """Show an agent's credit, its latest alerts, and a limit its sales suggest."""
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            return credit_detail(session, contract)

    @blp.keyed
    @blp.arguments(schemas.LimitRequestSchema)
    @blp.response(200, schemas.CreditSchema)
    @blp.problems(InvalidRequestError)
    def put(self, wanted: dict[str, Any], contract_id: UUID) -> Any:
        """Set an agent's credit limit; what is owed and held already stays."""
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            return set_limit(session, caller(), contract, **wanted)


@blp.route("/contracts/<uuid:contract_id>/ageing")
class ContractAgeing(MethodView):
    @blp.response(200, schemas.AgeingSchema)
    @blp.problems()
    def get(self, contract_id: UUID) -> dict[str, Any]:
        """Tell what an agent owes by how long it is overdue."""
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            return ageing(session, contract)
