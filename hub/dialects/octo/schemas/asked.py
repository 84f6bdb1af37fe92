"""What a reseller asks over OCTO; every field that is not required may be null."""

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, pre_load, validate

from hub.dialects.octo.errors import OctoError
from hub.kernel.texts import UNSTORABLE

ITEMS_MAX, UNITS_MAX, MINUTES_MAX = 100, 20, 60 * 24 * 365
EVENTS = ("booking_update", "order_update", "availability_update", "product_update")
HEADERS_MAX = 20
HEADER = validate.Regexp(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}\Z")
HEADER_VALUE = validate.Regexp(r"[ -~]{0,1000}\Z")
SHORT, LONG = validate.Length(max=255), validate.Length(max=4_000)


class AskedSchema(Schema):
    """What a reseller sends: fields that OCTO does not know are let be."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def refuse_unstorable_text(self, data: Any, **_: Any) -> Any:
        for value in data.values() if isinstance(data, dict) else ():
            if isinstance(value, str) and UNSTORABLE.search(value):
                raise OctoError("BAD_REQUEST", "Text may hold no control character")
        return data


def _text(check: Any = SHORT, **more: Any) -> fields.String:
    return fields.String(validate=check, allow_none=True, **more)


class ContactSchema(AskedSchema):
    """Who buys, or whose a ticket is; every field may be null."""

    fullName = _text()
    firstName = _text()
    lastName = _text()
    emailAddress = _text()
    phoneNumber = _text()
    locales = fields.List(fields.String(validate=SHORT), allow_none=True)
    postalCode = _text()
    country = _text()
    notes = _text(LONG)


class UnitItemSchema(AskedSchema):
    """One ticket of a unit."""

    uuid = fields.UUID(allow_none=True)
    unitId = fields.String(required=True, validate=SHORT)
    resellerReference = _text()
    contact = fields.Nested(ContactSchema, allow_none=True)


class UnitCountSchema(AskedSchema):
    """How many of a unit."""

    id = fields.String(required=True, validate=SHORT)
    quantity = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, ITEMS_MAX)
    )


class AvailabilityAskedSchema(AskedSchema):
    """Which availabilities of an option: those of some days, or these."""

    productId = fields.String(required=True, validate=SHORT)
    optionId = fields.String(required=True, validate=SHORT)
    localDate = fields.Date(allow_none=True)
    localDateStart = fields.Date(allow_none=True)
    localDateEnd = fields.Date(allow_none=True)
    availabilityIds = fields.List(
        fields.String(validate=SHORT),
        allow_none=True,
        validate=validate.Length(max=100),
    )
    units = fields.List(
        fields.Nested(UnitCountSchema),
        allow_none=True,
        validate=validate.Length(max=UNITS_MAX),
    )
    currency = _text()


class CalendarAskedSchema(AskedSchema):
    """Which days of an option."""

    productId = fields.String(required=True, validate=SHORT)
    optionId = fields.String(required=True, validate=SHORT)
    localDateStart = fields.Date(required=True)
    localDateEnd = fields.Date(required=True)
    units = fields.List(
        fields.Nested(UnitCountSchema),
        allow_none=True,
        validate=validate.Length(max=UNITS_MAX),
    )
    currency = _text()


def _items(**more: Any) -> fields.List[Any]:
    return fields.List(
        fields.Nested(UnitItemSchema), validate=validate.Length(max=ITEMS_MAX), **more
    )


def _minutes() -> fields.Integer:
    return fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(1, MINUTES_MAX)
    )


class ReservationSchema(AskedSchema):
    """A booking to be held; its uuid makes it safe to send again."""

    uuid = fields.UUID(allow_none=True)
    productId = fields.String(required=True, validate=SHORT)
    optionId = fields.String(required=True, validate=SHORT)
    availabilityId = _text()
    expirationMinutes = _minutes()
    notes = _text(LONG)
    unitItems = _items(required=True)
    resellerReference = _text()
    contact = fields.Nested(ContactSchema, allow_none=True)
    currency = _text()
    orderId = _text()


class ConfirmationSchema(AskedSchema):
    """Who buys; unit items, if any are named, are all named."""

    emailReceipt = fields.Boolean(allow_none=True)
    resellerReference = _text()
    contact = fields.Nested(ContactSchema, allow_none=True)
    unitItems = _items(allow_none=True)


class UpdateSchema(AskedSchema):
    """What is to be different of a booking."""

    resellerReference = _text()
    productId = _text()
    optionId = _text()
    availabilityId = _text()
    expirationMinutes = _minutes()
    notes = _text(LONG)
    emailReceipt = fields.Boolean(allow_none=True)
    unitItems = _items(allow_none=True)
    contact = fields.Nested(ContactSchema, allow_none=True)


class ExtensionSchema(AskedSchema):
    """How much longer; the supplier's plan says how much it may be."""

    expirationMinutes = _minutes()


class CancellationSchema(AskedSchema):
    """Why; ``force`` changes nothing here."""

    reason = _text(LONG)
    force = fields.Boolean(allow_none=True)


class BookingQuerySchema(AskedSchema):
    """Which bookings: by a reference, or by the day they are for."""

    resellerReference = fields.String(validate=SHORT)
    supplierReference = fields.UUID()
    localDate = fields.Date()
    localDateStart = fields.Date()
    localDateEnd = fields.Date()
    productId = fields.String(validate=SHORT)
    optionId = fields.String(validate=SHORT)


class CartSchema(AskedSchema):
    """A cart, and whose it is."""

    contact = fields.Nested(ContactSchema, allow_none=True)
    expirationMinutes = _minutes()


class CartConfirmationSchema(AskedSchema):
    """Who buys all of a cart."""

    contact = fields.Nested(ContactSchema, allow_none=True)
    emailReceipt = fields.Boolean(allow_none=True)


class WebhookSchema(AskedSchema):
    """What is to be told where; the capabilities of the request go with it."""

    url = fields.String(required=True, validate=validate.Length(8, 2_000))
    event = fields.String(required=True, validate=validate.OneOf(EVENTS))
    retryOnError = fields.Boolean(allow_none=True)
    useContactLanguage = fields.Boolean(allow_none=True)
    headers = fields.Dict(
        keys=fields.String(validate=HEADER),
        values=fields.String(validate=HEADER_VALUE),
        allow_none=True,
        validate=validate.Length(max=HEADERS_MAX),
    )
