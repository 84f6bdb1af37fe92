"""Operators' resources: partners, credentials, contracts, the sandbox clock."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask.views import MethodView

from hub.kernel import clock
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.http import Blueprint, PageSchema
from hub.kernel.pages import id_after, page
from partners import queries, rules, schemas, services
from partners.errors import (
    ContractExistsError,
    CredentialEndedError,
    PartnerExistsError,
    UnknownCurrencyError,
    UnknownZoneError,
    WrongTaxIdError,
)

blp = Blueprint(
    "operator", __name__, url_prefix="/v1", description="Operators: partners and keys"
)


def _secret() -> str:
    secret: str = current_app.config["HUB_SECRET_KEY"]
    return secret


@blp.route("/partners")
class Partners(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, schemas.PartnerPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List partners."""
        after, limit = id_after(wanted.get("after")), wanted["limit"]
        with transaction() as session:
            world = caller().world
            rows = queries.list_partners(session, world=world, after=after, limit=limit)
        return page(rows, limit, lambda row: [row.id])

    @blp.keyed
    @blp.arguments(schemas.PartnerRequestSchema)
    @blp.response(201, schemas.PartnerSchema)
    @blp.problems(PartnerExistsError, InvalidRequestError)
    def post(self, wanted: dict[str, Any]) -> Any:
        """Take a partner on."""
        wanted["kind"] = Kind(wanted["kind"])
        with transaction() as session:
            return services.register_partner(session, world=caller().world, **wanted)


@blp.route("/partners/<uuid:partner_id>")
class PartnerById(MethodView):
    @blp.response(200, schemas.PartnerSchema)
    @blp.problems()
    def get(self, partner_id: UUID) -> Any:
        """Show a partner."""
        with transaction() as session:
            return queries.get_partner(session, partner_id, world=caller().world)


@blp.route("/partners/<uuid:partner_id>/contracts")
class Contracts(MethodView):
    @blp.response(200, schemas.ContractListSchema)
    @blp.problems()
    def get(self, partner_id: UUID) -> dict[str, Any]:
        """List a partner's contracts: one per currency."""
        with transaction() as session:
            queries.get_partner(session, partner_id, world=caller().world)
            return {"items": queries.contracts_of(session, partner_id)}

    @blp.keyed
    @blp.arguments(schemas.ContractRequestSchema)
    @blp.response(201, schemas.ContractSchema)
    @blp.problems(ContractExistsError, UnknownZoneError, UnknownCurrencyError)
    def post(self, wanted: dict[str, Any], partner_id: UUID) -> Any:
        """Sign a contract with a partner."""
        with transaction() as session:
            return services.sign_contract(
                session, world=caller().world, partner_id=partner_id, **wanted
            )


@blp.route("/partners/<uuid:partner_id>/billing-profile")
class PartnerBilling(MethodView):
    @blp.response(200, schemas.BillingSchema)
    @blp.problems()
    def get(self, partner_id: UUID) -> Any:
        """Show what documents say of a partner."""
        with transaction() as session:
            return queries.get_billing(
                session, world=caller().world, partner_id=partner_id
            )

    @blp.keyed
    @blp.arguments(schemas.BillingRequestSchema)
    @blp.response(200, schemas.BillingSchema)
    @blp.problems(WrongTaxIdError)
    def put(self, wanted: dict[str, Any], partner_id: UUID) -> Any:
        """Say what the next documents say of a partner: name, address, tax id."""
        with transaction() as session:
            return services.set_billing(
                session, caller(), said=wanted, partner_id=partner_id
            )


@blp.route("/legal-entities/<legal_entity>/billing-profile")
class LegalEntityBilling(MethodView):
    @blp.response(200, schemas.BillingSchema)
    @blp.problems()
    def get(self, legal_entity: str) -> Any:
        """Show what documents say of a legal entity in the caller's world."""
        with transaction() as session:
            return queries.get_billing(
                session, world=caller().world, legal_entity=legal_entity
            )

    @blp.keyed
    @blp.arguments(schemas.LegalEntityBillingRequestSchema)
    @blp.response(200, schemas.BillingSchema)
    @blp.problems(WrongTaxIdError)
    def put(self, wanted: dict[str, Any], legal_entity: str) -> Any:
        """Say what the next documents say of a legal entity in the caller's world."""
        with transaction() as session:
            return services.set_billing(
                session, caller(), said=wanted, legal_entity=legal_entity
            )


@blp.route("/credentials")
class Credentials(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, schemas.CredentialPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List credentials; never their keys."""
        after, limit = id_after(wanted.get("after")), wanted["limit"]
        with transaction() as session:
            rows = queries.list_credentials(
                session, world=caller().world, after=after, limit=limit
            )
        return page(rows, limit, lambda row: [row.id])

    @blp.arguments(schemas.CredentialRequestSchema)
    @blp.response(201, schemas.IssuedCredentialSchema)
    @blp.problems(InvalidRequestError)
    def post(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Issue an API key; it is shown in this reply only."""
        is_partner = wanted["kind"] in {Kind.SUPPLIER, Kind.AGENT}
        if is_partner != ("partner_id" in wanted):
            reason = "suppliers and agents have one, operators and finance have none"
            raise InvalidRequestError(field="partner_id", reason=reason)
        wanted["scopes"] = frozenset(wanted.get("scopes", rules.SCOPES))
        with transaction() as session:
            credential, key = services.issue_credential(
                session, secret=_secret(), world=caller().world, **wanted
            )
        return {**vars(credential), "key": key}


@blp.route("/credentials/<uuid:credential_id>")
class CredentialById(MethodView):
    @blp.response(204)
    @blp.problems()
    def delete(self, credential_id: UUID) -> None:
        """Revoke a key; it is refused everywhere within seconds."""
        with transaction() as session:
            services.revoke_credential(session, credential_id, world=caller().world)


@blp.route("/credentials/<uuid:credential_id>/rotation")
class CredentialRotation(MethodView):
    @blp.arguments(schemas.RotationRequestSchema)
    @blp.response(201, schemas.IssuedCredentialSchema)
    @blp.problems(CredentialEndedError)
    def post(self, wanted: dict[str, Any], credential_id: UUID) -> dict[str, Any]:
        """Issue a successor to a key; both work during the overlap."""
        with transaction() as session:
            credential, key = services.rotate_credential(
                session,
                credential_id,
                secret=_secret(),
                world=caller().world,
                overlap_s=wanted["overlap_s"],
            )
        return {**vars(credential), "key": key}


@blp.route("/clock")
class Clock(MethodView):
    @blp.response(200, schemas.ClockSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """Tell the time of the caller's world."""
        world = caller().world
        with transaction() as session:
            return {"world": world, "now": clock.now(session, world)}

    @blp.keyed
    @blp.arguments(schemas.ClockRequestSchema)
    @blp.response(200, schemas.ClockSchema)
    @blp.problems(clock.ClockFixedError, clock.ClockBackwardsError)
    def put(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Move a sandbox's clock forward; it runs on from there."""
        world = caller().world
        with transaction() as session:
            clock.move(session, world, at=wanted["now"])
            return {"world": world, "now": clock.now(session, world)}
