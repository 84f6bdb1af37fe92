"""The wire of memos, disputes and payments of statements."""

from marshmallow import fields, validate

from hub.kernel.http import ReplySchema, RequestSchema
from settlement.rules.clauses.words import MINOR_MAX
from settlement.schemas.journal import REFERENCE

SAID = validate.Length(1, 500)
AMOUNT = validate.Range(1, MINOR_MAX)


class CorrectionSchema(RequestSchema):
    """What puts a statement right, for one reason; the tax is in the amount."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(["debit", "credit"]),
        metadata={"description": "debit: the partner owes the hub more; credit: less"},
    )
    corrects = fields.String(
        required=True, validate=validate.OneOf(["commission", "service-fee", "other"])
    )
    reason = fields.String(
        required=True,
        validate=validate.Length(1, 64),
        metadata={"description": "One of those the contract's terms name"},
    )
    note = fields.String(required=True, validate=SAID)
    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT)
    tax_minor = fields.Integer(
        load_default=0, strict=True, validate=validate.Range(0, MINOR_MAX)
    )


class MemoRequestSchema(CorrectionSchema):
    """One correction of a closed statement, or of a line of it."""

    line = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 2**31 - 1),
        metadata={"description": "The line of the statement it goes back to"},
    )


class MemoSchema(ReplySchema):
    """A debit or credit memo; issued, it is a line of the month it was issued in."""

    id = fields.UUID(required=True)
    statement_id = fields.UUID(required=True)
    line = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    corrects = fields.String(required=True)
    reason = fields.String(required=True)
    note = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    tax_minor = fields.Integer(required=True)
    state = fields.String(required=True)
    proposed_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    number = fields.Integer(required=True, allow_none=True)
    entry_id = fields.UUID(required=True, allow_none=True)


class MemosSchema(ReplySchema):
    """The memos on a statement."""

    items = fields.List(fields.Nested(MemoSchema), required=True)


class MemoDecisionSchema(RequestSchema):
    """Whether a memo is issued."""

    decision = fields.String(
        required=True, validate=validate.OneOf(["issue", "reject"])
    )


class DisputeRequestSchema(RequestSchema):
    """Which line of a statement is wrong, and why."""

    line = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, 2**31 - 1)
    )
    reason = fields.String(required=True, validate=SAID)


class DisputeSchema(ReplySchema):
    """A disputed line; upheld, the memo that puts it right is proposed."""

    id = fields.UUID(required=True)
    statement_id = fields.UUID(required=True)
    line = fields.Integer(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True)
    opened_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    decision = fields.String(required=True, allow_none=True)
    memo_id = fields.UUID(required=True, allow_none=True)


class DisputesSchema(ReplySchema):
    """The disputes on a statement, and what is payable meanwhile."""

    items = fields.List(fields.Nested(DisputeSchema), required=True)
    payable_minor = fields.Integer(
        required=True,
        metadata={"description": "What is due, less the lines that are disputed"},
    )


class DisputeDecisionSchema(RequestSchema):
    """What is decided of a dispute: upheld with a memo, rejected without."""

    decision = fields.String(required=True, validate=SAID)
    memo = fields.Nested(CorrectionSchema, load_default=None, allow_none=True)


class PaymentRequestSchema(RequestSchema):
    """The payment of a statement: what is due, but for its disputed lines."""

    reference = fields.String(required=True, validate=REFERENCE)
    amount_minor = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(-MINOR_MAX, MINOR_MAX),
        metadata={"description": "As the statement says it: what is payable"},
    )
