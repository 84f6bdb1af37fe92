"""The wire of the journal: movements, entries, balances, revaluations."""

from marshmallow import fields, validate

from hub.kernel.http import Moment, ReplySchema, RequestSchema

POSITIVE = r"^(?=[0-9.]*[1-9])[0-9]{1,9}(\.[0-9]{1,12})?\Z"
REFERENCE = validate.Regexp(r"^[\x21-\x7E]([\x20-\x7E]{0,126}[\x21-\x7E])?\Z")


class MovementRequestSchema(RequestSchema):
    """Something that happened to money, under a reference of its own."""

    reference = fields.String(required=True, validate=REFERENCE)
    event = fields.Dict(
        required=True,
        metadata={
            "description": "``event`` names its kind; the JSON Schema of each is "
            "/v1/schemas/events"
        },
    )


class PostingSchema(ReplySchema):
    """One movement on one account: debit positive, minor units or tickets (TKT)."""

    account = fields.String(required=True)
    party_id = fields.UUID(required=True, allow_none=True)
    what = fields.String(required=True)
    currency = fields.String(required=True)
    amount_minor = fields.Integer(required=True)


class EntrySchema(ReplySchema):
    """An entry of the journal with its postings: they sum to zero per currency."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    happened_at = fields.AwareDateTime(required=True)
    order_id = fields.UUID(allow_none=True)
    line_no = fields.Integer(allow_none=True)
    reference = fields.String(allow_none=True)
    detail = fields.Dict(allow_none=True)
    postings = fields.List(fields.Nested(PostingSchema), required=True)


class EntryPageSchema(ReplySchema):
    """A page of entries."""

    items = fields.List(fields.Nested(EntrySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class BalanceSchema(ReplySchema):
    """What an account of the partner stands at: debit positive, minor units."""

    account = fields.String(required=True)
    currency = fields.String(required=True)
    balance_minor = fields.Integer(required=True)


class BalancesSchema(ReplySchema):
    """The accounts of a contract."""

    items = fields.List(fields.Nested(BalanceSchema), required=True)


class RevaluationRequestSchema(RequestSchema):
    """A rate at which to revalue what the books hold of a foreign currency."""

    reference = fields.String(required=True, validate=REFERENCE)
    currency = fields.String(required=True, validate=validate.Length(3, 3))
    home_currency = fields.String(required=True, validate=validate.Length(3, 3))
    rate = fields.String(
        required=True,
        validate=validate.Regexp(POSITIVE),
        metadata={"description": "Home units for one foreign unit, as decimal text"},
    )
    rate_source = fields.String(required=True, validate=validate.Length(1, 64))
    rate_at = Moment(required=True)


class RevaluationSchema(ReplySchema):
    """The entry, and what was gained (lost: negative) in home minor units."""

    entry_id = fields.UUID(required=True, allow_none=True)
    gain_minor = fields.Integer(required=True)
