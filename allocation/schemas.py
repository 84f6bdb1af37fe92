"""The wire of plans."""

from marshmallow import fields, validate

from allocation.rules.plans import RuleKind
from hub.kernel.http import ReplySchema, RequestSchema
from partners.schemas import REF

SEATS_MAX = 1_000_000
WEIGHT_MAX = 10_000


class HolderRuleSchema(RequestSchema):
    """How a holder comes to its seats."""

    kind = fields.Enum(RuleKind, by_value=True, required=True)
    seats = fields.Integer(strict=True, validate=validate.Range(0, SEATS_MAX))
    weight = fields.Integer(strict=True, validate=validate.Range(0, WEIGHT_MAX))
    ceiling = fields.Integer(strict=True, validate=validate.Range(0, SEATS_MAX))


class AgentRuleSchema(HolderRuleSchema):
    """What an agent is given of its channel's seats."""

    agent = fields.String(required=True, validate=REF)


class ChannelRuleSchema(HolderRuleSchema):
    """What a channel is given of an area's seats."""

    channel = fields.String(required=True, validate=REF)
    agents = fields.List(
        fields.Nested(AgentRuleSchema),
        load_default=list,
        validate=validate.Length(0, 500),
    )


class PlanRequestSchema(RequestSchema):
    """How capacity is shared out: fixed first, then weights, the rest is free sale."""

    keep_shared_bp = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(0, 10_000),
        metadata={"description": "Part of what is left after fixed that stays shared"},
    )
    channels = fields.List(
        fields.Nested(ChannelRuleSchema), required=True, validate=validate.Length(1, 50)
    )


class PlanSchema(ReplySchema):
    """One version of a plan."""

    id = fields.UUID(required=True)
    supplier_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    rules = fields.Dict(required=True)
    published_at = fields.AwareDateTime(required=True)


class PlanListSchema(ReplySchema):
    """The versions of a supplier's plan, newest first."""

    items = fields.List(fields.Nested(PlanSchema), required=True)
