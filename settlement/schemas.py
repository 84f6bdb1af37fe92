"""The wire of terms and statements."""

from marshmallow import fields, validate

from hub.kernel.http import Moment, PageSchema, ReplySchema, RequestSchema

MINOR_MAX = 100_000_000_00


class TermsRequestSchema(RequestSchema):
    """A version of a contract's terms, valid from-until (half-open)."""

    valid_from = Moment(required=True)
    valid_until = Moment()
    commission_bp = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, 10_000),
        metadata={
            "description": "Of the face value: an agent earns it, a supplier pays it"
        },
    )
    ticket_fee_minor = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(0, MINOR_MAX),
        metadata={"description": "What the hub charges the partner per ticket"},
    )


class TermsSchema(ReplySchema):
    """A version of a contract's terms."""

    id = fields.UUID(required=True)
    contract_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    valid_from = fields.AwareDateTime(required=True, attribute="valid.lower")
    valid_until = fields.AwareDateTime(
        required=True, allow_none=True, attribute="valid.upper"
    )
    commission_bp = fields.Integer(required=True)
    ticket_fee_minor = fields.Integer(required=True)


class TotalsSchema(ReplySchema):
    """The sums of a statement; minor units of its currency."""

    lines = fields.Integer(required=True)
    tickets = fields.Integer(required=True)
    face_minor = fields.Integer(required=True)
    booking_fee_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
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
    reviewed_at = fields.AwareDateTime(required=True, allow_none=True)
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
