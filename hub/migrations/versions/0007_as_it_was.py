"""An agent's holds of a day are found by an index; new caps count what was sold."""

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEDULE = """
CREATE TABLE plan_schedule (
    id uuid CONSTRAINT pk_plan_schedule PRIMARY KEY,
    world text NOT NULL CONSTRAINT fk_plan_schedule_world REFERENCES world (name),
    supplier_id uuid NOT NULL
        CONSTRAINT fk_plan_schedule_supplier_id REFERENCES partner (id),
    plan_id uuid NOT NULL CONSTRAINT fk_plan_schedule_plan_id REFERENCES plan (id),
    effective_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    made_by uuid NOT NULL
        CONSTRAINT fk_plan_schedule_made_by REFERENCES credential (id),
    done_at timestamptz,
    outcome text
);
CREATE INDEX ix_plan_schedule_supplier_id ON plan_schedule (supplier_id);
CREATE INDEX ix_plan_schedule_effective_at ON plan_schedule (effective_at)
    WHERE done_at IS NULL;
CREATE UNIQUE INDEX uq_plan_schedule_waiting ON plan_schedule (plan_id)
    WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE (done_at, outcome) ON plan_schedule TO hub_app;
"""

# What confirms and holds read under their locks: the version of a hold, and of what is
# sold all that a stop may name.
READS = [
    (
        "h.expires_at, h.kind, coalesce(a.parent_id, a.id))),",
        "h.expires_at, h.kind, coalesce(a.parent_id, a.id), h.version)),",
    ),
    (
        "p.production_id) ORDER BY l.hold_id, l.no),",
        "p.production_id, v.ref, u.ref, s.genre) ORDER BY l.hold_id, l.no),",
    ),
    (
        "JOIN frozen_quote q ON q.id = l.quote_id WHERE l.hold_id = ANY(v_confirm);",
        (
            "JOIN frozen_quote q ON q.id = l.quote_id"
            " JOIN auditorium u ON u.id = p.auditorium_id JOIN venue v ON v.id = u.venue_id"
            " JOIN production s ON s.id = p.production_id"
            " WHERE l.hold_id = ANY(v_confirm);"
        ),
    ),
    (
        "area, channel, agent_id, price_type, is_hard, reason)) INTO v_stops",
        (
            "area, channel, agent_id, price_type, is_hard, reason, venue, auditorium,"
            " genre)) INTO v_stops"
        ),
    ),
]
# Which holds look-to-book counts: only those are in an index.
WRITES = [
    (
        "extensions_most, extendable_until, created_at, kind)",
        "extensions_most, extendable_until, created_at, kind, is_counted)",
    ),
    (
        "SELECT id, world, agent, 'held', 1, expires_at, ttl, most, until, at, kind",
        (
            "SELECT id, world, agent, 'held', 1, expires_at, ttl, most, until, at, kind,"
            " counted"
        ),
    ),
    ("kind text)", "kind text, counted boolean)"),
]


def _change(name: str, pairs: list[tuple[str, str]]) -> None:
    """Replace parts of a function of the database."""
    bind = op.get_bind()
    found = text("SELECT pg_get_functiondef(CAST(:name AS regproc))")
    said = bind.scalar(found, {"name": name})
    for before, after in pairs:
        if said.count(before) != 1:
            raise RuntimeError(before)
        said = said.replace(before, after)
    bind.exec_driver_sql(said)


def upgrade() -> None:
    op.execute(SCHEDULE)
    op.execute("ALTER TABLE stop ADD venue text, ADD auditorium text, ADD genre text")
    _change("lock_sales", READS)
    op.execute("ALTER TABLE hold ADD is_counted boolean NOT NULL DEFAULT false")
    op.execute("CREATE INDEX ix_hold_counted ON hold (agent_id, id) WHERE is_counted")
    _change("place_holds", WRITES)
    op.execute("GRANT UPDATE (caps) ON order_line TO hub_app")


def downgrade() -> None:
    _change("lock_sales", [(after, before) for before, after in READS])
    _change("place_holds", [(after, before) for before, after in WRITES])
    op.execute("DROP TABLE plan_schedule")
    op.execute("ALTER TABLE stop DROP venue, DROP auditorium, DROP genre")
    op.execute("REVOKE UPDATE (caps) ON order_line FROM hub_app")
    op.execute("DROP INDEX ix_hold_counted")
    op.execute("ALTER TABLE hold DROP is_counted")
