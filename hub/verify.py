"""Checking every law of the hub on the live database, as of one moment."""

from dataclasses import dataclass
from typing import Any

import allocation.queries
import connectors.queries
import hub.catalogue.queries
import hub.sales.queries
import partners.queries
import settlement.queries
from hub.kernel.db import snapshot
from settlement.queries.seals import heads, unsealed

LAWS = {
    "partners": partners.queries.broken_laws,
    "catalogue": hub.catalogue.queries.broken_laws,
    "connectors": connectors.queries.broken_laws,
    "allocation": allocation.queries.broken_laws,
    "sales": hub.sales.queries.broken_laws,
    "settlement": settlement.queries.broken_laws,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first facts that break a law, by package, and the length of the tail."""

    broken: list[dict[str, Any]]
    unsealed_entries: int
    seal_heads: dict[str, str]

    @property
    def is_clean(self) -> bool:
        return not self.broken

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict for machines."""
        return {
            "is_clean": self.is_clean,
            "broken": self.broken,
            "unsealed_entries": self.unsealed_entries,
            "seal_heads": self.seal_heads,
        }


def verify() -> Verdict:
    """Check every law in one repeatable-read snapshot; change nothing."""
    with snapshot() as session:
        broken = [
            {"package": package, **fact}
            for package, laws in LAWS.items()
            for fact in laws(session)
        ]
        return Verdict(broken, unsealed(session), heads(session))
