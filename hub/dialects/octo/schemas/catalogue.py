"""What OCTO is told, for its document; replies are written as JSON at once."""

from typing import Any

from marshmallow import EXCLUDE, INCLUDE, Schema, fields


class ToldSchema(Schema):
    """What the hub answers; it may grow fields."""

    class Meta:
        unknown = EXCLUDE


def text(**more: Any) -> fields.String:
    """Return a text that is always told."""
    return fields.String(required=True, **more)


def maybe() -> fields.String:
    """Return a text that may be null."""
    return fields.String(required=True, allow_none=True)


def number(**more: Any) -> fields.Integer:
    """Return a whole number."""
    return fields.Integer(required=True, **more)


def flag() -> fields.Boolean:
    """Return yes or no."""
    return fields.Boolean(required=True)


def texts() -> fields.List[Any]:
    """Return a list of texts."""
    return fields.List(fields.String(), required=True)


def each(schema: type[Schema], **more: Any) -> fields.List[Any]:
    """Return a list of things."""
    return fields.List(fields.Nested(schema), **{"required": True, **more})


class OctoErrorSchema(ToldSchema):
    """A refusal: OCTO's code, a text, the ids it is about, the hub's own code."""

    class Meta:
        unknown = INCLUDE

    error = text()
    errorMessage = text()
    code = fields.String(metadata={"description": "The hub's own code, see /problems"})
    retry = fields.String(metadata={"description": "never, same-key, later, requote"})


class SupplierContactSchema(ToldSchema):
    """How a supplier is reached."""

    website = maybe()
    email = maybe()
    telephone = maybe()
    address = maybe()


class SupplierSchema(ToldSchema):
    """Who sells: the hub, for all whose tickets it distributes."""

    id = text()
    name = text()
    endpoint = text()
    contact = fields.Nested(SupplierContactSchema, required=True)


class CapabilitySchema(ToldSchema):
    """Something more that may be asked for."""

    id = text()
    revision = number()
    required = flag()
    dependencies = texts()
    docs = maybe()


class TaxSchema(ToldSchema):
    """A tax that a price includes."""

    name = text()
    retail = number()
    original = number()
    net = number(allow_none=True)


class PricingSchema(ToldSchema):
    """A price in minor units: what the public pays, what the reseller owes."""

    original = number()
    retail = number()
    net = number(allow_none=True)
    currency = text()
    currencyPrecision = number()
    includedTaxes = each(TaxSchema)


class UnitPricingSchema(PricingSchema):
    """The price of a unit."""

    unitId = text()


class UnitRestrictionsSchema(ToldSchema):
    """Who a unit is for, and how many of it at a time."""

    minAge = number()
    maxAge = number()
    idRequired = flag()
    minQuantity = number(allow_none=True)
    maxQuantity = number(allow_none=True)
    paxCount = number()
    accompaniedBy = texts()


class UnitSchema(ToldSchema):
    """A price type."""

    id = text()
    internalName = text()
    reference = maybe()
    type = text()
    restrictions = fields.Nested(UnitRestrictionsSchema, required=True)
    requiredContactFields = texts()
    pricingFrom = each(PricingSchema, required=False)
    title = fields.String()
    shortDescription = fields.String()


class OptionRestrictionsSchema(ToldSchema):
    """How many units at a time."""

    minUnits = number(allow_none=True)
    maxUnits = number(allow_none=True)


class OptionSchema(ToldSchema):
    """An area with its price types."""

    id = text()
    default = flag()
    internalName = text()
    reference = maybe()
    availabilityLocalStartTimes = texts()
    cancellationCutoff = text()
    cancellationCutoffAmount = number()
    cancellationCutoffUnit = text()
    requiredContactFields = texts()
    restrictions = fields.Nested(OptionRestrictionsSchema, required=True)
    units = each(UnitSchema)
    title = fields.String()


class ProductSchema(ToldSchema):
    """A production at a venue."""

    id = text()
    internalName = text()
    reference = maybe()
    locale = text()
    timeZone = text()
    allowFreesale = flag()
    instantConfirmation = flag()
    instantDelivery = flag()
    availabilityRequired = flag()
    availabilityType = text()
    deliveryFormats = texts()
    deliveryMethods = texts()
    redemptionMethod = text()
    options = each(OptionSchema)
    defaultCurrency = fields.String()
    availableCurrencies = fields.List(fields.String())
    pricingPer = fields.String()
    title = fields.String()
    shortDescription = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    media = fields.List(fields.Dict())


class HoursSchema(ToldSchema):
    """From when until when it is open."""

    from_ = fields.String(required=True, data_key="from")
    to = text()


class AvailabilitySchema(ToldSchema):
    """An area of a performance, or of one of its days, as it may be sold now."""

    id = text()
    localDateTimeStart = text()
    localDateTimeEnd = text()
    utcCutoffAt = text()
    allDay = flag()
    available = flag()
    status = text()
    vacancies = number(allow_none=True)
    capacity = number(allow_none=True)
    maxUnits = number(allow_none=True)
    openingHours = each(HoursSchema)
    unitPricing = each(UnitPricingSchema, required=False)
    pricing = fields.Nested(PricingSchema)


class CalendarDaySchema(ToldSchema):
    """A day with the best that is to be had on it."""

    localDate = text()
    available = flag()
    status = text()
    vacancies = number(allow_none=True)
    capacity = number(allow_none=True)
    openingHours = each(HoursSchema)
    unitPricingFrom = each(UnitPricingSchema, required=False)
    pricingFrom = fields.Nested(PricingSchema)
