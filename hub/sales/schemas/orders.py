"""The wire of orders: confirming, showing, cancelling and exchanging them."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from hub.kernel.http import Moment, PageSchema, ReplySchema, RequestSchema
from hub.sales.rules import OrderState
from hub.sales.rules.people import Person
from hub.sales.rules.supplied import Told
from hub.sales.schemas.sale import (
    FENCE,
    LINES_MAX,
    REFERENCE,
    TICKETS_MAX,
    HoldLineSchema,
    SeatNameSchema,
)

ID_TYPES = ("national-id", "passport", "driving-licence", "residence-permit")
MINOR_MAX = 100_000_000_00
CANCELLED_FOR = ("agent", "exchange", "venue")
ORDER_STATES = [*OrderState, Told.CONFIRMING, Told.UNKNOWN, Told.REJECTED]
TICKET_STATES = ("valid", "used", "cancelled")


class PersonSchema(RequestSchema):
    """Somebody by name, with a document where the venue asks for one."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    id_type = fields.String(validate=validate.OneOf(ID_TYPES))
    id_number = fields.String(
        validate=validate.Regexp(r"^[0-9A-Za-z][0-9A-Za-z .-]{2,38}[0-9A-Za-z]\Z")
    )

    @validates_schema
    def check_document(self, data: dict[str, Any], **_: Any) -> None:
        if ("id_type" in data) != ("id_number" in data):
            message = "Give both, or neither."
            raise ValidationError(message, "id_number")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Person:
        if "id_number" in data:  # the same document, however it is written
            signs = (sign for sign in data["id_number"] if sign.isalnum())
            data["id_number"] = "".join(signs).upper()
        return Person(**data)


class BuyerSchema(PersonSchema):
    """Who buys, and how to be reached."""

    email = fields.Email(validate=validate.Length(max=254))
    phone = fields.String(validate=validate.Regexp(r"^\+?[0-9][0-9 ().-]{3,30}\Z"))


class HolderSchema(PersonSchema):
    """Whose a ticket is; the document says so at the door."""

    id_type = fields.String(required=True, validate=validate.OneOf(ID_TYPES))
    id_number = fields.String(
        required=True,
        validate=validate.Regexp(r"^[0-9A-Za-z][0-9A-Za-z .-]{2,38}[0-9A-Za-z]\Z"),
    )


class ResaleSchema(RequestSchema):
    """What the public pays for one ticket of a line; minor units."""

    line_no = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, LINES_MAX)
    )
    price_minor = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, MINOR_MAX)
    )


class OrderRequestSchema(RequestSchema):
    """Which hold to confirm, what the agent calls the order, and for whom it is."""

    hold_id = fields.UUID(required=True)
    hold_version = fields.Integer(strict=True, metadata={"description": FENCE})
    reference = fields.String(required=True, validate=REFERENCE)
    buyer = fields.Nested(BuyerSchema)
    holders = fields.List(
        fields.Nested(HolderSchema),
        validate=validate.Length(1, LINES_MAX * TICKETS_MAX),
        metadata={
            "description": "Where a performance asks for each ticket's holder: line by"
            " line, a holder for each ticket"
        },
    )
    resale = fields.List(
        fields.Nested(ResaleSchema),
        validate=validate.Length(1, LINES_MAX),
        metadata={
            "description": "Needed for lines whose offer bounds the price to the public"
        },
    )

    @post_load
    def by_line(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "resale" in data:
            said = data["resale"]
            data["resale"] = {one["line_no"]: one["price_minor"] for one in said}
        if "holders" in data:
            data["holders"] = tuple(data["holders"])
        return data


class ShownPersonSchema(ReplySchema):
    """A person as shown: of the document its last characters."""

    name = fields.String(required=True)
    id_type = fields.String(required=True, allow_none=True)
    id_ends_with = fields.String(required=True, allow_none=True)


class TicketSchema(ReplySchema):
    """One admission; what is cancelled has no code any more."""

    id = fields.UUID(required=True)
    line_no = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(TICKET_STATES))
    code = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Where admission is by order, all its tickets have one code"
        },
    )
    seat = fields.Nested(SeatNameSchema, required=True, allow_none=True)
    placement = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Where to sit, as a supplier prints it that seats by itself"
        },
    )
    holder = fields.Nested(ShownPersonSchema, required=True, allow_none=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)
    cancelled_at = fields.AwareDateTime(required=True, allow_none=True)
    cancelled_for = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(CANCELLED_FOR)
    )


class OrderLineSchema(HoldLineSchema):
    """Some tickets of one offer, sold; amounts are those of the sale."""

    state = fields.String(required=True, validate=validate.OneOf(ORDER_STATES))
    cancelled = fields.Integer(required=True)
    resale_minor = fields.Integer(required=True, allow_none=True)


class RefundSchema(ReplySchema):
    """What a cancellation brought back, in minor units.

    The buyer gets ``price_minor`` less ``refund_fee_minor``; what the agent owes falls
    by ``net_minor``.
    """

    at = fields.AwareDateTime(required=True)
    cancelled_for = fields.String(required=True, validate=validate.OneOf(CANCELLED_FOR))
    ticket_ids = fields.List(fields.UUID(), required=True)
    price_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    refund_fee_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)


class NotSoldSchema(ReplySchema):
    """A line of the hold that its supplier did not sell; it costs nothing."""

    no = fields.Integer(required=True)
    performance_id = fields.UUID(required=True)
    area = fields.String(required=True)
    price_type = fields.String(required=True)
    quantity = fields.Integer(required=True)
    reason = fields.String(required=True)


class OrderSchema(ReplySchema):
    """A confirmed sale; or one that waits for suppliers, or that they refused."""

    id = fields.UUID(required=True)
    hold_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(ORDER_STATES),
        metadata={
            "description": "While suppliers are asked: confirming, or unknown if one"
            " has not answered; rejected if none sold"
        },
    )
    version = fields.Integer(required=True)
    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    exchanged_from = fields.UUID(required=True, allow_none=True)
    buyer = fields.Nested(ShownPersonSchema, required=True, allow_none=True)
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)
    tickets = fields.List(fields.Nested(TicketSchema), required=True)
    refunds = fields.List(fields.Nested(RefundSchema), required=True)
    not_sold = fields.List(
        fields.Nested(NotSoldSchema),
        required=True,
        metadata={"description": "Partial success: what suppliers did not sell of it"},
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it was rejected, or cannot be concluded yet"},
    )
    cancelling = fields.List(
        fields.UUID(),
        required=True,
        metadata={
            "description": "Performances whose supplier has not answered yet whether it"
            " takes tickets back"
        },
    )


class OrderPageSchema(ReplySchema):
    """A page of orders."""

    items = fields.List(fields.Nested(OrderSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class OrderQuerySchema(PageSchema):
    """Which orders to list; all that is said holds."""

    reference = fields.String(validate=validate.Length(1, 64))
    reference_starts = fields.String(
        validate=validate.Length(1, 64),
        metadata={"description": "How the agent's own reference begins"},
    )
    ticket_code = fields.String(validate=validate.Length(1, 64))
    performance_id = fields.UUID()
    state = fields.String(validate=validate.OneOf([*OrderState]))
    confirmed_from = Moment()
    confirmed_until = Moment(metadata={"description": "Half-open: not this moment"})
