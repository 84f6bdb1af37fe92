"""The wire of stepping in: stops, recalls, requests."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema, RequestSchema
from partners.schemas import REF, TEXT

NAMED = validate.Length(1, 128)
OWN_REF = "The supplier's own reference"


class StopRequestSchema(RequestSchema):
    """What to stop: everything it names; what is not named is anything."""

    supplier_id = fields.UUID(
        metadata={"description": "Operators: whose performances; suppliers: their own"}
    )
    performance_id = fields.UUID()
    production_id = fields.UUID()
    agent_id = fields.UUID()
    area = fields.String(validate=NAMED)
    channel = fields.String(validate=REF)
    price_type = fields.String(validate=NAMED)
    venue = fields.String(validate=NAMED, metadata={"description": OWN_REF})
    auditorium = fields.String(validate=NAMED, metadata={"description": OWN_REF})
    genre = fields.String(validate=NAMED)
    severity = fields.String(
        required=True,
        validate=validate.OneOf(["soft", "hard"]),
        metadata={
            "description": "soft: what is held may be confirmed; hard: it may not, and "
            "is taken back"
        },
    )
    reason = fields.String(required=True, validate=TEXT)


class StopSchema(ReplySchema):
    """A stop of sale."""

    id = fields.UUID(required=True)
    supplier_id = fields.UUID(required=True)
    performance_id = fields.UUID(required=True, allow_none=True)
    production_id = fields.UUID(required=True, allow_none=True)
    agent_id = fields.UUID(required=True, allow_none=True)
    area = fields.String(required=True, allow_none=True)
    channel = fields.String(required=True, allow_none=True)
    price_type = fields.String(required=True, allow_none=True)
    venue = fields.String(required=True, allow_none=True)
    auditorium = fields.String(required=True, allow_none=True)
    genre = fields.String(required=True, allow_none=True)
    severity = fields.Function(
        lambda stop: "hard" if stop.is_hard else "soft",
        required=True,
        metadata={"type": "string", "enum": ["soft", "hard"]},
    )
    reason = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)
    lifted_at = fields.AwareDateTime(required=True, allow_none=True)


class StopListSchema(ReplySchema):
    """The stops that hold, newest first."""

    items = fields.List(fields.Nested(StopSchema), required=True)


class RecallRequestSchema(RequestSchema):
    """How many unsold seats to take back from an agent."""

    area = fields.String(required=True, validate=NAMED)
    agent = fields.String(required=True, validate=REF)
    seats = fields.Integer(
        strict=True, required=True, validate=validate.Range(1, 1_000_000)
    )
    force = fields.Boolean(
        load_default=False,
        metadata={"description": "Take holds back for it, the first to lapse first"},
    )
    notice_h = fields.Integer(
        strict=True,
        validate=validate.Range(0, 8_784),
        metadata={"description": "Operators: instead of the notice of the plan"},
    )
    reason = fields.String(required=True, validate=TEXT)


class RecallSchema(ReplySchema):
    """A recall: when it takes effect, and what it took."""

    id = fields.UUID(required=True)
    performance_id = fields.UUID(required=True)
    area = fields.String(required=True)
    agent_id = fields.UUID(required=True)
    seats = fields.Integer(required=True)
    force = fields.Boolean(required=True, attribute="is_forced")
    reason = fields.String(required=True)
    effective_at = fields.AwareDateTime(required=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)
    taken = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Seats; null until it is done"},
    )


class RecallQuerySchema(RequestSchema):
    """Which recalls to list."""

    performance_id = fields.UUID()


class RecallListSchema(ReplySchema):
    """Recalls, newest first."""

    items = fields.List(fields.Nested(RecallSchema), required=True)


class RequestLineSchema(ReplySchema):
    """What is asked for."""

    performance_id = fields.UUID(required=True)
    area = fields.String(required=True)
    price_type = fields.String(required=True)
    quantity = fields.Integer(required=True)


class AskedSchema(ReplySchema):
    """A request that waits for its supplier."""

    hold_id = fields.UUID(required=True)
    agent = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    lines = fields.List(fields.Nested(RequestLineSchema), required=True)


class AskedPageSchema(ReplySchema):
    """A page of requests, oldest first."""

    items = fields.List(fields.Nested(AskedSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class RequestDecisionSchema(RequestSchema):
    """What the supplier says to a request."""

    decision = fields.String(
        required=True, validate=validate.OneOf(["accept", "reject"])
    )
    reason = fields.String(load_default="", validate=validate.Length(0, 200))


class DecidedRequestSchema(ReplySchema):
    """What has become of a request."""

    hold_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["held", "rejected"]))
