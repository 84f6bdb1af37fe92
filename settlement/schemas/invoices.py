"""The wire of invoices and credit notes."""

from marshmallow import fields

from hub.kernel.http import ReplySchema


class InvoiceSchema(ReplySchema):
    """An invoice or credit note; minor units. The document itself is XML."""

    id = fields.UUID(required=True)
    statement_id = fields.UUID(required=True)
    memo_id = fields.UUID(required=True, allow_none=True)
    partner_id = fields.UUID(required=True)
    legal_entity = fields.String(required=True)
    seller = fields.String(
        required=True,
        metadata={"description": "hub, or partner: then it is self-billed"},
    )
    type_code = fields.String(
        required=True,
        metadata={
            "description": "UNTDID 1001: 380 invoice, 381 credit note, 389 self-billed"
            " invoice, 261 self-billed credit note"
        },
    )
    document_id = fields.String(
        required=True, metadata={"description": "What it is called"}
    )
    number = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Among the legal entity's documents; live only"},
    )
    currency = fields.String(required=True)
    net_minor = fields.Integer(required=True)
    tax_minor = fields.Integer(required=True)
    gross_minor = fields.Integer(required=True)
    issued_at = fields.AwareDateTime(required=True)


class LeftOutSchema(ReplySchema):
    """A document that was not made, and why."""

    reason = fields.String(required=True)
    seller = fields.String(required=True)
    gross_minor = fields.Integer(required=True)
    memo_id = fields.UUID(required=True, allow_none=True)


class InvoicesSchema(ReplySchema):
    """The documents of a statement, and of the memos on it."""

    items = fields.List(fields.Nested(InvoiceSchema), required=True)


class IssuedInvoicesSchema(InvoicesSchema):
    """The same when they are issued, with what has no document."""

    left_out = fields.List(fields.Nested(LeftOutSchema), required=True)
