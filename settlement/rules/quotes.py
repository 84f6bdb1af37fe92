"""What a line is worth to each party, as it is frozen and stored. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from msgspec import Struct

from settlement.rules.running import Bucket, Total

FINAL, PROVISIONAL = "final", "provisional"


class Amount(Struct, frozen=True, omit_defaults=True):
    """One amount of a line: what, whose terms, how it came about; minor units.

    *to* is who gets it, or funds it. *minor* holds the tax in it, *tax_minor*.
    What is kept does not go back with cancelled tickets.
    """

    what: str
    minor: int
    side: str = ""
    to: str = ""
    tax_minor: int = 0
    tax: str = ""
    rule: str = ""
    inputs: dict[str, Any] = {}
    state: str = FINAL
    is_kept: bool = False

    @property
    def earned_minor(self) -> int:
        """What a running total has earned: the amount before a tax on top of it."""
        return int(self.inputs.get("earned_minor", self.minor))

    @property
    def net_minor(self) -> int:
        """The amount without its tax."""
        return self.minor - self.tax_minor


class Running(Struct, frozen=True, omit_defaults=True):
    """What a line adds to a running total of its side's terms."""

    what: str
    bucket: Bucket
    measured: int
    base_minor: int

    def key(
        self, sold_at: datetime, performance_at: datetime | None, performance: str
    ) -> str:
        """Return the key of the total among those of the terms."""
        return f"{self.what}/{self.bucket.key(sold_at, performance_at, performance)}"

    def total(self, tickets: int) -> Total:
        """Return it as a total."""
        return Total(tickets, self.measured, self.base_minor)


class Side(Struct, frozen=True, omit_defaults=True):
    """Under which terms one party sells or provides: version, manner of paying."""

    contract_id: str
    terms_id: str
    version: int
    zone: str = "UTC"
    remit: str = "net"
    basis: str = "sale-date"
    refunds: str = "true-up"
    refund_fee_minor: int = 0
    refund_tax_minor: int = 0
    running: tuple[Running, ...] = ()


class Place(Struct, frozen=True, omit_defaults=True):
    """What was sold: the inputs by which terms were chosen and totals are kept."""

    venue: str = ""
    production: str = ""
    performance: str = ""
    performance_at: datetime | None = None
    area: str = ""
    price_type: str = ""
    channel: str = ""


class Quote(Struct, frozen=True, omit_defaults=True):
    """The price of a line and what each party gets; a side may be missing in a what-if.

    Ids are text: those of the database, or the references of a file.
    """

    currency: str
    quantity: int
    amounts: tuple[Amount, ...]
    supplier: Side | None = None
    agent: Side | None = None
    legal_entity: str = ""
    supplier_id: str = ""
    agent_id: str = ""
    collector: str = "agent"
    capacity: str = "agent"
    place: Place = Place()
    quoted_at: datetime | None = None

    def dumped(self) -> dict[str, Any]:
        """Return the quote as plain data."""
        stored: dict[str, Any] = msgspec.to_builtins(self)
        return stored

    def encoded(self) -> str:
        """Return the quote as the JSON text that is stored on the line."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def loaded(cls, said: dict[str, Any]) -> Self:
        """Return a stored quote; ValueError or TypeError if it is none."""
        return msgspec.convert(said, cls)

    @classmethod
    def decoded(cls, said: str | bytes) -> Self:
        """Return a quote from its JSON text."""
        return msgspec.json.decode(said, type=cls)

    def of(self, what: str, side: str | None = None) -> Iterator[Amount]:
        """Yield the amounts of a kind, of one side's terms if that is said."""
        return (
            amount
            for amount in self.amounts
            if amount.what == what and side in {None, amount.side}
        )

    def sum_of(self, what: str, side: str | None = None) -> int:
        """Return what a kind of amounts comes to."""
        return sum(amount.minor for amount in self.of(what, side))

    @property
    def agent_contract_id(self) -> UUID:
        """The agent's contract: a sale has both sides."""
        assert self.agent is not None  # noqa: S101 - only a what-if lacks a side
        return UUID(self.agent.contract_id)

    @property
    def supplier_contract_id(self) -> UUID:
        """The supplier's contract: a sale has both sides."""
        assert self.supplier is not None  # noqa: S101 - only a what-if lacks a side
        return UUID(self.supplier.contract_id)
