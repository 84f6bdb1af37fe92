"""The journal (finance): what happens to money, entries, balances, revaluations."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.http import PageSchema
from hub.kernel.pages import id_after, page
from partners.queries import get_contract
from settlement import errors
from settlement.api.blueprint import blp
from settlement.queries import entries as queries
from settlement.rules.events import ContractEvent
from settlement.rules.files import converted
from settlement.schemas import journal as schemas
from settlement.services.movements import record
from settlement.services.revaluations import revalue


@blp.route("/contracts/<uuid:contract_id>/movements")
class ContractMovements(MethodView):
    @blp.keyed
    @blp.arguments(schemas.MovementRequestSchema)
    @blp.response(201, schemas.EntrySchema)
    @blp.problems(
        errors.NotItsSideError,
        errors.ReferenceUsedError,
        errors.NotBilledError,
        errors.DepositShortError,
        errors.NotKeptBackError,
        errors.NoTaxRateError,
        errors.TermsRefusedError,
        InvalidRequestError,
    )
    def post(self, wanted: dict[str, Any], contract_id: UUID) -> dict[str, Any]:
        """Book what happened to money: a deposit, remittance, payout, chargeback..."""
        event: Any = converted(wanted["event"], ContractEvent)
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            return record(
                session,
                caller(),
                contract,
                event=event,
                reference=wanted["reference"],
            )


@blp.route("/contracts/<uuid:contract_id>/entries")
class ContractEntries(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, schemas.EntryPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any], contract_id: UUID) -> dict[str, Any]:
        """List the entries under a contract with their postings, oldest first."""
        limit, after = wanted["limit"], id_after(wanted.get("after"))
        with transaction() as session:
            get_contract(session, contract_id, world=caller().world)
            rows = queries.list_entries(session, contract_id, after=after, limit=limit)
        return page(rows, limit, lambda row: [row.id])


@blp.route("/contracts/<uuid:contract_id>/balances")
class ContractBalances(MethodView):
    @blp.response(200, schemas.BalancesSchema)
    @blp.problems()
    def get(self, contract_id: UUID) -> dict[str, Any]:
        """Tell what the partner's accounts stand at."""
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            return {"items": queries.balances(session, contract)}


@blp.route("/legal-entities/<legal_entity>/revaluations")
class Revaluations(MethodView):
    @blp.keyed
    @blp.arguments(schemas.RevaluationRequestSchema)
    @blp.response(201, schemas.RevaluationSchema)
    @blp.problems(errors.ReferenceUsedError, InvalidRequestError)
    def post(self, wanted: dict[str, Any], legal_entity: str) -> dict[str, Any]:
        """Book what the position in a foreign currency has gained or lost."""
        with transaction() as session:
            entry_id, gain = revalue(session, caller(), legal_entity, **wanted)
        return {"entry_id": entry_id, "gain_minor": gain}
