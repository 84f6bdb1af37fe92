"""What OCTO is told of bookings and carts, for its document."""

from marshmallow import fields

from hub.dialects.octo.schemas.catalogue import (
    AvailabilitySchema,
    OptionSchema,
    PricingSchema,
    ProductSchema,
    ToldSchema,
    UnitSchema,
    each,
    flag,
    maybe,
    text,
    texts,
)


class ContactToldSchema(ToldSchema):
    """Who buys, or whose a ticket is."""

    fullName = maybe()
    firstName = maybe()
    lastName = maybe()
    emailAddress = maybe()
    phoneNumber = maybe()
    locales = texts()
    postalCode = maybe()
    country = maybe()
    notes = maybe()


class DeliveryOptionSchema(ToldSchema):
    """A code, and how it is drawn."""

    deliveryFormat = text()
    deliveryValue = text()


class TicketSchema(ToldSchema):
    """What lets in."""

    redemptionMethod = text()
    utcRedeemedAt = maybe()
    deliveryOptions = each(DeliveryOptionSchema)


class UnitItemToldSchema(ToldSchema):
    """One ticket; ``seat`` is the hub's own field: its row and number."""

    uuid = text()
    resellerReference = maybe()
    supplierReference = maybe()
    unitId = text()
    unit = fields.Nested(UnitSchema, allow_none=True)
    status = text()
    utcRedeemedAt = maybe()
    contact = fields.Nested(ContactToldSchema, required=True)
    ticket = fields.Nested(TicketSchema, required=True, allow_none=True)
    seat = fields.Dict(required=True, allow_none=True)
    pricing = fields.Nested(PricingSchema)


class CancellationToldSchema(ToldSchema):
    """What cancelling brought back."""

    refund = text()
    reason = maybe()
    utcCancelledAt = text()


class BookingSchema(ToldSchema):
    """A hold, or the order that came of it."""

    id = text()
    uuid = text()
    testMode = flag()
    resellerReference = maybe()
    supplierReference = maybe()
    status = text()
    utcCreatedAt = text()
    utcUpdatedAt = text()
    utcExpiresAt = maybe()
    utcRedeemedAt = maybe()
    utcConfirmedAt = maybe()
    productId = text()
    product = fields.Nested(ProductSchema, allow_none=True)
    optionId = text()
    option = fields.Nested(OptionSchema, allow_none=True)
    cancellable = flag()
    cancellation = fields.Nested(CancellationToldSchema, allow_none=True, required=True)
    freesale = flag()
    availabilityId = maybe()
    availability = fields.Nested(AvailabilitySchema, required=True, allow_none=True)
    contact = fields.Nested(ContactToldSchema, required=True)
    notes = maybe()
    deliveryMethods = texts()
    voucher = fields.Nested(TicketSchema, required=True, allow_none=True)
    unitItems = each(UnitItemToldSchema)
    pricing = fields.Nested(PricingSchema)
    orderId = fields.String()


class CartToldSchema(ToldSchema):
    """Bookings that are confirmed together: OCTO's order."""

    id = text()
    testMode = flag()
    supplierReference = text()
    settlementMethod = text()
    status = text()
    utcExpiresAt = maybe()
    utcConfirmedAt = maybe()
    cancellable = flag()
    bookings = each(BookingSchema)
    contact = fields.Nested(ContactToldSchema, required=True)
    pricing = fields.Nested(PricingSchema)


class WebhookToldSchema(ToldSchema):
    """What is told where; of its headers only the names."""

    id = text()
    event = text()
    url = text()
    retryOnError = flag()
    useContactLanguage = flag()
    headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    capabilities = texts()
