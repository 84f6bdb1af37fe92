"""Terms (operators and finance), tax codes, what-ifs, and the schemas of files."""

import json
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.http import PageSchema
from hub.kernel.pages import id_after, page
from partners.queries import get_contract
from settlement import errors
from settlement.api.blueprint import blp
from settlement.queries import terms as queries
from settlement.queries.what_if import what_if
from settlement.rules import files
from settlement.rules.checks import warnings
from settlement.schemas import terms as schemas
from settlement.services import terms as services
from settlement.services.tax_codes import add_tax_code

REFUSED = (errors.TermsRefusedError, InvalidRequestError)


@blp.route("/schemas/<name>")
class FileSchema(MethodView):
    @blp.response(
        200, description="JSON Schema", content_type="application/schema+json"
    )
    @blp.problem(404, f"{NotFoundError.code}: {NotFoundError.title}")
    def get(self, name: str) -> Response:
        """Show the JSON Schema of terms, lines, quotes or events."""
        if name not in files.FILES:
            raise NotFoundError(schema=name, known=sorted(files.FILES))
        return Response(
            json.dumps(files.schema(name)), content_type="application/schema+json"
        )


@blp.route("/contracts/<uuid:contract_id>/terms")
class ContractTerms(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, schemas.TermsPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any], contract_id: UUID) -> dict[str, Any]:
        """List the versions of a contract's terms, oldest first."""
        limit, after = wanted["limit"], id_after(wanted.get("after"))
        with transaction() as session:
            get_contract(session, contract_id, world=caller().world)
            rows = queries.list_terms(session, contract_id, after=after, limit=limit)
        return page(rows, limit, lambda row: [row.id])

    @blp.keyed
    @blp.arguments(schemas.TermsRequestSchema)
    @blp.response(201, schemas.ProposedTermsSchema)
    @blp.problems(*REFUSED)
    def post(self, wanted: dict[str, Any], contract_id: UUID) -> Any:
        """Propose a version of a contract's terms; another person approves it."""
        wanted.setdefault("valid_until", None)
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            made = services.propose_terms(session, caller(), contract, **wanted)
            session.refresh(made)
            clauses = queries.clauses_of(session, [made.id])[made.id]
        made.warnings = warnings(clauses)  # type: ignore[attr-defined]
        return made


@blp.route("/terms/<uuid:terms_id>")
class TermsById(MethodView):
    @blp.response(200, schemas.TermsSchema)
    @blp.problems()
    def get(self, terms_id: UUID) -> Any:
        """Show a version of terms."""
        with transaction() as session:
            return queries.get_terms(session, terms_id, world=caller().world)


@blp.route("/terms/<uuid:terms_id>/decision")
class TermsDecision(MethodView):
    @blp.keyed
    @blp.arguments(schemas.TermsDecisionSchema)
    @blp.response(200, schemas.TermsSchema)
    @blp.problems(errors.TermsOverlapError, errors.OwnWorkError, errors.TermsStateError)
    def post(self, wanted: dict[str, str], terms_id: UUID) -> Any:
        """Approve or reject proposed terms; not by who proposed them."""
        with transaction() as session:
            return services.decide_terms(
                session,
                caller(),
                terms_id,
                is_approved=wanted["decision"] == "approve",
            )


@blp.route("/contracts/<uuid:contract_id>/quotes")
class ContractQuotes(MethodView):
    @blp.arguments(schemas.WhatIfRequestSchema)
    @blp.response(200, schemas.WhatIfSchema)
    @blp.problems(errors.LinesRefusedError, errors.NoTaxRateError, *REFUSED)
    def post(self, wanted: dict[str, Any], contract_id: UUID) -> dict[str, Any]:
        """Quote lines as a what-if: under the contract's terms, or clauses to agree."""
        wanted.setdefault("clauses", None)
        with transaction() as session:
            contract = get_contract(session, contract_id, world=caller().world)
            return what_if(session, contract, **wanted)


@blp.route("/legal-entities/<legal_entity>/tax-codes")
class TaxCodes(MethodView):
    @blp.response(200, schemas.TaxCodePageSchema)
    @blp.problems()
    def get(self, legal_entity: str) -> dict[str, Any]:
        """List the tax codes of a legal entity, by code and day."""
        with transaction() as session:
            return {"items": queries.list_tax_codes(session, legal_entity)}

    @blp.keyed
    @blp.arguments(schemas.TaxCodeRequestSchema)
    @blp.response(201, schemas.TaxCodeSchema)
    @blp.problems(errors.TaxCodeOverlapError, *REFUSED)
    def post(self, wanted: dict[str, Any], legal_entity: str) -> Any:
        """Add a tax code's rate; an open-ended one ends where its successor begins."""
        with transaction() as session:
            return add_tax_code(session, caller(), legal_entity, **wanted)
