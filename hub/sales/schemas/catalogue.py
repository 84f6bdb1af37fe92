"""The wire of the catalogue: productions, calendars, what is searched by."""

from marshmallow import fields, validate

from hub.kernel.http import PageSchema, ReplySchema, RequestSchema

GENRES = ["film", "stage", "sport", "general"]
KINDS = (
    *("venue", "auditorium", "production", "performance"),
    *("order", "hold", "notice", "endpoint"),
)
WORDS = fields.String(
    validate=validate.Length(1, 100),
    metadata={
        "description": "Words that titles (in any language) hold, all of them; for"
        " performances also venue and city. Case and accents do not count"
    },
)


def names() -> fields.Dict:
    """Return a field of text by language."""
    return fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class PlaceQuerySchema(PageSchema):
    """Words, genre and place."""

    q = WORDS
    genre = fields.String(validate=validate.OneOf(GENRES))
    city = fields.String(validate=validate.Length(1, 128))
    country = fields.String(
        validate=validate.Regexp(r"^[A-Z]{2}\Z"),
        metadata={"description": "ISO 3166-1 alpha-2"},
    )


class ProductionQuerySchema(PlaceQuerySchema):
    """Which productions to list."""


class ImageSchema(ReplySchema):
    """Where an image is to be had."""

    url = fields.String(required=True)
    kind = fields.String(required=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)


class PriceRangeSchema(ReplySchema):
    """Prices of one currency, booking fee included (minor units)."""

    currency = fields.String(required=True)
    from_minor = fields.Integer(required=True)
    until_minor = fields.Integer(required=True)


class ProductionSchema(ReplySchema):
    """A film, play, concert, match or exhibition."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    genre = fields.String(required=True)
    title = names()
    description = names()
    runtime_min = fields.Integer(required=True, allow_none=True)
    images = fields.List(fields.Nested(ImageSchema), required=True)
    performances = fields.Integer(
        required=True, metadata={"description": "Announced, and still to come"}
    )
    first_starts_at = fields.AwareDateTime(required=True, allow_none=True)
    last_starts_at = fields.AwareDateTime(required=True, allow_none=True)
    prices = fields.List(fields.Nested(PriceRangeSchema), required=True)


class ProductionPageSchema(ReplySchema):
    """A page of productions."""

    items = fields.List(fields.Nested(ProductionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class VenueSchema(ReplySchema):
    """A building, in its own time zone."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    name = names()
    zone = fields.String(required=True)
    country = fields.String(required=True)
    city = fields.String(required=True)


class AreaSchema(ReplySchema):
    """A part of an auditorium."""

    area = fields.String(required=True)
    name = names()
    is_seated = fields.Boolean(required=True)
    capacity = fields.Integer(required=True)


class AuditoriumSchema(ReplySchema):
    """A room of a venue."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    venue_id = fields.UUID(required=True)
    name = names()
    areas = fields.List(fields.Nested(AreaSchema), required=True)


class MergeRequestSchema(RequestSchema):
    """Which production it is the same as."""

    into = fields.UUID(required=True)


class MergedSchema(ReplySchema):
    """As which production a production is shown."""

    production_id = fields.UUID(required=True)
    shown_as = fields.UUID(required=True)


class CalendarQuerySchema(RequestSchema):
    """Which days; from today on unless said otherwise."""

    first_day = fields.Date()
    last_day = fields.Date()


class DaySchema(ReplySchema):
    """A day with performances, on the clocks of their venues."""

    day = fields.Date(required=True)
    performances = fields.Integer(required=True)
    cancelled = fields.Integer(
        required=True, metadata={"description": "Of them, how many are cancelled"}
    )
    first_starts_at = fields.AwareDateTime(required=True)
    prices = fields.List(fields.Nested(PriceRangeSchema), required=True)


class CalendarSchema(ReplySchema):
    """The days on which a production is to be seen."""

    production_id = fields.UUID(required=True)
    days = fields.List(fields.Nested(DaySchema), required=True)


class ChangesQuerySchema(RequestSchema):
    """After which change."""

    after = fields.Integer(
        validate=validate.Range(0, 2**63 - 1),
        metadata={"description": "A position; without one, from the oldest kept"},
    )
    limit = fields.Integer(load_default=500, validate=validate.Range(1, 1_000))


class ChangeSchema(ReplySchema):
    """Something that changed, and its version then."""

    position = fields.Integer(required=True)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata={
            "description": "Orders, holds, notices and endpoints are the agent's own"
        },
    )
    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    what = fields.String(
        required=True,
        validate=validate.OneOf(["changed", "withdrawn", "announced"]),
        metadata={"description": "What is new has changed, too"},
    )
    made_at = fields.AwareDateTime(required=True)


class ChangeListSchema(ReplySchema):
    """Changes in their order."""

    items = fields.List(fields.Nested(ChangeSchema), required=True)
    next = fields.Integer(
        required=True, metadata={"description": "The ``after`` of the next read"}
    )
    latest = fields.Integer(
        required=True, metadata={"description": "The position of the last change"}
    )
