"""The wire of explanations and histories."""

from marshmallow import fields

from hub.kernel.http import Moment, ReplySchema, RequestSchema
from partners.schemas import REF


class ExplanationQuerySchema(RequestSchema):
    """Whose availability, and when."""

    agent = fields.String(
        validate=REF, metadata={"description": "Suppliers and operators: which agent"}
    )
    at = Moment(metadata={"description": "A moment that is past; now if not said"})


class ExplainedNodeSchema(ReplySchema):
    """One node of the walk, in numbers (seats) and words."""

    node_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={
            "description": "null: an allotment nobody has touched yet; its history is"
            " that of the one above"
        },
    )
    level = fields.String(required=True)
    holder = fields.String(required=True)
    guarantee = fields.Integer(required=True)
    ceiling = fields.Integer(required=True, allow_none=True)
    taken = fields.Integer(required=True)
    overcommitted = fields.Integer(required=True)
    binds = fields.Boolean(required=True)
    sentence = fields.String(required=True)
    held = fields.Integer(metadata={"description": "The agent's own only"})
    sold = fields.Integer(metadata={"description": "The agent's own only"})


class ExplainedLimitSchema(ReplySchema):
    """A limit beside the tree; of credit in minor units, of all others in seats."""

    cap = fields.String(
        required=True,
        metadata={
            "description": "price-type, channel, agent, buyer, held; of now only:"
            " look-to-book (holds), pending, option, credit"
        },
    )
    of = fields.String(required=True)
    price_type = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null: it counts several"},
    )
    most = fields.Integer(required=True)
    taken = fields.Integer(required=True)
    left = fields.Integer(required=True)


class HeldBySchema(ReplySchema):
    """Who holds and has sold what; for suppliers and operators."""

    allotment = fields.String(required=True)
    agent = fields.String(required=True, allow_none=True)
    guarantee = fields.Integer(required=True)
    ceiling = fields.Integer(required=True, allow_none=True)
    held = fields.Integer(required=True)
    sold = fields.Integer(required=True)


class ExplainedAreaSchema(ReplySchema):
    """An area: how many the agent may take, and why exactly so many."""

    area = fields.String(required=True)
    available = fields.Integer(required=True, allow_none=True)
    sentences = fields.List(fields.String(), required=True)
    walk = fields.List(fields.Nested(ExplainedNodeSchema), required=True)
    limits = fields.List(fields.Nested(ExplainedLimitSchema))
    held_by = fields.List(fields.Nested(HeldBySchema))


class ExplanationSchema(ReplySchema):
    """Why an agent may take exactly so many of a performance at a moment."""

    performance_id = fields.UUID(required=True)
    agent = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    notes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What is not told as it was at that moment"},
    )
    areas = fields.List(fields.Nested(ExplainedAreaSchema), required=True)


class NodeChangeSchema(ReplySchema):
    """What changed of an allotment, and why."""

    id = fields.UUID(required=True)
    cause = fields.String(
        required=True,
        metadata={
            "description": "plan, capacity, release, recall, transfer, rebalance, "
            "sub-agents, block, mended"
        },
    )
    reason = fields.String(required=True)
    plan_id = fields.UUID(required=True, allow_none=True)
    plan_version = fields.Integer(required=True, allow_none=True)
    guarantee_before = fields.Integer(required=True)
    guarantee_after = fields.Integer(required=True)
    ceiling_before = fields.Integer(required=True, allow_none=True)
    ceiling_after = fields.Integer(required=True, allow_none=True)
    taken = fields.Integer(required=True)
    made_at = fields.AwareDateTime(required=True)
    made_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The name of the key; null: a job"},
    )


class NodeHistorySchema(ReplySchema):
    """The history of an allotment, newest first."""

    allotment = fields.String(required=True)
    items = fields.List(fields.Nested(NodeChangeSchema), required=True)
