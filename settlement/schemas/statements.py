"""The wire of statements and previews."""

from marshmallow import fields, validate

from hub.kernel.http import PageSchema, ReplySchema, RequestSchema


class PreviewQuerySchema(RequestSchema):
    """Which month to preview."""

    period = fields.String(
        required=True, metadata={"description": "A month such as 2026-11"}
    )


class PreviewSchema(ReplySchema):
    """What a contract's month comes to so far; minor units."""

    contract_id = fields.UUID(required=True)
    period = fields.String(required=True)
    as_of = fields.AwareDateTime(required=True)
    currency = fields.String(required=True)
    state = fields.String(required=True)
    tickets = fields.Integer(required=True)
    face_minor = fields.Integer(required=True)
    booking_fee_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    other_minor = fields.Integer(required=True)
    due_minor = fields.Integer(required=True)
    true_up_minor = fields.Integer(
        required=True,
        metadata={
            "description": "What running totals have earned beyond what is posted"
        },
    )
    guarantee_minor = fields.Integer(
        required=True,
        metadata={"description": "What lacks to a guarantee that ends with the month"},
    )


class TotalsSchema(ReplySchema):
    """The sums of a statement; minor units of its currency."""

    lines = fields.Integer(required=True)
    tickets = fields.Integer(required=True)
    face_minor = fields.Integer(required=True)
    booking_fee_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    other_minor = fields.Integer(
        metadata={"description": "Discounts, shares of others, deferrals, corrections"}
    )
    due_minor = fields.Integer(
        required=True,
        metadata={"description": "Agent: owed to the hub. Supplier: owed by the hub"},
    )


class StatementSchema(ReplySchema):
    """What was sold, earned and owed under one contract in one period."""

    id = fields.UUID(required=True)
    partner_id = fields.UUID(required=True)
    contract_id = fields.UUID(required=True)
    legal_entity = fields.String(required=True)
    side = fields.String(required=True)
    period = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    currency = fields.String(required=True)
    state = fields.String(required=True)
    number = fields.Integer(required=True, allow_none=True)
    totals = fields.Nested(TotalsSchema, required=True)
    lines_sha256 = fields.Function(lambda found: found.lines_digest.hex())
    opening_minor = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "What was due when the period began; once closed"},
    )
    payments_minor = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "What was paid of it in the period; once closed"},
    )
    closing_minor = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Opening + due - payments: what the next opens with"},
    )
    reviewed_at = fields.AwareDateTime(required=True, allow_none=True)
    approved_at = fields.AwareDateTime(required=True, allow_none=True)
    approval_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "Another with each approval"},
    )
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    paid_minor = fields.Integer(
        required=True, metadata={"description": "What was paid on it so far"}
    )
    closed_at = fields.AwareDateTime(required=True, allow_none=True)


class StatementPageSchema(ReplySchema):
    """A page of statements."""

    items = fields.List(fields.Nested(StatementSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class StatementQuerySchema(PageSchema):
    """Which statements to list."""

    period = fields.String(metadata={"description": "A month such as 2026-11"})


class ReviewRequestSchema(RequestSchema):
    """Which lines were looked at: the statement's ``lines_sha256``."""

    lines_sha256 = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9a-f]{64}\Z")
    )


class DraftsSchema(ReplySchema):
    """The statements of a period."""

    statement_ids = fields.List(fields.UUID(), required=True)
