"""The wire of notices and refund runs."""

from marshmallow import fields, validate

from hub.kernel.http import PageSchema, ReplySchema, RequestSchema

KINDS = ("cancelled", "postponed", "rescheduled", "moved", "reinstated")


class NoticeQuerySchema(PageSchema):
    """Which notices to list."""

    state = fields.String(validate=validate.OneOf(["open", "overdue", "acknowledged"]))
    performance_id = fields.UUID()


class NoticeSchema(ReplySchema):
    """What has happened to a performance an agent has sold tickets for."""

    id = fields.UUID(required=True)
    agent = fields.String(required=True)
    performance_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    starts_at_before = fields.AwareDateTime(required=True)
    starts_at = fields.AwareDateTime(required=True)
    tickets = fields.Integer(
        required=True, metadata={"description": "Of the agent, valid at that moment"}
    )
    made_at = fields.AwareDateTime(required=True)
    acknowledge_by = fields.AwareDateTime(required=True)
    refund_until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={
            "description": "Until then tickets go back at no cost; null: as long as the"
            " performance is cancelled or has no date"
        },
    )
    acknowledged_at = fields.AwareDateTime(required=True, allow_none=True)


class NoticePageSchema(ReplySchema):
    """A page of notices."""

    items = fields.List(fields.Nested(NoticeSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class RefundRunRequestSchema(RequestSchema):
    """Why all tickets go back."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))


class RefundRunSchema(ReplySchema):
    """How far a refund run is."""

    id = fields.UUID(required=True)
    performance_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["running", "done"]))
    reason = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)
    orders = fields.Integer(required=True)
    tickets = fields.Integer(required=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)
