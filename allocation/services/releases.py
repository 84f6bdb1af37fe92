"""Release-back: at a stage's time allotments keep what it leaves them."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.services.sharing import share_out
from allocation.services.splitting import Cause

CHUNK = 200
_DUE = text(
    "SELECT t.performance_id, t.supplier_id FROM tree t"
    " JOIN world w ON w.name = t.world JOIN performance p ON p.id = t.performance_id"
    " WHERE t.next_stage_at <= clock_timestamp() + w.clock_offset"
    " ORDER BY t.next_stage_at, t.performance_id LIMIT :most"
)
_RELEASE = Cause("release", "a stage of the plan fell due")


def release_due_stages(session: Session) -> int:
    """Split trees anew whose next stage is due; return how many.

    By the rule's time, not the job's: run twice or late it leaves the same.
    """
    due = session.execute(_DUE, {"most": CHUNK}).all()
    for supplier_id in sorted({row.supplier_id for row in due}):
        ids = [row.performance_id for row in due if row.supplier_id == supplier_id]
        share_out(session, supplier_id, ids, _RELEASE)
    return len(due)
