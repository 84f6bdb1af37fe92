"""The wire of sales that need a person."""

from marshmallow import fields, validate

from hub.kernel.http import PageSchema, ReplySchema, RequestSchema
from hub.sales.rules.supplied import PartState


class PlaceSchema(ReplySchema):
    """A seat as it is printed."""

    row = fields.String(required=True)
    number = fields.String(required=True)


class CaseSchema(ReplySchema):
    """A sale a supplier has not answered for long, or does not take back.

    Ask it for the order of ``key``; the hub goes on asking as well.
    """

    id = fields.UUID(required=True)
    theirs = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What the supplier calls it, once it has told"},
    )
    key = fields.String(required=True)
    source_id = fields.UUID(required=True)
    agent_id = fields.UUID(required=True)
    hold_id = fields.UUID(required=True)
    performance_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf([*PartState]))
    reason = fields.String(required=True, allow_none=True)
    said = fields.String(required=True, allow_none=True)
    tickets = fields.Integer(required=True)
    seats = fields.List(fields.Nested(PlaceSchema), required=True)
    attempts = fields.Integer(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    case_since = fields.AwareDateTime(required=True, allow_none=True)


class CasePageSchema(ReplySchema):
    """A page of cases, oldest first."""

    items = fields.List(fields.Nested(CaseSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class CaseQuerySchema(PageSchema):
    """Which cases to list."""


class CaseDecisionSchema(RequestSchema):
    """What the supplier has told a person: whether it has sold, by which codes."""

    outcome = fields.String(
        required=True, validate=validate.OneOf(["sold", "not-sold"])
    )
    codes = fields.List(
        fields.String(validate=validate.Length(1, 255)),
        load_default=list,
        validate=validate.Length(0, 100),
        metadata={"description": "One for all tickets, or one for each in their order"},
    )
