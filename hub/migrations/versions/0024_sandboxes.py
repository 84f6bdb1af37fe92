"""Sandboxes of partners, what was seen of them, and the supplier that rehearses."""

from alembic import op
from sqlalchemy import text

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ADD = """
CREATE TABLE sandbox (
    world text NOT NULL CONSTRAINT fk_sandbox_world REFERENCES world (name),
    live_partner_id uuid NOT NULL
        CONSTRAINT fk_sandbox_live_partner_id REFERENCES partner (id),
    partner_id uuid NOT NULL CONSTRAINT fk_sandbox_partner_id REFERENCES partner (id),
    operator_id uuid NOT NULL
        CONSTRAINT fk_sandbox_operator_id REFERENCES credential (id),
    reviewer_id uuid NOT NULL
        CONSTRAINT fk_sandbox_reviewer_id REFERENCES credential (id),
    approver_id uuid NOT NULL
        CONSTRAINT fk_sandbox_approver_id REFERENCES credential (id),
    currency text NOT NULL, season_from timestamptz NOT NULL,
    closing_until timestamptz,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_sandbox PRIMARY KEY (world),
    CONSTRAINT uq_sandbox_live_partner_id UNIQUE (live_partner_id),
    CONSTRAINT uq_sandbox_partner_id UNIQUE (partner_id));
CREATE TABLE sandbox_seen (
    world text NOT NULL CONSTRAINT fk_sandbox_seen_world REFERENCES sandbox (world),
    what text NOT NULL, count bigint NOT NULL,
    first_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
    CONSTRAINT pk_sandbox_seen PRIMARY KEY (world, what));
CREATE TABLE sandbox_mark (
    world text NOT NULL CONSTRAINT fk_sandbox_mark_world REFERENCES sandbox (world),
    mark text NOT NULL, made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_sandbox_mark PRIMARY KEY (world, mark));
CREATE TABLE rehearsal_order (
    key text NOT NULL, state text NOT NULL, until timestamptz NOT NULL,
    tickets jsonb NOT NULL, asked integer NOT NULL,
    CONSTRAINT pk_rehearsal_order PRIMARY KEY (key));
GRANT SELECT, INSERT, UPDATE (closing_until) ON sandbox TO hub_app;
GRANT SELECT, INSERT, DELETE ON sandbox_mark TO hub_app;
GRANT SELECT, INSERT, UPDATE ON sandbox_seen, rehearsal_order TO hub_app;
"""
DROP = "DROP TABLE rehearsal_order, sandbox_mark, sandbox_seen, sandbox"


def upgrade() -> None:
    op.execute(text(ADD))


def downgrade() -> None:
    op.execute(text(DROP))
