"""The wire of what comes after the sale: cancelling, exchanging, replacing."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema, RequestSchema
from hub.sales.schemas.orders import OrderRequestSchema

ORDER_FENCE = "Refused as order-changed unless the order still has this version"
TICKET_IDS = fields.List(
    fields.UUID(),
    validate=validate.Length(1, 1_000),
    metadata={"description": "Which tickets; all that are left unless named"},
)


class CancellationRequestSchema(RequestSchema):
    """Which tickets to cancel; all that are left unless named."""

    ticket_ids = TICKET_IDS
    order_version = fields.Integer(strict=True, metadata={"description": ORDER_FENCE})
    net_minor = fields.Integer(
        strict=True,
        metadata={"description": "As the quote said; refused if it is another by now"},
    )


class CancellationQuoteRequestSchema(RequestSchema):
    """Which tickets would be cancelled; all that are left unless named."""

    ticket_ids = TICKET_IDS


class CancellableSchema(ReplySchema):
    """A ticket, and whether it can be cancelled now."""

    id = fields.UUID(required=True)
    can_be_cancelled = fields.Boolean(required=True)
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why not: a problem's code"},
    )


class CancellationQuoteSchema(ReplySchema):
    """What cancelling would give back, in minor units; nothing is cancelled yet.

    The buyer gets ``price_minor`` less ``refund_fee_minor``; what the agent owes falls
    by ``net_minor``.
    """

    order_id = fields.UUID(required=True)
    order_version = fields.Integer(required=True)
    is_possible = fields.Boolean(required=True)
    is_free = fields.Boolean(
        required=True,
        metadata={"description": "The venue's doing: all goes back, without a fee"},
    )
    until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When it is too late; none while the venue is due"},
    )
    tickets = fields.List(fields.Nested(CancellableSchema), required=True)
    must_also_cancel = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "Tickets that cannot stay without them"},
    )
    currency = fields.String(required=True)
    price_minor = fields.Integer(required=True)
    commission_minor = fields.Integer(required=True)
    service_fee_minor = fields.Integer(required=True)
    refund_fee_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)


class ExchangeQuoteRequestSchema(RequestSchema):
    """Which tickets to give up for a hold the agent has."""

    ticket_ids = TICKET_IDS
    hold_id = fields.UUID(required=True)


class ExchangeRequestSchema(OrderRequestSchema):
    """Which tickets to give up for a hold, at a difference that was shown before."""

    ticket_ids = TICKET_IDS
    difference_minor = fields.Integer(
        required=True,
        strict=True,
        metadata={"description": "As the quote said; refused if it is another by now"},
    )


class ExchangeQuoteSchema(ReplySchema):
    """What an exchange comes to; minor units. What is paid on top is positive."""

    given_up = fields.Nested(CancellationQuoteSchema, required=True)
    currency = fields.String(required=True)
    price_minor = fields.Integer(required=True)
    difference_minor = fields.Integer(
        required=True, metadata={"description": "What the buyer pays on top, or gets"}
    )
    net_difference_minor = fields.Integer(
        required=True, metadata={"description": "What the agent owes more, or less"}
    )


class ReplacementRequestSchema(RequestSchema):
    """Why a ticket needs another code."""

    reason = fields.String(required=True, validate=validate.Length(1, 200))
