"""What contracts' days and running totals come to: the fold, and the tail not folded.

One statement reads both, so the sum is as of one moment whatever the folding job does.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.models import MEASURES
from settlement.rules.running import Total

_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in MEASURES)
_LISTED = ", ".join(MEASURES)
_BOTH = (
    "(SELECT {keys}, {measures} FROM total WHERE {where}"
    " UNION ALL SELECT {keys}, {measures} FROM total_delta WHERE {where}) AS both_"
)
_DAYS = _BOTH.format(
    keys="terms_id, bucket",
    measures=_LISTED,
    where="contract_id = :contract AND day >= :first AND day < :after",
)
_PREVIEW = text(f"SELECT {_SUMS} FROM {_DAYS}")  # noqa: S608 - our own words
_BUCKETS = text(
    f"SELECT DISTINCT terms_id, bucket FROM {_DAYS} WHERE bucket <> ''"  # noqa: S608
    " ORDER BY terms_id, bucket"
)
_RUNNING = text(
    "SELECT "  # noqa: S608 - our own words
    + _SUMS
    + " FROM "
    + _BOTH.format(
        keys="terms_id, bucket",
        measures=_LISTED,
        where="terms_id = :terms AND bucket = :bucket",
    )
)


class RunningTotals(dict[tuple[str, str], Total]):
    """Running totals by (terms, key), read when they are first asked for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        """Return a total as of now, and as it has run on since."""
        if key not in self:
            self[key] = running_total(self._session, UUID(key[0]), key[1])
        return super().get(key, default)


def running_total(session: Session, terms_id: UUID, bucket: str) -> Total:
    """Return what a running total of terms has come to."""
    return bucket_totals(session, terms_id, bucket)[0]


def bucket_totals(session: Session, terms_id: UUID, bucket: str) -> tuple[Total, int]:
    """Return what a running total has come to, and what was accrued for it."""
    row = session.execute(_RUNNING, {"terms": terms_id, "bucket": bucket}).one()
    return Total(row.counted, row.measured, row.base_minor), row.accrued_minor


def day_sums(
    session: Session, contract_id: UUID, first: date, after: date
) -> dict[str, int]:
    """Return what the days of a contract come to, from *first* up to before *after*."""
    where = {"contract": contract_id, "first": first, "after": after}
    return dict(session.execute(_PREVIEW, where).mappings().one())


def buckets(
    session: Session, contract_id: UUID, first: date, after: date
) -> list[tuple[UUID, str]]:
    """Return the running totals (terms, bucket) that those days have added to."""
    where = {"contract": contract_id, "first": first, "after": after}
    rows = session.execute(_BUCKETS, where)
    return [(row.terms_id, row.bucket) for row in rows]
