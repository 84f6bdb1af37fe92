"""The wire of what agents see: performances, availability, seats."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from hub.kernel.http import Moment, ReplySchema, RequestSchema
from hub.sales.schemas.catalogue import PlaceQuerySchema
from hub.sales.schemas.prices import PricedSchema
from hub.sales.schemas.sale import TICKETS_MAX, SeatNameSchema

PERFORMANCES_MAX = 50
PRICE_MAX = 1_000_000_000


class StalenessSchema(RequestSchema):
    """How old an answer may be."""

    max_staleness_s = fields.Integer(
        validate=validate.Range(0, 60),
        metadata={"description": "0: looked up now; else as old as the hub allows"},
    )


class PerformanceQuerySchema(PlaceQuerySchema, StalenessSchema):
    """Which performances to list; from now on unless said otherwise."""

    production_id = fields.UUID()
    venue_id = fields.UUID()
    starts_from = Moment()
    starts_until = Moment()
    currency = fields.String(validate=validate.Regexp(r"^[A-Z]{3}\Z"))
    price_from_minor = fields.Integer(validate=validate.Range(0, PRICE_MAX))
    price_until_minor = fields.Integer(validate=validate.Range(0, PRICE_MAX))

    @validates_schema
    def check_currency(self, data: dict[str, Any], **_: Any) -> None:
        if data.keys() & {"price_from_minor", "price_until_minor"} and (
            "currency" not in data
        ):
            message = "Say in which currency the price is."
            raise ValidationError(message, "currency")


class ManyPerformancesSchema(StalenessSchema):
    """Which performances, and how old the answers may be."""

    performance_id = fields.List(
        fields.UUID(),
        required=True,
        validate=validate.Length(1, PERFORMANCES_MAX),
        metadata={"description": "Repeated, for each"},
    )


class PerformanceSchema(ReplySchema):
    """One showing of a production."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    supplier_id = fields.UUID(required=True)
    production_id = fields.UUID(required=True)
    genre = fields.String(required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    venue_id = fields.UUID(required=True)
    venue = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    auditorium_id = fields.UUID(required=True)
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
    status = fields.String(
        required=True, validate=validate.OneOf(["scheduled", "postponed", "cancelled"])
    )
    admission = fields.String(
        required=True,
        validate=validate.OneOf(["ticket", "order"]),
        metadata={"description": "By a code for each ticket, or one for an order's"},
    )
    names = fields.String(
        required=True,
        validate=validate.OneOf(["none", "order", "ticket"]),
        metadata={"description": "Whose names a confirm must give: buyer's, holders'"},
    )


class PerformancePageSchema(ReplySchema):
    """A page of performances, by start."""

    items = fields.List(fields.Nested(PerformanceSchema), required=True)
    next = fields.String(required=True, allow_none=True)
    max_age_s = fields.Integer(
        required=True, metadata={"description": "How old the page may be"}
    )


class OfferSchema(PricedSchema):
    """A price type of an area, for one ticket."""

    offer_id = fields.UUID(required=True)
    price_type = fields.String(required=True)
    tax_bp = fields.Integer(required=True)
    tickets_min = fields.Integer(required=True)
    tickets_max = fields.Integer(required=True)
    resale_floor_minor = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The public pays no less for a ticket"},
    )
    resale_ceiling_minor = fields.Integer(
        required=True, allow_none=True, metadata={"description": "And no more"}
    )
    available = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Tickets of this offer; null: no limit"},
    )


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
    available = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The most of any of its offers; null: no limit"},
    )
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


class ManyAvailabilitiesSchema(ReplySchema):
    """Availability of several performances; those not to be seen are named."""

    items = fields.List(fields.Nested(AvailabilitySchema), required=True)
    not_found = fields.List(fields.UUID(), required=True)


class BestSeatsQuerySchema(RequestSchema):
    """What would be held."""

    offer_id = fields.UUID(required=True)
    quantity = fields.Integer(required=True, validate=validate.Range(1, TICKETS_MAX))
    accessible = fields.Integer(validate=validate.Range(0, TICKETS_MAX))
    adjacent = fields.Boolean()


class BestSeatsSchema(PricedSchema):
    """The seats a hold would be given, and the price of all; nothing is taken."""

    performance_id = fields.UUID(required=True)
    as_of = fields.AwareDateTime(required=True)
    offer_id = fields.UUID(required=True)
    seats = fields.List(fields.Nested(SeatNameSchema), required=True)


class SupplierQuerySchema(RequestSchema):
    """Over how many days."""

    days = fields.Integer(load_default=30, validate=validate.Range(1, 366))


class SupplierSchema(ReplySchema):
    """A supplier, and how far its availability could be relied on of late.

    A hold counts if the same process had told its agent, within a minute, that there
    was enough; so it is a sample of them.
    """

    id = fields.UUID(required=True)
    ref = fields.String(required=True)
    name = fields.String(required=True)
    days = fields.Integer(required=True)
    holds_after_yes = fields.Integer(required=True)
    refused_after_yes = fields.Integer(required=True)
    refused_bp = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "In ten-thousandths; null: nothing was measured"},
    )


class SupplierListSchema(ReplySchema):
    """Suppliers."""

    items = fields.List(fields.Nested(SupplierSchema), required=True)


class SeatSchema(ReplySchema):
    """A seat of a performance."""

    id = fields.UUID(required=True)
    area = fields.String(required=True)
    row = fields.String(required=True)
    number = fields.String(required=True)
    x = fields.Integer(required=True)
    y = fields.Integer(required=True)
    kind = fields.String(required=True)
    pair = fields.String(
        required=True, allow_none=True, metadata={"description": "Sold together"}
    )
    is_free = fields.Boolean(
        required=True, metadata={"description": "For this agent, at this moment"}
    )


class SeatListSchema(ReplySchema):
    """The seats of a performance, best row first."""

    as_of = fields.AwareDateTime(required=True)
    items = fields.List(fields.Nested(SeatSchema), required=True)
