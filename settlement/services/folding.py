"""Folding: what facts have added is moved into the totals, a bounded number at once."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.models import MEASURES

FOLDED_MAX = 5_000
_KEYS = "contract_id, day, terms_id, bucket"
_FOLD = text(
    "WITH gone AS (DELETE FROM total_delta WHERE id = ANY(ARRAY("  # noqa: S608 - ours
    " SELECT id FROM total_delta ORDER BY id LIMIT :most))"
    " RETURNING *), summed AS ("
    f" INSERT INTO total ({_KEYS}, world, legal_entity, {', '.join(MEASURES)})"
    f" SELECT {_KEYS}, world, legal_entity,"
    f" {', '.join(f'sum({name})' for name in MEASURES)} FROM gone"
    f" GROUP BY {_KEYS}, world, legal_entity ORDER BY {_KEYS}"
    f" ON CONFLICT ({_KEYS}) DO UPDATE SET "
    + ", ".join(f"{name} = total.{name} + excluded.{name}" for name in MEASURES)
    + ") SELECT count(*) FROM gone"
)


def fold_totals(session: Session) -> int:
    """Fold the oldest deltas; return how many.

    A reader sees them before or after, never twice: they go and arrive in one commit.
    """
    return int(session.scalar(_FOLD, {"most": FOLDED_MAX}) or 0)
