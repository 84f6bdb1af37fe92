"""The wire of the sale."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from hub.kernel.http import Moment, PageSchema, ReplySchema, RequestSchema
from hub.sales.rules import HoldState, OrderState

LINES_MAX = 10
TICKETS_MAX = 100
GENRES = ["film", "stage", "sport", "general"]
REFERENCE = validate.Regexp(r"^[\x21-\x7E]([\x20-\x7E]{0,62}[\x21-\x7E])?\Z")


class PerformanceQuerySchema(PageSchema):
    """Which performances to list; from now on unless said otherwise."""

    genre = fields.String(validate=validate.OneOf(GENRES))
    starts_from = Moment()
    starts_until = Moment()


class PerformanceSchema(ReplySchema):
    """One showing of a production."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    production_id = fields.UUID(required=True)
    genre = fields.String(required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    venue_id = fields.UUID(required=True)
    venue = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    auditorium = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True
    )
    city = fields.String(required=True)
    country = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    zone = fields.String(required=True)
    business_on = fields.Date(required=True)
    is_open_dated = fields.Boolean(required=True)
    on_sale_at = fields.AwareDateTime(required=True, allow_none=True)
    cut_off_at = fields.AwareDateTime(required=True, allow_none=True)
    status = fields.String(required=True)


class PerformancePageSchema(ReplySchema):
    """A page of performances, by start."""

    items = fields.List(fields.Nested(PerformanceSchema), required=True)
    next = fields.String(required=True, allow_none=True)


STATES = validate.OneOf(["final", "provisional"])


class AmountSchema(ReplySchema):
    """One amount the agent's terms make of a line: how it came about."""

    what = fields.String(required=True)
    minor = fields.Integer(required=True)
    tax_minor = fields.Integer(required=True, metadata={"description": "Of the amount"})
    tax = fields.String(
        required=True, metadata={"description": "Code, rate and method; may be empty"}
    )
    to = fields.String(required=True, metadata={"description": "Who gets it"})
    rule = fields.String(required=True)
    inputs = fields.Dict(required=True)
    state = fields.String(required=True, validate=STATES)


class TermsUsedSchema(ReplySchema):
    """The version of the agent's terms behind a price, and each rule that applied."""

    terms_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    state = fields.String(
        required=True,
        validate=STATES,
        metadata={
            "description": "provisional: depends on a running total, trued up later"
        },
    )
    amounts = fields.List(fields.Nested(AmountSchema), required=True)


class PricedSchema(ReplySchema):
    """What a line costs and earns its agent; minor units, whole line."""

    currency = fields.String(required=True)
    face_minor = fields.Integer(required=True)
    discount_minor = fields.Integer(required=True)
    booking_fee_minor = fields.Integer(required=True)
    price_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)
    terms = fields.Nested(TermsUsedSchema, required=True)


class OfferSchema(PricedSchema):
    """A price type of an area, for one ticket."""

    offer_id = fields.UUID(required=True)
    price_type = fields.String(required=True)
    tax_bp = fields.Integer(required=True)
    tickets_min = fields.Integer(required=True)
    tickets_max = fields.Integer(required=True)


class StepSchema(ReplySchema):
    """One node on the walk from the agent's allotment up to the area."""

    level = fields.String(required=True)
    guarantee = fields.Integer(
        required=True, metadata={"description": "Seats kept for this node"}
    )
    ceiling = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Seats it may never exceed; the area's capacity"},
    )
    taken = fields.Integer(
        required=True,
        metadata={
            "description": "An agent: seats held and sold. Above: what its nodes cost "
            "it, each the larger of its guarantee and what it has taken"
        },
    )
    overcommitted = fields.Integer(
        required=True, metadata={"description": "Seats taken above the ceiling"}
    )
    binds = fields.Boolean(
        required=True, metadata={"description": "Whether one seat more fails here"}
    )


class AreaAvailabilitySchema(ReplySchema):
    """How many seats of an area the agent may take now, why, and at what price."""

    area = fields.String(required=True)
    name = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    is_seated = fields.Boolean(required=True)
    available = fields.Integer(required=True)
    nothing_because = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "no-terms or not-allotted; null when there is both"},
    )
    walk = fields.List(fields.Nested(StepSchema), required=True)
    offers = fields.List(fields.Nested(OfferSchema), required=True)


class AvailabilitySchema(ReplySchema):
    """What an agent may sell of a performance, and how fresh that is."""

    performance_id = fields.UUID(required=True)
    as_of = fields.AwareDateTime(required=True)
    source = fields.String(required=True)
    max_age_s = fields.Integer(required=True)
    is_on_sale = fields.Boolean(required=True)
    not_on_sale_because = fields.String(required=True, allow_none=True)
    areas = fields.List(fields.Nested(AreaAvailabilitySchema), required=True)


class SeatSchema(ReplySchema):
    """A seat of a performance."""

    id = fields.UUID(required=True)
    area = fields.String(required=True)
    row = fields.String(required=True)
    number = fields.String(required=True)
    x = fields.Integer(required=True)
    y = fields.Integer(required=True)
    kind = fields.String(required=True)
    is_free = fields.Boolean(required=True)


class SeatListSchema(ReplySchema):
    """The seats of a performance, best row first."""

    as_of = fields.AwareDateTime(required=True)
    items = fields.List(fields.Nested(SeatSchema), required=True)


class HoldLineRequestSchema(RequestSchema):
    """Some tickets of one offer: a number of them, or these seats."""

    offer_id = fields.UUID(required=True)
    quantity = fields.Integer(strict=True, validate=validate.Range(1, TICKETS_MAX))
    seat_ids = fields.List(fields.UUID(), validate=validate.Length(1, TICKETS_MAX))

    @validates_schema
    def check_one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        if ("quantity" in data) == ("seat_ids" in data):
            message = "Give a quantity or seat_ids, not both."
            raise ValidationError(message, "quantity")


class HoldRequestSchema(RequestSchema):
    """What to hold; all lines or none."""

    lines = fields.List(
        fields.Nested(HoldLineRequestSchema),
        required=True,
        validate=validate.Length(1, LINES_MAX),
    )


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
    state = fields.String(required=True, validate=validate.OneOf([*HoldState]))
    version = fields.Integer(required=True)
    expires_at = fields.AwareDateTime(required=True)
    currency = fields.String(required=True)
    price_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)
    lines = fields.List(fields.Nested(HoldLineSchema), required=True)


class OrderRequestSchema(RequestSchema):
    """Which hold to confirm, and what the agent calls the order."""

    hold_id = fields.UUID(required=True)
    reference = fields.String(required=True, validate=REFERENCE)


class TicketSchema(ReplySchema):
    """One admission."""

    id = fields.UUID(required=True)
    line_no = fields.Integer(required=True)
    code = fields.String(required=True)
    seat = fields.Nested(SeatNameSchema, required=True, allow_none=True)
    cancelled_at = fields.AwareDateTime(required=True, allow_none=True)


class OrderLineSchema(HoldLineSchema):
    """Some tickets of one offer, sold; amounts are those of the sale."""

    cancelled = fields.Integer(required=True)


class OrderSchema(ReplySchema):
    """A confirmed sale."""

    id = fields.UUID(required=True)
    hold_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([*OrderState]))
    version = fields.Integer(required=True)
    confirmed_at = fields.AwareDateTime(required=True)
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)
    tickets = fields.List(fields.Nested(TicketSchema), required=True)


class OrderPageSchema(ReplySchema):
    """A page of orders."""

    items = fields.List(fields.Nested(OrderSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class OrderQuerySchema(PageSchema):
    """Which orders to list."""

    reference = fields.String(validate=validate.Length(1, 64))


class CancellationRequestSchema(RequestSchema):
    """Which tickets to cancel; all that are left unless named."""

    ticket_ids = fields.List(fields.UUID(), validate=validate.Length(1, 1_000))
