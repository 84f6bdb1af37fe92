"""Sharing out a season among many agents, in a process of its own: seconds, memory.

Run as a script with a database's URL: it makes the season with bare SQL and shares it
out as the job does. Compute and parents; leaves come at their first touch.
"""

import sys
import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from allocation.services.sharing import share_out_supplier
from hub.kernel import db
from hub.kernel.db import transaction

AGENTS, SEATS = 200, 500
_AGENTS = text(
    "INSERT INTO partner (id, world, kind, ref, name, channel)"
    " SELECT gen_random_uuid(), 'test', 'agent', 'agent-' || n, 'Agent', 'online'"
    " FROM generate_series(1, :agents) n"
)
_SEASON = text(
    "WITH old AS (SELECT * FROM performance LIMIT 1), made AS ("
    " INSERT INTO performance (id, world, supplier_id, ref, version, digest, feed_id,"
    "  delivery_id, production_id, auditorium_id, starts_at, zone, business_on,"
    "  is_open_dated, status)"
    " SELECT gen_random_uuid(), world, supplier_id, 'many-' || n, 1, digest, feed_id,"
    "  delivery_id, production_id, auditorium_id, starts_at + n * interval '1 minute',"
    "  zone, business_on, false, 'scheduled' FROM old, generate_series(1, :count) n"
    " RETURNING id, world, supplier_id), areas AS ("
    " INSERT INTO performance_area (id, performance_id, area_id, capacity)"
    " SELECT gen_random_uuid(), made.id, (SELECT id FROM area WHERE ref = 'floor'),"
    "  :seats - n.n % 5 FROM made, LATERAL (SELECT hashtext(made.id::text) & 7 AS n) n"
    " RETURNING id, performance_id, capacity), trees AS ("
    " INSERT INTO tree (performance_id, world, supplier_id)"
    " SELECT id, world, supplier_id FROM made RETURNING 1)"
    " INSERT INTO node (id, world, performance_id, performance_area_id, key, level,"
    "  path, guarantee, ceiling) SELECT id, 'test', performance_id, id, 'area:floor',"
    "  'area', '{}', 0, capacity FROM areas"
)
_PLAN = text(
    "WITH made AS (INSERT INTO plan (id, world, supplier_id, version, name, scope, rules,"
    " created_at, created_by) SELECT gen_random_uuid(), 'test', :supplier, 99, 'Many',"
    " '{}', jsonb_build_object('keep_shared_bp', 2000, 'rules', jsonb_build_array("
    "  jsonb_build_object('channel', 'online', 'kind', 'weighted', 'weight', 1,"
    "   'rules', (SELECT jsonb_agg(jsonb_build_object('agent', ref, 'kind',"
    "   'weighted', 'weight', 1 + hashtext(ref) & 7)) FROM partner"
    "   WHERE ref LIKE 'agent-%')))), clock_timestamp(),"
    " (SELECT id FROM credential LIMIT 1) RETURNING id, supplier_id, created_by)"
    " INSERT INTO plan_publication (id, world, supplier_id, no, plan_id, kind, made_at,"
    " made_by) SELECT gen_random_uuid(), 'test', supplier_id, 99, id, 'published',"
    " clock_timestamp(), created_by FROM made"
)


def main(url, count):
    db.bind(db.connect(url, statement_timeout_s=600))
    with transaction() as session:
        supplier = session.scalar(
            text("SELECT id FROM partner WHERE kind = 'supplier'")
        )
        session.execute(_AGENTS, {"agents": AGENTS})
        session.execute(_SEASON, {"count": count, "seats": SEATS})
        session.execute(_PLAN, {"supplier": supplier})
    began, done = time.perf_counter(), 1
    while done:
        with transaction() as session:
            done = share_out_supplier(session, UUID(str(supplier)))
    took = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(took, peak)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
