"""The wire of feeds and deliveries."""

from marshmallow import fields, validate

from hub.kernel.http import PageSchema, ReplySchema, RequestSchema

STATES = [
    *("received", "checking", "applying", "quarantined"),
    *("released", "done", "discarded"),
]


class FeedRequestSchema(RequestSchema):
    """A feed to open for a supplier."""

    name = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
    )
    drop_share_max_bp = fields.Integer(
        strict=True,
        load_default=2_000,
        validate=validate.Range(0, 10_000),
        metadata={"description": "A full delivery may drop so many per 10,000 unasked"},
    )


class FeedSchema(ReplySchema):
    """A feed."""

    id = fields.UUID(required=True)
    supplier_id = fields.UUID(required=True)
    name = fields.String(required=True)
    drop_share_max_bp = fields.Integer(required=True)


class DeliveryQuerySchema(RequestSchema):
    """Whether what is not delivered stays (delta) or is withdrawn (full)."""

    mode = fields.String(
        load_default="delta", validate=validate.OneOf(["full", "delta"])
    )


class DeliverySchema(ReplySchema):
    """A delivery: where it stands, and what became of its records."""

    id = fields.UUID(required=True)
    feed = fields.String(required=True, attribute="feed.name")
    supplier_id = fields.UUID(required=True, attribute="feed.supplier_id")
    mode = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    bytes = fields.Integer(required=True)
    records = fields.Integer(required=True)
    parts = fields.Integer(required=True)
    parts_applied = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    stale = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    withdrawn = fields.Integer(required=True)
    unreadable = fields.Integer(
        required=True,
        metadata={
            "description": "Lines of a full delivery that name no record: "
            "while there is one, nothing is withdrawn"
        },
    )
    would_drop = fields.Integer(required=True, allow_none=True)
    known = fields.Integer(required=True, allow_none=True)
    received_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    refusals = fields.Function(
        lambda found: f"/v1/deliveries/{found.id}/refusals",
        metadata={"description": "Where the report is"},
    )


class DeliveryListQuerySchema(PageSchema):
    """Which deliveries to list."""

    state = fields.String(validate=validate.OneOf(STATES))


class DeliveryPageSchema(ReplySchema):
    """A page of deliveries, newest first."""

    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class DecisionSchema(RequestSchema):
    """What to do with a delivery in quarantine."""

    decision = fields.String(
        required=True, validate=validate.OneOf(["let-in", "discard"])
    )


class ReportQuerySchema(RequestSchema):
    """In which format to download the report."""

    format = fields.String(
        load_default="ndjson", validate=validate.OneOf(["ndjson", "csv"])
    )
