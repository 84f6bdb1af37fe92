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
    keys="bucket",
    measures=_LISTED,
    where="contract_id = :contract AND day >= :first AND day < :after",
)
_PREVIEW = text(
    f"SELECT {_SUMS}, coalesce(bool_or(bucket <> ''), false) AS is_running FROM {_DAYS}"  # noqa: S608 - our own words
)
_RUNNING = text(
    "SELECT "  # noqa: S608 - our own words
    + _SUMS
    + " FROM "
    + _BOTH.format(
        keys="bucket",
        measures=_LISTED,
        where="contract_id = :contract AND bucket = :bucket",
    )
)


class RunningTotals(dict[tuple[str, str], Total]):
    """Running totals by (contract, key), read when they are first asked for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        """Return a total as of now, and as it has run on since."""
        if key not in self:
            self[key] = running_total(self._session, UUID(key[0]), key[1])
        return super().get(key, default)


def running_total(session: Session, contract_id: UUID, bucket: str) -> Total:
    """Return what a running total of a contract has come to."""
    where = {"contract": contract_id, "bucket": bucket}
    row = session.execute(_RUNNING, where).one()
    return Total(row.counted, row.measured, row.base_minor)


def day_sums(
    session: Session, contract_id: UUID, first: date, after: date
) -> dict[str, int]:
    """Return what a contract's days come to, from *first* up to before *after*.

    And, as ``is_running``, whether any of it is on a running total.
    """
    where = {"contract": contract_id, "first": first, "after": after}
    return dict(session.execute(_PREVIEW, where).mappings().one())
