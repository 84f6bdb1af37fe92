"""The wire of webhooks."""

from marshmallow import fields, validate

from hub.kernel.http import PageSchema, ReplySchema, RequestSchema
from hub.webhooks.rules import ACTIVE, KINDS, PAUSED

URL = validate.Length(8, 2_000)
TOPICS = validate.Length(0, len(KINDS))
TOPIC = fields.String(validate=validate.OneOf(KINDS))
WHICH = {"description": "Kinds of things whose changes are sent; none: all"}


class EndpointRequestSchema(RequestSchema):
    """Where to send changes, and which."""

    url = fields.String(
        required=True,
        validate=URL,
        metadata={"description": "https, and not in a private network"},
    )
    topics = fields.List(TOPIC, load_default=list, validate=TOPICS, metadata=WHICH)
    after = fields.Integer(
        strict=True,
        validate=validate.Range(0, 2**63 - 1),
        metadata={"description": "From which position on; else from now on"},
    )


class EndpointChangeSchema(RequestSchema):
    """What to change of an endpoint."""

    url = fields.String(validate=URL)
    topics = fields.List(TOPIC, validate=TOPICS, metadata=WHICH)
    state = fields.String(
        validate=validate.OneOf([ACTIVE, PAUSED]),
        metadata={"description": "One made active goes on where it stopped"},
    )


class EndpointSchema(ReplySchema):
    """Where an agent's changes are sent, and how that goes."""

    id = fields.UUID(required=True)
    url = fields.String(required=True)
    topics = fields.List(fields.String(), required=True)
    dialect = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "In whose words it is told; null: as /v1/changes"},
    )
    state = fields.String(required=True, validate=validate.OneOf([ACTIVE, PAUSED]))
    paused_because = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    position = fields.Integer(
        required=True, metadata={"description": "Changes up to here were handed over"}
    )
    failures = fields.Integer(
        required=True, metadata={"description": "Tries in a row that nothing came of"}
    )
    failing_since = fields.AwareDateTime(required=True, allow_none=True)
    next_at = fields.AwareDateTime(
        required=True, metadata={"description": "Not before then is it tried again"}
    )
    previous_until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Until then the secret before is good, too"},
    )
    created_at = fields.AwareDateTime(required=True)


class EndpointListSchema(ReplySchema):
    """An agent's endpoints."""

    items = fields.List(fields.Nested(EndpointSchema), required=True)


class SecretSchema(ReplySchema):
    """The secret messages are signed with; asked for again it is the same."""

    endpoint_id = fields.UUID(required=True)
    secret = fields.String(
        required=True,
        metadata={"description": "whsec_ and base64, as Standard Webhooks has it"},
    )
    previous_until = fields.AwareDateTime(required=True, allow_none=True)


class RotationSchema(RequestSchema):
    """For how long messages are signed with both."""

    overlap_h = fields.Integer(
        strict=True, load_default=24, validate=validate.Range(1, 24 * 30)
    )


class ReplayRequestSchema(RequestSchema):
    """Which changes to send again."""

    after = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, 2**63 - 1)
    )
    until = fields.Integer(
        strict=True,
        validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "The last position; else all that was handed over"},
    )


class ReplaySchema(ReplySchema):
    """A range that is being sent again."""

    id = fields.UUID(required=True)
    endpoint_id = fields.UUID(required=True)
    position = fields.Integer(required=True)
    until_position = fields.Integer(required=True)
    made_at = fields.AwareDateTime(required=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)


class WebhookDeliveryQuerySchema(PageSchema):
    """Which deliveries to list."""

    state = fields.String(validate=validate.OneOf(["waiting", "delivered", "failed"]))


class WebhookDeliverySchema(ReplySchema):
    """A message, and what became of it."""

    id = fields.UUID(required=True)
    position = fields.Integer(required=True)
    kind = fields.String(required=True)
    what = fields.String(required=True)
    entity_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    is_replay = fields.Boolean(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    next_at = fields.AwareDateTime(required=True)
    status = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    took_ms = fields.Integer(required=True, allow_none=True)
    tried_at = fields.AwareDateTime(required=True, allow_none=True)


class WebhookDeliveryPageSchema(ReplySchema):
    """A page of a delivery log, oldest first."""

    items = fields.List(fields.Nested(WebhookDeliverySchema), required=True)
    next = fields.String(required=True, allow_none=True)
