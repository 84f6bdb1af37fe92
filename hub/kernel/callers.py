"""Who is calling: set once by the edge, asked for by every resource."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from flask import g

from hub.kernel.errors import HubError, NotFoundError, UnauthenticatedError


class Kind(StrEnum):
    """The four kinds of caller."""

    SUPPLIER = "supplier"
    AGENT = "agent"
    OPERATOR = "operator"
    FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated credential: what it is, whose, in which world, how long.

    The holder stays the same when a key is rotated: it is the person, or partner.
    """

    credential_id: UUID
    holder_id: UUID
    world: str
    kind: Kind
    partner_id: UUID | None
    scopes: frozenset[str]
    expires_at: datetime | None
    name: str

    @property
    def owner_id(self) -> UUID:
        """Whose idempotency keys these are: the partner's, or the person's."""
        return self.partner_id or self.credential_id

    @property
    def partner(self) -> UUID:
        """The partner this caller acts for; staff act for none (NotFoundError)."""
        if self.partner_id is None:
            raise NotFoundError
        return self.partner_id


def caller() -> Caller:
    """Return who sent this request; UnauthenticatedError if nobody known did."""
    found: Caller | None = g.get("caller")
    if found is None:
        raise UnauthenticatedError
    return found


def set_caller(found: Caller) -> None:
    """Remember, for this request, who sent it."""
    g.caller = found


def note_refusal(error: HubError) -> None:
    """Remember, for this request, why it was refused: in the hub's own words."""
    g.refused_for = error


def refusal() -> HubError | None:
    """Return why this request was refused, if the hub refused it."""
    found: HubError | None = g.get("refused_for")
    return found
