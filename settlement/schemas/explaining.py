"""The wire of explanations: from a line to its postings and what made them."""

from marshmallow import fields

from hub.kernel.http import ReplySchema
from settlement.schemas.journal import PostingSchema


class StatementLineSchema(ReplySchema):
    """A line of a statement; minor units."""

    no = fields.Integer(required=True)
    entry_id = fields.UUID(required=True)
    order_id = fields.UUID(required=True, allow_none=True)
    order_line = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    happened_at = fields.AwareDateTime(required=True)
    tickets = fields.Integer(required=True)
    face_minor = fields.Integer(required=True)
    booking_fee_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    other_minor = fields.Integer(required=True)
    due_minor = fields.Integer(required=True)
    origin_entry_id = fields.UUID(required=True, allow_none=True)
    origin_period = fields.String(required=True, allow_none=True)


class ReasonSchema(ReplySchema):
    """An amount of the order line: whose terms, by what rule, from which inputs."""

    what = fields.String(required=True, attribute="reason.amount.what")
    side = fields.String(required=True, attribute="reason.amount.side")
    to = fields.String(required=True, attribute="reason.amount.to")
    agreed_minor = fields.Integer(
        required=True,
        attribute="reason.amount.minor",
        metadata={"description": "Of the whole line, as it was frozen at the hold"},
    )
    tax_minor = fields.Integer(required=True, attribute="reason.amount.tax_minor")
    tax = fields.String(required=True, attribute="reason.amount.tax")
    rule = fields.String(
        required=True,
        attribute="reason.amount.rule",
        metadata={"description": "With the rounding that was agreed"},
    )
    inputs = fields.Dict(required=True, attribute="reason.amount.inputs")
    state = fields.String(required=True, attribute="reason.amount.state")
    terms_id = fields.Function(
        lambda one: one["reason"].by and one["reason"].by.terms_id
    )
    terms_version = fields.Function(
        lambda one: one["reason"].by and one["reason"].by.version
    )
    postings = fields.List(fields.Nested(PostingSchema), required=True)


class ExplainedTermsSchema(ReplySchema):
    """The version of the terms that was in force, whole."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)
    valid_until = fields.AwareDateTime(required=True, allow_none=True)
    scope = fields.Dict(required=True)
    clauses = fields.Dict(required=True)


class LineExplanationSchema(ReplySchema):
    """Why a line is what it is."""

    statement_id = fields.UUID(required=True)
    line = fields.Nested(StatementLineSchema, required=True)
    posted_at = fields.AwareDateTime(required=True, attribute="entry.posted_at")
    reference = fields.String(
        required=True, allow_none=True, attribute="entry.reference"
    )
    detail = fields.Dict(
        required=True,
        allow_none=True,
        attribute="entry.detail",
        metadata={"description": "What an entry without an order was made from"},
    )
    share = fields.Dict(
        required=True,
        metadata={
            "description": "Which part of the order line came back: all parts together "
            "are exactly its amounts"
        },
    )
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)
    postings = fields.List(fields.Nested(PostingSchema), required=True)
    is_as_posted = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "Made anew from its inputs, it is what was posted"},
    )
    terms = fields.List(fields.Nested(ExplainedTermsSchema), required=True)
