"""One production of several suppliers is one; what availability said is measured."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE production ADD merged_into uuid
    CONSTRAINT fk_production_merged_into REFERENCES production (id);
CREATE INDEX ix_production_merged_into ON production (merged_into)
    WHERE merged_into IS NOT NULL;

CREATE TABLE availability_kept (
    supplier_id uuid CONSTRAINT fk_availability_kept_supplier_id REFERENCES partner (id),
    day date,
    world text NOT NULL CONSTRAINT fk_availability_kept_world REFERENCES world (name),
    holds integer NOT NULL,
    refused integer NOT NULL,
    CONSTRAINT pk_availability_kept PRIMARY KEY (supplier_id, day)
);
GRANT SELECT, INSERT, UPDATE (holds, refused) ON availability_kept TO hub_app;
CREATE INDEX ix_sale_order_reference ON sale_order (agent_id, reference text_pattern_ops);
"""


def upgrade() -> None:
    op.execute(CHANGES)
