"""Webhooks in a dialect's words: what is wanted beside the address, what was told."""

from alembic import op
from sqlalchemy import text

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ADD = """
ALTER TABLE webhook_endpoint ADD COLUMN dialect text,
    ADD COLUMN wants jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN is_tried_once boolean NOT NULL DEFAULT false;
GRANT UPDATE (wants) ON webhook_endpoint TO hub_app;
CREATE TABLE octo_told (
    endpoint_id uuid NOT NULL CONSTRAINT fk_octo_told_endpoint_id
        REFERENCES webhook_endpoint (id),
    uuid uuid NOT NULL, told jsonb NOT NULL,
    CONSTRAINT pk_octo_told PRIMARY KEY (endpoint_id, uuid));
GRANT SELECT, INSERT, UPDATE ON octo_told TO hub_app;
"""
DROP = """
DROP TABLE octo_told;
ALTER TABLE webhook_endpoint DROP COLUMN dialect, DROP COLUMN wants,
    DROP COLUMN is_tried_once;
"""


def upgrade() -> None:
    op.execute(text(ADD))


def downgrade() -> None:
    op.execute(text(DROP))
