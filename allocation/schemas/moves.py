"""The wire of what is done by hand: blocks, transfers, sub-agents, rebalancing."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema, RequestSchema
from partners.schemas import REF, TEXT

SEATS_MAX = 1_000_000
AREA = validate.Length(1, 128)


class BlockRequestSchema(RequestSchema):
    """Seats to set aside: which, where the area has seats; else how many."""

    area = fields.String(required=True, validate=AREA)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(["agent", "house", "kill"]),
        metadata={
            "description": "agent: only it sells them; house: kept back, may be "
            "released; kill: not to be sold"
        },
    )
    agent = fields.String(validate=REF)
    seat_ids = fields.List(fields.UUID(), validate=validate.Length(1, 5_000))
    seats = fields.Integer(strict=True, validate=validate.Range(1, SEATS_MAX))
    reason = fields.String(required=True, validate=TEXT)


class BlockSchema(ReplySchema):
    """Seats set aside."""

    id = fields.UUID(required=True)
    area = fields.String(required=True)
    kind = fields.String(required=True)
    agent = fields.String(required=True, allow_none=True)
    seats = fields.Integer(required=True)
    taken = fields.Integer(required=True)
    seat_ids = fields.List(fields.UUID(), required=True)
    reason = fields.String(required=True)


class BlockListSchema(ReplySchema):
    """The blocks of a performance."""

    items = fields.List(fields.Nested(BlockSchema), required=True)


class BlockReleaseSchema(RequestSchema):
    """How many seats of a block to give back; all that are free if not said."""

    seats = fields.Integer(strict=True, validate=validate.Range(1, SEATS_MAX))
    reason = fields.String(required=True, validate=TEXT)


class ReleasedSchema(ReplySchema):
    """How many seats were given back."""

    released = fields.Integer(required=True)


class TransferRequestSchema(RequestSchema):
    """Unsold promise to move from one agent to another."""

    area = fields.String(required=True, validate=AREA)
    from_agent = fields.String(required=True, validate=REF)
    to_agent = fields.String(required=True, validate=REF)
    seats = fields.Integer(
        strict=True, required=True, validate=validate.Range(1, SEATS_MAX)
    )
    reason = fields.String(required=True, validate=TEXT)


class MovedSchema(ReplySchema):
    """An allotment before and after (seats)."""

    allotment = fields.String(required=True, attribute="key")
    guarantee_before = fields.Integer(required=True)
    guarantee_after = fields.Integer(required=True)
    taken = fields.Integer(required=True)


class MovedListSchema(ReplySchema):
    """What was moved."""

    items = fields.List(fields.Nested(MovedSchema), required=True)


class HandedSchema(RequestSchema):
    """What a sub-agent is given (seats)."""

    sub_agent = fields.String(required=True, validate=REF)
    guarantee = fields.Integer(
        strict=True, load_default=0, validate=validate.Range(0, SEATS_MAX)
    )
    ceiling = fields.Integer(strict=True, validate=validate.Range(0, SEATS_MAX))


class HandOnSchema(RequestSchema):
    """How an agent splits its allotment; who is not named gets nothing more."""

    parts = fields.List(
        fields.Nested(HandedSchema), required=True, validate=validate.Length(0, 200)
    )


class SubAgentSchema(ReplySchema):
    """A sub-agent's part, as it stands (seats)."""

    sub_agent = fields.String(required=True)
    guarantee = fields.Integer(required=True)
    ceiling = fields.Integer(required=True, allow_none=True)
    taken = fields.Integer(required=True)


class SubAgentListSchema(ReplySchema):
    """An agent's split."""

    items = fields.List(fields.Nested(SubAgentSchema), required=True)


class RebalanceSchema(RequestSchema):
    """Whether to move promises, or only to say what would be moved."""

    dry_run = fields.Boolean(load_default=True)


class MoveSchema(ReplySchema):
    """Seats of promise moved, and why."""

    giver = fields.String(required=True)
    taker = fields.String(required=True)
    seats = fields.Integer(required=True)
    reason = fields.String(required=True)


class MoveListSchema(ReplySchema):
    """What was, or would be, moved."""

    items = fields.List(fields.Nested(MoveSchema), required=True)
