"""The wire of sandboxes."""

from marshmallow import fields, validate

from hub.kernel.http import Moment, ReplySchema, RequestSchema
from hub.sandbox.services.events import KINDS

PERIOD = validate.Regexp(r"^[0-9]{4}-[0-9]{2}\Z")


class SandboxKeySchema(ReplySchema):
    """A partner's sandbox, and a key to it; the key is shown once."""

    world = fields.String(required=True)
    partner_id = fields.UUID(
        required=True, metadata={"description": "The partner in its sandbox"}
    )
    key = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)


class ChecklistItemSchema(ReplySchema):
    """Something to have done before going live, and whether the hub saw it."""

    ref = fields.String(required=True)
    title = fields.String(required=True)
    how = fields.String(required=True)
    is_done = fields.Boolean(required=True)
    first_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Null where it is a count of what is stored"},
    )
    count = fields.Integer(required=True)


class ChecklistSchema(ReplySchema):
    """What an agent is to have done before it goes live, ticked off by the hub."""

    world = fields.String(required=True)
    now = fields.AwareDateTime(required=True)
    is_ready = fields.Boolean(required=True)
    left = fields.List(fields.String(), required=True)
    items = fields.List(fields.Nested(ChecklistItemSchema), required=True)


class MagicShowSchema(ReplySchema):
    """A production of the sandbox, and what it does on purpose."""

    ref = fields.String(required=True)
    what = fields.String(required=True)
    performances = fields.List(fields.UUID(), required=True)


class MagicWordSchema(ReplySchema):
    """A word, and what it does on purpose."""

    word = fields.String(required=True)
    what = fields.String(required=True)


class SandboxSchema(ReplySchema):
    """What a sandbox has that is magic, and what time it is in it."""

    world = fields.String(required=True)
    now = fields.AwareDateTime(required=True)
    productions = fields.List(fields.Nested(MagicShowSchema), required=True)
    areas_and_rows = fields.List(
        fields.Nested(MagicWordSchema),
        required=True,
        metadata={"description": "Of `Sold by its word`, and of its stalls"},
    )
    buyers = fields.List(
        fields.Nested(MagicWordSchema),
        required=True,
        metadata={"description": "Before @rehearsal.invalid, in a buyer's address"},
    )


class ClockMoveSchema(RequestSchema):
    """What time it is to be: within three years of the sandbox's first day."""

    now = Moment(required=True)


class ClockMovedSchema(ReplySchema):
    """What time it is."""

    world = fields.String(required=True)
    now = fields.AwareDateTime(required=True)


class EventRequestSchema(RequestSchema):
    """What is to happen to a performance."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    performance_id = fields.UUID(required=True)


class EventSchema(ReplySchema):
    """What is about to happen: it is applied within moments."""

    kind = fields.String(required=True)
    performance_id = fields.UUID(required=True)


class ClosingRequestSchema(RequestSchema):
    """Which month to close."""

    period = fields.String(required=True, validate=PERIOD)


class ClosedStatementSchema(ReplySchema):
    """A statement of the partner."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)
    currency = fields.String(required=True)


class ClosingSchema(ReplySchema):
    """A month that is closed, and the partner's statements of it."""

    period = fields.String(required=True)
    statements = fields.List(fields.Nested(ClosedStatementSchema), required=True)
