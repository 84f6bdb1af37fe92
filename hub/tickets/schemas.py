"""The wire of tickets after the sale: links, door lists, scans, shipments."""

from typing import Any

from marshmallow import fields, post_load, validate

from hub.kernel.http import Moment, PageSchema, ReplySchema, RequestSchema
from hub.tickets.services.redeeming import Scan

LINK_HOURS, LINK_HOURS_MAX = 24 * 30, 24 * 366
SCANS_MAX = 1_000
LANGUAGE = fields.String(
    validate=validate.OneOf(["en", "zh-Hans"]),
    metadata={"description": "Else as Accept-Language wishes, English if in doubt"},
)
RESULTS = (
    *("admitted", "repeated", "already-used", "unknown", "cancelled", "replaced"),
    "other-performance",
)
REF = validate.Regexp(r"^[a-z0-9][a-z0-9:-]{0,63}\Z")
COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z")


class PdfQuerySchema(RequestSchema):
    """How tickets are printed."""

    layout = fields.String(
        load_default="print",
        validate=validate.OneOf(["print", "mobile"]),
        metadata={"description": "A4 to print at home, or as wide as a telephone"},
    )
    language = LANGUAGE


class PageQuerySchema(RequestSchema):
    """How tickets are shown."""

    language = LANGUAGE


class LinkRequestSchema(RequestSchema):
    """How long a link to tickets is good for."""

    valid_h = fields.Integer(
        strict=True,
        load_default=LINK_HOURS,
        validate=validate.Range(1, LINK_HOURS_MAX),
        metadata={"description": "Hours from now"},
    )


class LinkSchema(ReplySchema):
    """A link that shows an order's tickets to whoever has it, until it expires."""

    url = fields.String(required=True)
    pdf_url = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class AdmissionSchema(ReplySchema):
    """A ticket on a door list."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    area = fields.String(required=True)
    price_type = fields.String(required=True)
    row = fields.String(required=True, allow_none=True)
    seat = fields.String(required=True, allow_none=True)
    holder = fields.String(required=True, allow_none=True)
    id_type = fields.String(required=True, allow_none=True)
    id_number = fields.String(required=True, allow_none=True)
    agent = fields.String(required=True)
    reference = fields.String(required=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)
    gate = fields.String(required=True, allow_none=True)


class DoorListSchema(ReplySchema):
    """Who may enter: every ticket that is neither cancelled nor replaced."""

    items = fields.List(fields.Nested(AdmissionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class DoorListQuerySchema(PageSchema):
    """A page of a door list."""

    limit = fields.Integer(load_default=500, validate=validate.Range(1, 2_000))


class ScanSchema(RequestSchema):
    """A code that was shown, and when."""

    code = fields.String(required=True, validate=validate.Length(1, 64))
    used_at = Moment(required=True)
    gate = fields.String(validate=validate.Length(1, 64))
    count = fields.Integer(
        strict=True,
        validate=validate.Range(1, 1_000),
        metadata={"description": "Of a code that several share: how many came in"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Scan:
        return Scan(**data)


class ScansSchema(RequestSchema):
    """What a door has seen."""

    scans = fields.List(
        fields.Nested(ScanSchema),
        required=True,
        validate=validate.Length(1, SCANS_MAX),
    )


class ScanResultSchema(ReplySchema):
    """What a scan was."""

    code = fields.String(required=True)
    result = fields.String(required=True, validate=validate.OneOf(RESULTS))
    admitted = fields.Integer(required=True)
    left = fields.Integer(
        required=True, metadata={"description": "Of the code, who may still come in"}
    )
    first_used_at = fields.AwareDateTime(required=True, allow_none=True)


class ScanResultsSchema(ReplySchema):
    """What each scan was, in their order."""

    items = fields.List(fields.Nested(ScanResultSchema), required=True)


class MethodRequestSchema(RequestSchema):
    """A method of delivery; its fee is the billable of its name in agents' terms."""

    ref = fields.String(required=True, validate=REF)
    kind = fields.String(
        required=True, validate=validate.OneOf(["post", "courier", "collect"])
    )
    name = fields.Dict(
        keys=fields.String(validate=validate.Length(2, 20)),
        values=fields.String(validate=validate.Length(1, 200)),
        required=True,
        validate=validate.Length(1, 20),
    )
    countries = fields.List(
        fields.String(validate=COUNTRY),
        load_default=list,
        metadata={"description": "ISO 3166-1 alpha-2; none: everywhere"},
    )
    ends_before_h = fields.Integer(
        strict=True,
        load_default=72,
        validate=validate.Range(0, 8_760),
        metadata={"description": "Not offered in the last hours before it begins"},
    )


class MethodChangeSchema(RequestSchema):
    """Whether a method is offered."""

    is_offered = fields.Boolean(required=True)


class FeeSchema(ReplySchema):
    """What a delivery costs the agent, tax included; minor units."""

    currency = fields.String(required=True)
    fee_minor = fields.Integer(required=True)


class MethodSchema(ReplySchema):
    """A way to send tickets."""

    ref = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    countries = fields.List(fields.String(), required=True)
    ends_before_h = fields.Integer(required=True)
    is_offered = fields.Boolean(required=True)
    fees = fields.List(fields.Nested(FeeSchema), required=True)


class MethodListSchema(ReplySchema):
    """Ways to send tickets."""

    items = fields.List(fields.Nested(MethodSchema), required=True)


class AddressSchema(RequestSchema):
    """Where to."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    lines = fields.List(
        fields.String(validate=validate.Length(1, 200)),
        required=True,
        validate=validate.Length(1, 4),
    )
    postcode = fields.String(validate=validate.Length(1, 20))
    city = fields.String(required=True, validate=validate.Length(1, 100))
    country = fields.String(required=True, validate=COUNTRY)
    phone = fields.String(validate=validate.Length(4, 32))


class ShipmentRequestSchema(RequestSchema):
    """By which method, and where to."""

    method = fields.String(required=True, validate=REF)
    address = fields.Nested(AddressSchema, required=True)


class ShipmentSchema(ReplySchema):
    """The tickets of an order on their way."""

    id = fields.UUID(required=True)
    order_id = fields.UUID(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["waiting", "dispatched"])
    )
    method = fields.String(required=True)
    address = fields.Dict(required=True)
    fee_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
    carrier = fields.String(required=True, allow_none=True)
    tracking = fields.String(required=True, allow_none=True)
    dispatched_at = fields.AwareDateTime(required=True, allow_none=True)


class ShipmentPageSchema(ReplySchema):
    """A page of shipments that wait."""

    items = fields.List(fields.Nested(ShipmentSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class DispatchSchema(RequestSchema):
    """Who carries it."""

    carrier = fields.String(required=True, validate=validate.Length(1, 100))
    tracking = fields.String(validate=validate.Length(1, 100))
