"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_part",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("line_numbers", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "no", name=op.f("pk_delivery_part")),
        postgresql_partition_by="RANGE (delivery_id)",
    )
    op.create_table(
        "delivery_ref",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "ref", name=op.f("pk_delivery_ref")),
        postgresql_partition_by="RANGE (delivery_id)",
    )
    op.create_table(
        "delivery_refusal",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "delivery_id", "line", name=op.f("pk_delivery_refusal")
        ),
        postgresql_partition_by="RANGE (delivery_id)",
    )
    op.create_table(
        "hold_line",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("performance_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seat_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_hold_line_quantity")),
        sa.PrimaryKeyConstraint("hold_id", "no", name=op.f("pk_hold_line")),
        postgresql_partition_by="RANGE (hold_id)",
    )
    op.create_index("ix_hold_line_node_id", "hold_line", ["node_id"], unique=False)
    op.create_table(
        "legal_entity",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_legal_entity")),
    )
    op.create_table(
        "world",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("clock_offset", sa.Interval(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_world")),
    )
    op.create_table(
        "document_number",
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["legal_entity"],
            ["legal_entity.code"],
            name=op.f("fk_document_number_legal_entity"),
        ),
        sa.PrimaryKeyConstraint("legal_entity", name=op.f("pk_document_number")),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('held', 'confirmed', 'released', 'lapsed')",
            name=op.f("ck_hold_state"),
        ),
        sa.ForeignKeyConstraint(["world"], ["world.name"], name=op.f("fk_hold_world")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_hold_expires_at",
        "hold",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("reply", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_idempotency_key_world")
        ),
        sa.PrimaryKeyConstraint(
            "world", "owner_id", "key", name=op.f("pk_idempotency_key")
        ),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        op.f("ix_idempotency_key_created_at"),
        "idempotency_key",
        ["created_at"],
        unique=False,
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "leased_until",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_outbox_message_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "partner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind = 'agent') = (channel IS NOT NULL)", name=op.f("ck_partner_channel")
        ),
        sa.CheckConstraint(
            "kind IN ('supplier', 'agent')", name=op.f("ck_partner_kind")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_partner_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
        sa.UniqueConstraint("world", "ref", name=op.f("uq_partner_world_ref")),
    )
    op.create_table(
        "seal_block",
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("from_xid", Xid8(), nullable=False),
        sa.Column("to_xid", Xid8(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "sealed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity"],
            ["legal_entity.code"],
            name=op.f("fk_seal_block_legal_entity"),
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_seal_block_world")
        ),
        sa.PrimaryKeyConstraint(
            "world", "legal_entity", "no", name=op.f("pk_seal_block")
        ),
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity"],
            ["legal_entity.code"],
            name=op.f("fk_contract_legal_entity"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_contract_partner_id")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_contract_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint(
            "partner_id", "currency", name=op.f("uq_contract_partner_id_currency")
        ),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_hint", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("rotated_from", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind IN ('supplier', 'agent')) = (partner_id IS NOT NULL)",
            name=op.f("ck_credential_partner"),
        ),
        sa.CheckConstraint(
            "kind IN ('supplier', 'agent', 'operator', 'finance')",
            name=op.f("ck_credential_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_credential_partner_id")
        ),
        sa.ForeignKeyConstraint(
            ["rotated_from"], ["credential.id"], name=op.f("fk_credential_rotated_from")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_credential_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_credential_key_hash")),
    )
    op.create_table(
        "feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("drop_share_max_bp", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "drop_share_max_bp BETWEEN 0 AND 10000", name=op.f("ck_feed_drop_share")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["partner.id"], name=op.f("fk_feed_supplier_id")
        ),
        sa.ForeignKeyConstraint(["world"], ["world.name"], name=op.f("fk_feed_world")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint(
            "supplier_id", "name", name=op.f("uq_feed_supplier_id_name")
        ),
    )
    op.create_table(
        "production",
        sa.Column("genre", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "description", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.Column("runtime_min", sa.Integer(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "genre IN ('film', 'stage', 'sport', 'general')",
            name=op.f("ck_production_genre"),
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["partner.id"], name=op.f("fk_production_supplier_id")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_production_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production")),
        sa.UniqueConstraint(
            "supplier_id", "ref", name=op.f("uq_production_supplier_id_ref")
        ),
    )
    op.create_table(
        "sale_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('confirmed', 'partly_cancelled', 'cancelled')",
            name=op.f("ck_sale_order_state"),
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["partner.id"], name=op.f("fk_sale_order_agent_id")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_sale_order_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_order")),
        sa.UniqueConstraint(
            "agent_id", "reference", name=op.f("uq_sale_order_agent_id_reference")
        ),
        sa.UniqueConstraint("hold_id", name=op.f("uq_sale_order_hold_id")),
    )
    op.create_index(
        "ix_sale_order_listing", "sale_order", ["agent_id", "id"], unique=False
    )
    op.create_table(
        "venue",
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("business_day_starts", sa.Time(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["partner.id"], name=op.f("fk_venue_supplier_id")
        ),
        sa.ForeignKeyConstraint(["world"], ["world.name"], name=op.f("fk_venue_world")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue")),
        sa.UniqueConstraint(
            "supplier_id", "ref", name=op.f("uq_venue_supplier_id_ref")
        ),
    )
    op.create_table(
        "auditorium",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["partner.id"], name=op.f("fk_auditorium_supplier_id")
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_auditorium_venue_id")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_auditorium_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auditorium")),
        sa.UniqueConstraint(
            "supplier_id", "ref", name=op.f("uq_auditorium_supplier_id_ref")
        ),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("parts_checked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parts_applied", sa.Integer(), server_default="0", nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stale", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdrawn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unreadable", sa.Integer(), server_default="0", nullable=False),
        sa.Column("would_drop", sa.Integer(), nullable=True),
        sa.Column("known", sa.Integer(), nullable=True),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("mode IN ('full', 'delta')", name=op.f("ck_delivery_mode")),
        sa.CheckConstraint(
            "state IN ('received', 'checking', 'applying', 'quarantined', 'released', 'done', 'discarded')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["credential.id"], name=op.f("fk_delivery_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.id"], name=op.f("fk_delivery_feed_id")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_delivery_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_feed_id", "delivery", ["feed_id", "id"], unique=False)
    op.create_table(
        "journal_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("supplier_contract_id", sa.Uuid(), nullable=False),
        sa.Column("agent_contract_id", sa.Uuid(), nullable=False),
        sa.Column(
            "posted_xid", Xid8(), server_default=sa.FetchedValue(), nullable=False
        ),
        sa.Column(
            "posted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["agent_contract_id"],
            ["contract.id"],
            name=op.f("fk_journal_entry_agent_contract_id"),
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity"],
            ["legal_entity.code"],
            name=op.f("fk_journal_entry_legal_entity"),
        ),
        sa.ForeignKeyConstraint(
            ["supplier_contract_id"],
            ["contract.id"],
            name=op.f("fk_journal_entry_supplier_contract_id"),
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_journal_entry_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint(
            "order_id",
            "line_no",
            "sequence",
            name=op.f("uq_journal_entry_order_id_line_no_sequence"),
        ),
    )
    op.create_index(
        "ix_journal_entry_agent",
        "journal_entry",
        ["agent_contract_id", "happened_at"],
        unique=False,
    )
    op.create_index(
        "ix_journal_entry_book",
        "journal_entry",
        ["world", "legal_entity", "posted_xid", "id"],
        unique=False,
    )
    op.create_index(
        "ix_journal_entry_supplier",
        "journal_entry",
        ["supplier_contract_id", "happened_at"],
        unique=False,
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["published_by"], ["credential.id"], name=op.f("fk_plan_published_by")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["partner.id"], name=op.f("fk_plan_supplier_id")
        ),
        sa.ForeignKeyConstraint(["world"], ["world.name"], name=op.f("fk_plan_world")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint(
            "supplier_id", "version", name=op.f("uq_plan_supplier_id_version")
        ),
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lines_digest", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("code_version", sa.Text(), nullable=True),
        sa.Column("watermark", Xid8(), nullable=True),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "side IN ('supplier', 'agent')", name=op.f("ck_statement_side")
        ),
        sa.CheckConstraint(
            "state <> 'closed' OR num_nulls(reviewed_by, reviewed_at, closed_by, closed_at, watermark, code_version) = 0 AND reviewed_by <> closed_by",
            name=op.f("ck_statement_closed"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'reviewed', 'closed')", name=op.f("ck_statement_state")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["credential.id"], name=op.f("fk_statement_closed_by")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_statement_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["drafted_by"], ["credential.id"], name=op.f("fk_statement_drafted_by")
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity"],
            ["legal_entity.code"],
            name=op.f("fk_statement_legal_entity"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_statement_partner_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by"], ["credential.id"], name=op.f("fk_statement_reviewed_by")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_statement_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint(
            "contract_id", "period", name=op.f("uq_statement_contract_id_period")
        ),
        sa.UniqueConstraint(
            "legal_entity", "number", name=op.f("uq_statement_legal_entity_number")
        ),
    )
    op.create_index("ix_statement_listing", "statement", ["world", "id"], unique=False)
    op.create_table(
        "terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("commission_bp", sa.Integer(), nullable=False),
        sa.Column("ticket_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "commission_bp BETWEEN 0 AND 10000", name=op.f("ck_terms_commission")
        ),
        sa.CheckConstraint("ticket_fee_minor >= 0", name=op.f("ck_terms_ticket_fee")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_terms_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["credential.id"], name=op.f("fk_terms_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms")),
        sa.UniqueConstraint(
            "contract_id", "version", name=op.f("uq_terms_contract_id_version")
        ),
    )
    op.create_table(
        "area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("auditorium_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_seated", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_area_capacity")),
        sa.ForeignKeyConstraint(
            ["auditorium_id"], ["auditorium.id"], name=op.f("fk_area_auditorium_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint(
            "auditorium_id", "ref", name=op.f("uq_area_auditorium_id_ref")
        ),
    )
    op.create_table(
        "node",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("performance_id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("path", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("guarantee", sa.Integer(), nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("overcommitted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("split_capacity", sa.Integer(), nullable=True),
        sa.Column("is_cut", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "ceiling IS NULL OR ceiling >= guarantee", name=op.f("ck_node_promise")
        ),
        sa.CheckConstraint(
            "ceiling IS NULL OR taken <= ceiling + overcommitted",
            name=op.f("ck_node_sold_once"),
        ),
        sa.CheckConstraint(
            "guarantee >= 0 AND taken >= 0", name=op.f("ck_node_counts")
        ),
        sa.CheckConstraint("overcommitted >= 0", name=op.f("ck_node_overcommitted")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["partner.id"], name=op.f("fk_node_agent_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_node_plan_id")),
        sa.ForeignKeyConstraint(["world"], ["world.name"], name=op.f("fk_node_world")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
        sa.UniqueConstraint("root_id", "holder", name=op.f("uq_node_root_id_holder")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_node_performance_id", "node", ["performance_id"], unique=False)
    op.create_index(
        "ix_node_to_mend",
        "node",
        ["root_id"],
        unique=False,
        postgresql_where=sa.text("is_cut"),
    )
    op.create_table(
        "performance",
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("production_id", sa.Uuid(), nullable=False),
        sa.Column("auditorium_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("is_open_dated", sa.Boolean(), nullable=False),
        sa.Column("announce_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_sale_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cut_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('scheduled', 'cancelled')", name=op.f("ck_performance_status")
        ),
        sa.ForeignKeyConstraint(
            ["auditorium_id"],
            ["auditorium.id"],
            name=op.f("fk_performance_auditorium_id"),
        ),
        sa.ForeignKeyConstraint(
            ["production_id"],
            ["production.id"],
            name=op.f("fk_performance_production_id"),
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["partner.id"], name=op.f("fk_performance_supplier_id")
        ),
        sa.ForeignKeyConstraint(
            ["world"], ["world.name"], name=op.f("fk_performance_world")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performance")),
        sa.UniqueConstraint(
            "supplier_id", "ref", name=op.f("uq_performance_supplier_id_ref")
        ),
    )
    op.create_index("ix_performance_feed_id", "performance", ["feed_id"], unique=False)
    op.create_index(
        "ix_performance_listing",
        "performance",
        ["world", "starts_at", "id"],
        unique=False,
    )
    op.create_table(
        "posting",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_posting_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["partner.id"], name=op.f("fk_posting_party_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", "no", name=op.f("pk_posting")),
    )
    op.create_index(
        "ix_posting_account", "posting", ["account", "party_id"], unique=False
    )
    op.create_table(
        "statement_line",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_line", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("face_minor", sa.BigInteger(), nullable=False),
        sa.Column("booking_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("service_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("due_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_statement_line_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
            name=op.f("fk_statement_line_statement_id"),
        ),
        sa.PrimaryKeyConstraint("statement_id", "no", name=op.f("pk_statement_line")),
        sa.UniqueConstraint(
            "entry_id", "side", name=op.f("uq_statement_line_entry_id_side")
        ),
    )
    op.create_table(
        "performance_area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("performance_id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_performance_area_capacity")),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.id"], name=op.f("fk_performance_area_area_id")
        ),
        sa.ForeignKeyConstraint(
            ["performance_id"],
            ["performance.id"],
            name=op.f("fk_performance_area_performance_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performance_area")),
        sa.UniqueConstraint(
            "performance_id",
            "area_id",
            name=op.f("uq_performance_area_performance_id_area_id"),
        ),
    )
    op.create_table(
        "seat",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("row_name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("row_index", sa.Integer(), nullable=False),
        sa.Column("seat_index", sa.Integer(), nullable=False),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("y", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_retired", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "kind IN ('standard', 'wheelchair', 'companion', 'restricted')",
            name=op.f("ck_seat_kind"),
        ),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_seat_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint(
            "area_id",
            "row_name",
            "number",
            name=op.f("uq_seat_area_id_row_name_number"),
        ),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("performance_area_id", sa.Uuid(), nullable=False),
        sa.Column("price_type", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("face_minor", sa.BigInteger(), nullable=False),
        sa.Column("booking_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_bp", sa.Integer(), nullable=False),
        sa.Column("tickets_min", sa.Integer(), nullable=False),
        sa.Column("tickets_max", sa.Integer(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "1 <= tickets_min AND tickets_min <= tickets_max",
            name=op.f("ck_offer_limits"),
        ),
        sa.CheckConstraint(
            "face_minor >= 0 AND booking_fee_minor >= 0", name=op.f("ck_offer_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["performance_area_id"],
            ["performance_area.id"],
            name=op.f("fk_offer_performance_area_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint(
            "performance_area_id",
            "price_type",
            name=op.f("uq_offer_performance_area_id_price_type"),
        ),
    )
    op.create_table(
        "seat_taken",
        sa.Column("performance_id", sa.Uuid(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seat_id"], ["seat.id"], name=op.f("fk_seat_taken_seat_id")
        ),
        sa.PrimaryKeyConstraint(
            "performance_id", "seat_id", name=op.f("pk_seat_taken")
        ),
    )
    op.create_index("ix_seat_taken_hold_id", "seat_taken", ["hold_id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("performance_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("face_minor", sa.BigInteger(), nullable=False),
        sa.Column("booking_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "0 <= cancelled AND cancelled <= quantity",
            name=op.f("ck_order_line_cancelled"),
        ),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_order_line_node_id")
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_order_line_offer_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sale_order.id"], name=op.f("fk_order_line_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["performance_id"],
            ["performance.id"],
            name=op.f("fk_order_line_performance_id"),
        ),
        sa.PrimaryKeyConstraint("order_id", "no", name=op.f("pk_order_line")),
    )
    op.create_index("ix_order_line_node_id", "order_line", ["node_id"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("performance_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id", "line_no"],
            ["order_line.order_id", "order_line.no"],
            name=op.f("fk_ticket_order_id_line_no"),
        ),
        sa.ForeignKeyConstraint(
            ["seat_id"], ["seat.id"], name=op.f("fk_ticket_seat_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("code", name=op.f("uq_ticket_code")),
    )
    op.create_index("ix_ticket_order_id", "ticket", ["order_id"], unique=False)
    op.create_index(
        "uq_ticket_valid_seat",
        "ticket",
        ["performance_id", "seat_id"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL AND seat_id IS NOT NULL"),
    )
