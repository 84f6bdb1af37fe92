"""The wire of sources: systems that are asked, their syncs, what is measured."""

from marshmallow import fields, validate

from connectors.ports import Told
from connectors.suppliers.kinds import KINDS
from hub.kernel.http import PageSchema, ReplySchema, RequestSchema

SYNC_STATES = ["running", "done", "failed", "quarantined", "let-in", "discarded"]
MINUTE, DAY = 60, 86_400
URL = validate.Regexp(r"^https?://[!-~]{1,500}\Z")


class _HowSchema(RequestSchema):
    """How a source is asked: where, how often, how long it may take."""

    url = fields.String(validate=URL)
    every_s = fields.Integer(
        strict=True,
        validate=validate.Range(1, 7 * DAY),
        metadata={"description": "Between two syncs; a tenth more or less, by chance"},
    )
    connect_ms = fields.Integer(strict=True, validate=validate.Range(1, MINUTE * 1_000))
    operation_ms = fields.Integer(
        strict=True,
        validate=validate.Range(1, 5 * MINUTE * 1_000),
        metadata={"description": "For one call, from its connection on"},
    )
    at_once = fields.Integer(
        strict=True,
        validate=validate.Range(1, 64),
        metadata={"description": "The most calls of one process at the same time"},
    )
    reads_per_minute = fields.Integer(
        strict=True,
        validate=validate.Range(0, 60_000),
        metadata={"description": "The most venues a sync reads; 0: as fast as it can"},
    )
    tolerance_minor = fields.Integer(
        strict=True,
        validate=validate.Range(0, 1_000_000),
        metadata={
            "description": "By how much an order may cost another amount there than was"
            " quoted before it is refused"
        },
    )
    settings = fields.Dict(
        keys=fields.String(),
        metadata={"description": "As its kind needs them: see /v1/source-kinds"},
    )
    credentials = fields.Dict(
        keys=fields.String(),
        metadata={"description": "As its kind needs them; sealed, and never shown"},
    )


class SourceRequestSchema(_HowSchema):
    """A supplier's system to be asked from now on."""

    name = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
    )
    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    url = fields.String(required=True, validate=URL)
    every_s = fields.Integer(
        strict=True, load_default=1_800, validate=validate.Range(1, 7 * DAY)
    )
    connect_ms = fields.Integer(
        strict=True, load_default=5_000, validate=validate.Range(1, MINUTE * 1_000)
    )
    operation_ms = fields.Integer(
        strict=True, load_default=10_000, validate=validate.Range(1, 300_000)
    )
    at_once = fields.Integer(
        strict=True, load_default=4, validate=validate.Range(1, 64)
    )
    reads_per_minute = fields.Integer(
        strict=True, load_default=600, validate=validate.Range(0, 60_000)
    )
    tolerance_minor = fields.Integer(
        strict=True, load_default=0, validate=validate.Range(0, 1_000_000)
    )
    settings = fields.Dict(keys=fields.String(), required=True)
    credentials = fields.Dict(keys=fields.String(), load_default=dict)
    drop_share_max_bp = fields.Integer(
        strict=True,
        load_default=2_000,
        validate=validate.Range(0, 10_000),
        metadata={"description": "So many per 10,000 may disappear unasked"},
    )


class SourceChangeSchema(_HowSchema):
    """What is to be another way; what is not said stays as it is."""


class SourceStopSchema(RequestSchema):
    """Why a source is not to be asked."""

    reason = fields.String(required=True, validate=validate.Length(1, 300))


class CapabilitiesSchema(ReplySchema):
    """What a kind of system can do, as it states itself."""

    sells = fields.Boolean(
        required=True,
        metadata={"description": "It sells itself; else the hub is the master"},
    )
    availability = fields.String(required=True, validate=validate.OneOf([*Told]))
    seat_choice = fields.Boolean(required=True)
    separate_lock = fields.Boolean(required=True)
    release = fields.Boolean(required=True)
    extend = fields.Boolean(required=True)
    own_order_key = fields.Boolean(required=True)
    ask_by_key = fields.Boolean(required=True)
    cancel = fields.Boolean(required=True)
    partial_cancel = fields.Boolean(required=True)
    price_override = fields.Boolean(required=True)
    channel_quota = fields.Boolean(required=True)
    incremental = fields.Boolean(required=True)
    by_venue = fields.Boolean(required=True)
    codes = fields.String(required=True, validate=validate.OneOf(["order", "ticket"]))


class MeasuredSchema(ReplySchema):
    """What the hub has measured of a source, beside what it states."""

    hours = fields.Integer(required=True)
    calls = fields.Integer(
        required=True,
        metadata={"description": "Times it was asked; reading a schedule is one"},
    )
    errors = fields.Integer(required=True)
    unanswered = fields.Integer(
        required=True, metadata={"description": "Calls that nobody answered"}
    )
    p50_ms = fields.Integer(required=True, allow_none=True)
    p90_ms = fields.Integer(required=True, allow_none=True)
    clock_offset_s = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "How far its clock is ahead of ours"},
    )
    last_good_sync_at = fields.AwareDateTime(required=True, allow_none=True)


class SourceSchema(ReplySchema):
    """A supplier's system: how it is asked, what it can do, how it does."""

    id = fields.UUID(required=True)
    supplier_id = fields.UUID(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    url = fields.String(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    every_s = fields.Integer(required=True)
    connect_ms = fields.Integer(required=True)
    operation_ms = fields.Integer(required=True)
    at_once = fields.Integer(required=True)
    reads_per_minute = fields.Integer(required=True)
    tolerance_minor = fields.Integer(required=True)
    is_stopped = fields.Boolean(required=True)
    stopped_because = fields.String(required=True, allow_none=True)
    next_sync_at = fields.AwareDateTime(required=True, allow_none=True)
    hints = fields.String(
        required=True,
        metadata={"description": "Where its webhooks may say that something is new"},
    )
    capabilities = fields.Nested(CapabilitiesSchema, required=True)
    measured = fields.Nested(MeasuredSchema, required=True)


class SourceListSchema(ReplySchema):
    """Sources."""

    items = fields.List(fields.Nested(SourceSchema), required=True)


class KindSchema(ReplySchema):
    """A kind of system: what it can do, and what setting one up takes."""

    kind = fields.String(required=True)
    capabilities = fields.Nested(CapabilitiesSchema, required=True)
    settings_schema = fields.Dict(required=True, keys=fields.String())
    credentials_schema = fields.Dict(required=True, keys=fields.String())


class KindListSchema(ReplySchema):
    """Kinds of systems."""

    items = fields.List(fields.Nested(KindSchema), required=True)


class SyncSchema(ReplySchema):
    """One reading of a source."""

    id = fields.UUID(required=True)
    source_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(SYNC_STATES))
    is_thorough = fields.Boolean(
        required=True, metadata={"description": "Everything anew, seat maps too"}
    )
    started_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    venues = fields.Integer(required=True)
    venues_failed = fields.Integer(required=True)
    performances = fields.Integer(required=True)
    changed = fields.Integer(
        required=True, metadata={"description": "Records that said something new"}
    )
    missing = fields.Integer(
        required=True,
        metadata={"description": "Not told this time; withdrawn the second time"},
    )
    withdrawn = fields.Integer(required=True)
    would_withdraw = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Held back for a decision: more than may disappear"},
    )
    error = fields.String(required=True, allow_none=True)


class SyncPageSchema(ReplySchema):
    """A page of syncs, newest first."""

    items = fields.List(fields.Nested(SyncSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class SyncQuerySchema(PageSchema):
    """Which syncs to list."""
