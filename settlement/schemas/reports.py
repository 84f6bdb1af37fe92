"""The wire of reports."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema, RequestSchema
from settlement.queries.reports import DIMENSIONS

MONTH = {"description": "A month such as 2026-11"}


class ReportQuerySchema(RequestSchema):
    """Which month to report on; each contract's in its own zone."""

    period = fields.String(required=True, metadata=MONTH)


class RevenueQuerySchema(ReportQuerySchema):
    """Which month, in which zone, whose, and by what to tell it apart."""

    by = fields.String(load_default="kind", validate=validate.OneOf(list(DIMENSIONS)))
    zone = fields.String(load_default="UTC", validate=validate.Length(1, 64))
    legal_entity = fields.String(load_default=None, validate=validate.Length(1, 64))


class RevenueLineSchema(ReplySchema):
    """What one kind of income came to; minor units, net of tax."""

    key = fields.String(
        required=True, metadata={"description": "Of the dimension; empty: of none"}
    )
    kind = fields.String(
        required=True,
        metadata={"description": "commission, service-fee, advertising, ..."},
    )
    currency = fields.String(required=True)
    revenue_minor = fields.Integer(required=True)


class RevenueSchema(ReplySchema):
    """The hub's revenue of a month."""

    period = fields.String(required=True)
    by = fields.String(required=True)
    items = fields.List(fields.Nested(RevenueLineSchema), required=True)


class OwedLineSchema(ReplySchema):
    """What is owed under a contract: an agent's to the hub, a supplier's by it."""

    contract_id = fields.UUID(required=True)
    partner = fields.String(required=True)
    side = fields.String(required=True)
    currency = fields.String(required=True)
    owed_minor = fields.Integer(required=True)
    since = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When the oldest that no payment reached was stated"},
    )


class OwedSchema(ReplySchema):
    """What is owed, contract by contract."""

    as_of = fields.AwareDateTime(required=True)
    items = fields.List(fields.Nested(OwedLineSchema), required=True)


class CommissionLineSchema(ReplySchema):
    """A contract's commission; promised + returned + trued up + corrected = earned."""

    contract_id = fields.UUID(required=True)
    partner = fields.String(required=True)
    side = fields.String(required=True)
    currency = fields.String(required=True)
    promised_minor = fields.Integer(
        required=True, metadata={"description": "As the sales were quoted"}
    )
    returned_minor = fields.Integer(required=True)
    trued_up_minor = fields.Integer(required=True)
    corrected_minor = fields.Integer(required=True)
    earned_minor = fields.Integer(required=True)


class CommissionReportSchema(ReplySchema):
    """Commission promised against earned."""

    period = fields.String(required=True)
    items = fields.List(fields.Nested(CommissionLineSchema), required=True)
