"""The wire of the sale."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from hub.kernel.http import Moment, ReplySchema, RequestSchema
from hub.sales.rules import HoldState
from hub.sales.rules.supplied import Told
from hub.sales.schemas.prices import PricedSchema

LINES_MAX = 10
TICKETS_MAX = 100
FENCE = "Refused as hold-changed unless the hold still has this version"
REFERENCE = validate.Regexp(r"^[\x21-\x7E]([\x20-\x7E]{0,62}[\x21-\x7E])?\Z")

WAITS = (Told.LOCKING, Told.CONFIRMING, Told.UNKNOWN)


class HoldLineRequestSchema(RequestSchema):
    """Some tickets of one offer: a number of them, or these seats."""

    offer_id = fields.UUID(required=True)
    quantity = fields.Integer(strict=True, validate=validate.Range(1, TICKETS_MAX))
    seat_ids = fields.List(fields.UUID(), validate=validate.Length(1, TICKETS_MAX))
    accessible = fields.Integer(
        strict=True,
        validate=validate.Range(0, TICKETS_MAX),
        metadata={
            "description": "Of the quantity: wheelchair places; the others beside them"
        },
    )
    adjacent = fields.Boolean(metadata={"description": "Seats side by side, or none"})

    @validates_schema
    def check_one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        if ("quantity" in data) == ("seat_ids" in data):
            message = "Give a quantity or seat_ids, not both."
            raise ValidationError(message, "quantity")
        if "seat_ids" in data and data.keys() & {"accessible", "adjacent"}:
            message = "Chosen seats lie where they lie."
            raise ValidationError(message, "seat_ids")


class HoldRequestSchema(RequestSchema):
    """What to hold; all lines or none."""

    lines = fields.List(
        fields.Nested(HoldLineRequestSchema),
        required=True,
        validate=validate.Length(1, LINES_MAX),
    )
    buyer = fields.String(
        validate=validate.Length(1, 255),
        metadata={
            "description": "Who buys, in the agent's own words (best a hashed id):"
            " counted where a plan limits tickets per buyer; kept as a hash only"
        },
    )
    option_until = Moment(
        metadata={
            "description": "Keep it as a group option until then, where the plan lets"
        }
    )


class SalesReportSchema(RequestSchema):
    """What an agent has sold already, under its own reference."""

    lines = fields.List(
        fields.Nested(HoldLineRequestSchema),
        required=True,
        validate=validate.Length(1, LINES_MAX),
    )
    reference = fields.String(required=True, validate=REFERENCE)
    buyer = fields.String(validate=validate.Length(1, 255))


class SeatNameSchema(ReplySchema):
    """A seat by name."""

    id = fields.UUID(required=True)
    row = fields.String(required=True)
    number = fields.String(required=True)


class HoldLineSchema(PricedSchema):
    """Some tickets of one offer, held."""

    no = fields.Integer(required=True)
    performance_id = fields.UUID(required=True)
    offer_id = fields.UUID(required=True)
    area = fields.String(required=True)
    price_type = fields.String(required=True)
    quantity = fields.Integer(required=True)
    seats = fields.List(fields.Nested(SeatNameSchema), required=True)


class HoldSchema(ReplySchema):
    """Seats kept for a short time, at prices that cannot change meanwhile."""

    id = fields.UUID(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf([*HoldState, *WAITS]),
        metadata={
            "description": "While a supplier is asked: locking, confirming, or unknown"
            " if it has not answered"
        },
    )
    version = fields.Integer(required=True)
    expires_at = fields.AwareDateTime(required=True)
    currency = fields.String(required=True)
    price_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)
    lines = fields.List(fields.Nested(HoldLineSchema), required=True)


class FenceSchema(RequestSchema):
    """Which version of a hold is meant."""

    version = fields.Integer(metadata={"description": FENCE})
