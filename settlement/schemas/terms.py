"""The wire of terms, tax codes and what-ifs."""

from marshmallow import fields, validate

from hub.kernel.http import Moment, ReplySchema, RequestSchema

WHAT_IF_LINES_MAX = 1_000
CLAUSES = fields.Dict(
    required=True,
    metadata={
        "description": "What is agreed, clause by clause: the JSON Schema is "
        "``#/$defs/Clauses`` of ``/v1/schemas/terms``. What is wrong is refused by name"
    },
)
SCOPE = fields.Dict(
    load_default=dict,
    metadata={
        "description": "What the terms hold for: supplier, venue, production, "
        "performance (ids), area, price_type, channel (references); the most specific "
        "terms win"
    },
)


class TermsRequestSchema(RequestSchema):
    """A version of a contract's terms to propose, valid from-until (half-open)."""

    valid_from = Moment(required=True)
    valid_until = Moment()
    scope = SCOPE
    clauses = CLAUSES


class FindingSchema(ReplySchema):
    """A clause, and what is worth a second look about it."""

    clause = fields.String(required=True)
    reason = fields.String(required=True)


class TermsSchema(ReplySchema):
    """A version of a contract's terms."""

    id = fields.UUID(required=True)
    contract_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["proposed", "approved", "rejected"])
    )
    valid_from = fields.AwareDateTime(required=True, attribute="valid.lower")
    valid_until = fields.AwareDateTime(
        required=True, allow_none=True, attribute="valid.upper"
    )
    scope = fields.Dict(required=True)
    clauses = fields.Dict(required=True)
    created_by = fields.UUID(required=True)
    created_at = fields.AwareDateTime(required=True)
    decided_by = fields.UUID(required=True, allow_none=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)


class ProposedTermsSchema(TermsSchema):
    """Terms as they were proposed, with what is worth a second look."""

    warnings = fields.List(fields.Nested(FindingSchema), required=True)


class TermsPageSchema(ReplySchema):
    """A page of versions."""

    items = fields.List(fields.Nested(TermsSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class TermsDecisionSchema(RequestSchema):
    """What the second person says."""

    decision = fields.String(
        required=True, validate=validate.OneOf(["approve", "reject"])
    )


class TaxCodeRequestSchema(RequestSchema):
    """A tax code's rate from a day, until another (half-open) or its successor's."""

    code = fields.String(required=True, validate=validate.Length(1, 64))
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(load_default=None)
    rate = fields.Raw(
        required=True,
        metadata={"description": 'Basis points, or an exact fraction such as "1/15"'},
    )
    method = fields.String(
        load_default="included", validate=validate.OneOf(["included", "on-top"])
    )
    category = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(["S", "Z", "E", "AE", "O"]),
        metadata={
            "description": "As invoices say it (UNTDID 5305): S standard, Z zero-rated,"
            " E exempt, AE reverse charge, O outside the scope; S or Z if not said"
        },
    )
    exemption = fields.String(
        load_default="",
        validate=validate.Length(0, 200),
        metadata={"description": "Why nothing is taxed: with E, AE and O"},
    )


class TaxCodeSchema(ReplySchema):
    """A tax code's rate in a time."""

    id = fields.UUID(required=True)
    legal_entity = fields.String(required=True)
    code = fields.String(required=True)
    valid_from = fields.Date(required=True, attribute="valid.lower")
    valid_until = fields.Date(required=True, allow_none=True, attribute="valid.upper")
    rate = fields.Raw(required=True)
    method = fields.String(required=True)
    category = fields.String(required=True)
    exemption = fields.String(required=True)


class TaxCodePageSchema(ReplySchema):
    """All tax codes of a legal entity."""

    items = fields.List(fields.Nested(TaxCodeSchema), required=True)


class WhatIfRequestSchema(RequestSchema):
    """Lines to quote under a contract's terms, or under clauses that are not agreed."""

    lines = fields.List(
        fields.Dict(),
        required=True,
        validate=validate.Length(1, WHAT_IF_LINES_MAX),
        metadata={"description": "As /v1/schemas/lines has them"},
    )
    clauses = fields.Dict(
        metadata={"description": "Instead of the contract's terms, for all lines"}
    )


class WhatIfSchema(ReplySchema):
    """A quote a line, and sums: as /v1/schemas/quotes has them."""

    currency = fields.String(required=True)
    state = fields.String(required=True)
    totals = fields.Dict(required=True)
    quotes = fields.List(fields.Dict(), required=True)
