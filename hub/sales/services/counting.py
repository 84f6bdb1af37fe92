"""What all sales of a batch count in: counters and credit, locked and written last."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from settlement.rules.credit import CreditLine
from settlement.services.credit import made_alert, raised, warn


@dataclass(slots=True)
class Counts:
    """Counters and credit lines as they are, moved by one sale after the other.

    *now*: the time in each world, once all is locked; *epochs*: its version.
    """

    caps: dict[UUID, int]
    credit: dict[UUID, CreditLine]
    now: dict[str, datetime]
    epochs: dict[str, int]
    _caps_before: dict[UUID, int] = field(init=False)
    _credit_before: dict[UUID, CreditLine] = field(init=False)

    def __post_init__(self) -> None:
        self._caps_before, self._credit_before = dict(self.caps), dict(self.credit)

    def reserve(self, contract_id: UUID, minor: int, *, is_fact: bool) -> None:
        """Reserve credit for a hold; CreditExhaustedError, but never for a *fact*."""
        line = self.credit[contract_id]
        self.credit[contract_id] = (
            replace(line, reserved_minor=line.reserved_minor + minor)
            if is_fact
            else line.reserved(minor)
        )

    def expose(self, contract_id: UUID, *, owed: int, reserved: int) -> None:
        """Turn what was reserved into what is owed: never refused."""
        line = self.credit[contract_id]
        self.credit[contract_id] = replace(
            line,
            exposure_minor=line.exposure_minor + owed,
            reserved_minor=line.reserved_minor - reserved,
        )

    def said(self) -> list[list[dict[str, Any]]]:
        """Return what is written: counters, credit lines, alerts that are due."""
        caps = ((i, n) for i, n in self.caps.items() if n != self._caps_before.get(i))
        moved = self._moved()
        return [
            [{"id": i, "taken": taken} for i, taken in caps],
            [_credit(line) for line in moved],
            [made_alert(line, self.now[line.world]) for line in raised(moved)],
        ]

    def warn(self) -> None:
        """Tell of the alerts, once they are stored."""
        for line in raised(self._moved()):
            warn(line)

    def _moved(self) -> list[CreditLine]:
        before = self._credit_before
        return [line for i, line in self.credit.items() if line != before[i]]


def _credit(line: CreditLine) -> dict[str, Any]:
    return {
        "id": line.contract_id,
        "exposure": line.exposure_minor,
        "reserved": line.reserved_minor,
        "alerted": line.level_bp,
    }
