"""The wire of credit: lines, limits, alerts, ageing."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema, RequestSchema

LIMIT_MAX = 100_000_000_000_00


class AlertSchema(ReplySchema):
    """A threshold that the use of the credit reached."""

    threshold_bp = fields.Integer(required=True)
    used_minor = fields.Integer(required=True)
    usable_minor = fields.Integer(required=True)
    reached_at = fields.AwareDateTime(required=True)


class CreditSchema(ReplySchema):
    """What an agent may use, and uses; minor units. No limit: none is agreed."""

    contract_id = fields.UUID(required=True)
    currency = fields.String(required=True)
    limit_minor = fields.Integer(required=True, allow_none=True)
    deposit_minor = fields.Integer(required=True)
    exposure_minor = fields.Integer(
        required=True, metadata={"description": "Owed for what was bought"}
    )
    reserved_minor = fields.Integer(
        required=True, metadata={"description": "What its holds would add"}
    )
    free_minor = fields.Integer(required=True, allow_none=True)
    level_bp = fields.Integer(
        required=True, metadata={"description": "The highest threshold reached, or 0"}
    )


class CreditDetailSchema(CreditSchema):
    """Credit with its latest alerts and a limit that sales history suggests."""

    alerts = fields.List(fields.Nested(AlertSchema), required=True)
    suggested_limit_minor = fields.Integer(required=True)


class CreditListSchema(ReplySchema):
    """An agent's credit, one line per currency."""

    items = fields.List(fields.Nested(CreditSchema), required=True)


class LimitRequestSchema(RequestSchema):
    """A credit limit to set; null lifts it."""

    limit_minor = fields.Integer(
        required=True,
        allow_none=True,
        strict=True,
        validate=validate.Range(0, LIMIT_MAX),
    )
    reason = fields.String(required=True, validate=validate.Length(1, 500))


class AgedSchema(ReplySchema):
    """What is owed and how long it is overdue; *overdue_days* is the bucket's end."""

    overdue_days = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "0: not due yet; null: longer than all others"},
    )
    minor = fields.Integer(required=True)


class AgeingSchema(ReplySchema):
    """An agent's debt by age: payments go to the oldest first."""

    as_of = fields.Date(required=True)
    currency = fields.String(required=True)
    payment_days = fields.Integer(required=True)
    total_minor = fields.Integer(required=True)
    unapplied_minor = fields.Integer(required=True)
    buckets = fields.List(fields.Nested(AgedSchema), required=True)
