"""The wire of plans."""

from marshmallow import fields, validate

from hub.kernel.http import Moment, ReplySchema, RequestSchema


class PlanRequestSchema(RequestSchema):
    """How capacity is shared out: promises first, then weights; the rest is shared."""

    name = fields.String(load_default="", validate=validate.Length(0, 128))
    scope = fields.Dict(
        load_default=dict,
        metadata={
            "description": "Which performances: genre, venue, auditorium, production, "
            "performance (the supplier's references), starts_from, starts_until; the "
            "narrowest plan wins"
        },
    )
    plan = fields.Dict(
        required=True,
        metadata={
            "description": "Levels, rules, caps: the JSON Schema is "
            "``/v1/plan-schema``. What is wrong is refused by name and number"
        },
    )
    draft = fields.Boolean(
        load_default=False,
        metadata={"description": "Keep it without putting it in force"},
    )


class PlanSchema(ReplySchema):
    """One version of a plan."""

    id = fields.UUID(required=True)
    supplier_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    name = fields.String(required=True)
    scope = fields.Dict(required=True)
    plan = fields.Dict(required=True, attribute="rules")
    created_at = fields.AwareDateTime(required=True)
    created_by = fields.UUID(required=True)


class PublicationSchema(ReplySchema):
    """A plan put in force or withdrawn: by whom, when."""

    no = fields.Integer(required=True)
    plan_id = fields.UUID(required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf(["published", "withdrawn"])
    )
    made_at = fields.AwareDateTime(required=True)
    made_by = fields.UUID(required=True)


class ScheduleRequestSchema(RequestSchema):
    """When a plan comes into force."""

    effective_at = Moment(required=True, metadata={"description": "In the future"})


class ScheduleSchema(ReplySchema):
    """A plan that comes into force at a moment, and what became of it."""

    plan_id = fields.UUID(required=True)
    effective_at = fields.AwareDateTime(required=True)
    made_at = fields.AwareDateTime(required=True)
    made_by = fields.UUID(required=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)
    outcome = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "published, called off, or refused and why"},
    )


class PlanListSchema(ReplySchema):
    """A supplier's plans, newest first, and what was put in force when."""

    items = fields.List(fields.Nested(PlanSchema), required=True)
    publications = fields.List(fields.Nested(PublicationSchema), required=True)
    schedules = fields.List(fields.Nested(ScheduleSchema), required=True)
    in_force = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "The published version of each scope"},
    )


class SumsSchema(ReplySchema):
    """What an agent has over all performances and areas (seats)."""

    allotments = fields.Integer(required=True)
    guarantee = fields.Integer(required=True)
    taken = fields.Integer(required=True)
    cut = fields.Integer(
        required=True, metadata={"description": "Allotments whose promise is cut"}
    )


class BeforeAfterSchema(ReplySchema):
    """An agent under the plans in force, and under this one."""

    agent = fields.String(required=True)
    before = fields.Nested(SumsSchema, required=True)
    after = fields.Nested(SumsSchema, required=True)


class SimulationSchema(ReplySchema):
    """What a plan would change around what is taken now."""

    performances = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    overcommitted = fields.Integer(required=True)
    agents = fields.List(fields.Nested(BeforeAfterSchema), required=True)
    shortages = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "Promises a capacity cannot keep, by name and number"},
    )
    examples = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "The first performances that change, allotment by it"},
    )
