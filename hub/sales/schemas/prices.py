"""The wire of prices: what a line costs and earns its agent, and why."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema

STATES = validate.OneOf(["final", "provisional"])


class AmountSchema(ReplySchema):
    """One amount the agent's terms make of a line: how it came about."""

    what = fields.String(required=True)
    minor = fields.Integer(required=True)
    tax_minor = fields.Integer(required=True, metadata={"description": "Of the amount"})
    tax = fields.String(
        required=True, metadata={"description": "Code, rate and method; may be empty"}
    )
    to = fields.String(required=True, metadata={"description": "Who gets it"})
    rule = fields.String(required=True)
    inputs = fields.Dict(required=True)
    state = fields.String(required=True, validate=STATES)


class TermsUsedSchema(ReplySchema):
    """The version of the agent's terms behind a price, and each rule that applied."""

    terms_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    state = fields.String(
        required=True,
        validate=STATES,
        metadata={
            "description": "provisional: depends on a running total, trued up later"
        },
    )
    amounts = fields.List(fields.Nested(AmountSchema), required=True)


class PricedSchema(ReplySchema):
    """What a line costs and earns its agent; minor units, whole line."""

    currency = fields.String(required=True)
    face_minor = fields.Integer(required=True)
    discount_minor = fields.Integer(required=True)
    booking_fee_minor = fields.Integer(required=True)
    price_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)
    terms = fields.Nested(TermsUsedSchema, required=True)
