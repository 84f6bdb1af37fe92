"""The wire of partners, credentials and contracts."""

from marshmallow import fields, validate

from hub.kernel.callers import Kind
from hub.kernel.countries import countries
from hub.kernel.http import Moment, ReplySchema, RequestSchema
from partners.rules import SCOPES

REF = validate.Regexp(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
TEXT = validate.Length(1, 200)
YEAR_S = 31_536_000


class PartnerRequestSchema(RequestSchema):
    """A supplier or an agent to take on."""

    kind = fields.String(required=True, validate=validate.OneOf(["supplier", "agent"]))
    ref = fields.String(required=True, validate=REF)
    name = fields.String(required=True, validate=TEXT)
    channel = fields.String(
        validate=REF, metadata={"description": "Agents only: online, travel-trade..."}
    )
    parent_id = fields.UUID(
        metadata={"description": "A sub-agent's agent; its channel is the agent's"}
    )


class PartnerSchema(ReplySchema):
    """A partner."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    ref = fields.String(required=True)
    name = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    parent_id = fields.UUID(required=True, allow_none=True)


class PartnerPageSchema(ReplySchema):
    """A page of partners."""

    items = fields.List(fields.Nested(PartnerSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class CredentialRequestSchema(RequestSchema):
    """A key to issue: a partner's, or that of a person in operations or finance."""

    kind = fields.Enum(Kind, by_value=True, required=True)
    partner_id = fields.UUID()
    name = fields.String(required=True, validate=TEXT)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(sorted(SCOPES))),
        validate=validate.Length(1, len(SCOPES)),
    )
    expires_at = Moment()


class RotationRequestSchema(RequestSchema):
    """How long the old key goes on working beside the new one."""

    overlap_s = fields.Integer(
        strict=True, load_default=86_400, validate=validate.Range(0, YEAR_S)
    )


class CredentialSchema(ReplySchema):
    """A credential; its key is not among what the hub knows."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    partner_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    key_hint = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    rotated_from = fields.UUID(required=True, allow_none=True)


class IssuedCredentialSchema(CredentialSchema):
    """A credential at the one moment its key is shown."""

    key = fields.String(required=True)


class CredentialPageSchema(ReplySchema):
    """A page of credentials."""

    items = fields.List(fields.Nested(CredentialSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class ContractRequestSchema(RequestSchema):
    """A contract to sign with a partner."""

    legal_entity = fields.String(required=True, validate=TEXT)
    currency = fields.String(required=True, validate=validate.Length(3, 3))
    zone = fields.String(required=True, validate=TEXT)


class ContractSchema(ReplySchema):
    """A contract."""

    id = fields.UUID(required=True)
    partner_id = fields.UUID(required=True)
    legal_entity = fields.String(required=True)
    currency = fields.String(required=True)
    zone = fields.String(required=True)


class ContractListSchema(ReplySchema):
    """A partner's contracts."""

    items = fields.List(fields.Nested(ContractSchema), required=True)


class ClockSchema(ReplySchema):
    """A world's time."""

    world = fields.String(required=True)
    now = fields.AwareDateTime(required=True)


class ClockRequestSchema(RequestSchema):
    """Where to move a sandbox's clock; forward only."""

    now = Moment(required=True)


COUNTRY = validate.OneOf(sorted(countries()), error="two letters of ISO 3166-1")
VISIBLE = validate.Regexp(r"\S[^\x00-\x1f]{0,199}\Z", error="one line of text")


class LegalEntityBillingRequestSchema(RequestSchema):
    """What documents say of a company: name and address, and its tax id."""

    name = fields.String(required=True, validate=VISIBLE)
    street = fields.String(required=True, validate=VISIBLE)
    postcode = fields.String(
        load_default="", validate=validate.Regexp(r"[^\x00-\x1f]{0,20}\Z")
    )
    city = fields.String(required=True, validate=VISIBLE)
    country = fields.String(required=True, validate=COUNTRY)
    vat_id = fields.String(
        load_default=None,
        validate=validate.Length(4, 30),
        metadata={"description": "Its country's two letters first; checked"},
    )
    registration_id = fields.String(
        load_default=None,
        validate=VISIBLE,
        metadata={"description": "In the register of companies"},
    )


class BillingRequestSchema(LegalEntityBillingRequestSchema):
    """What documents say of a partner, and whether the hub may bill for it."""

    self_billing = fields.Dict(
        keys=fields.String(validate=TEXT),
        values=fields.Date(),
        load_default=dict,
        metadata={
            "description": "By legal entity, the day on which its agreement begins that"
            " this one makes out the invoices for what the partner sells to it"
        },
    )


class BillingSchema(ReplySchema):
    """What documents say of a company."""

    name = fields.String(required=True)
    street = fields.String(required=True)
    postcode = fields.String(required=True)
    city = fields.String(required=True)
    country = fields.String(required=True)
    vat_id = fields.String(required=True, allow_none=True)
    registration_id = fields.String(required=True, allow_none=True)
    self_billing = fields.Dict(
        keys=fields.String(),
        values=fields.String(metadata={"format": "date"}),
        required=True,
    )
    set_at = fields.AwareDateTime(required=True)
