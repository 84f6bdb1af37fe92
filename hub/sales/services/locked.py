"""What the database answers to a batch of sales: all it has locked and read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from allocation.rules.limits import StopSaid
from allocation.rules.tree import Node
from hub.catalogue.rules import SaleWindow
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.sales.services.counting import Counts
from settlement.rules.credit import CreditLine

Moment = datetime | None


@dataclass(frozen=True, slots=True)
class PerformanceState:
    """When a performance is sold, and the epoch of its tree."""

    window: SaleWindow
    epoch: int
    supplier_id: UUID

    @property
    def versions(self) -> tuple[int, int, int]:
        """The versions of all that a basket stands on."""
        return (self.window.version, self.window.map_version, self.epoch)


class KeyRow(Struct, frozen=True):
    """What is stored under a key."""

    world: str
    owner: UUID
    key: str
    digest: str
    status: int | None
    reply: Any


class Row(Struct, frozen=True, array_like=True):
    """A row as the database answers it: its columns in their order."""


class StateRow(Row, frozen=True, array_like=True):
    """A performance: when it is sold, and as what versions."""

    id: UUID
    version: int
    status: str
    is_withdrawn: bool
    announce_at: Moment
    on_sale_at: Moment
    cut_off_at: Moment
    starts_at: datetime
    ends_at: Moment
    is_open_dated: bool
    map_version: int
    epoch: int
    supplier_id: UUID


class StopRow(Row, frozen=True, array_like=True):
    """A stop that holds."""

    id: UUID
    supplier_id: UUID
    performance_id: UUID | None
    production_id: UUID | None
    area: str | None
    channel: str | None
    agent_id: UUID | None
    price_type: str | None
    is_hard: bool
    reason: str
    venue: str | None
    auditorium: str | None
    genre: str | None


class NodeRow(Row, frozen=True, array_like=True):
    """A node, locked."""

    id: UUID
    path: tuple[UUID, ...]
    guarantee: int
    ceiling: int | None
    taken: int
    overcommitted: int
    level: str
    pool: UUID | None


class CreditRow(Row, frozen=True, array_like=True):
    """A credit line, locked."""

    contract_id: UUID
    world: str
    currency: str
    limit_minor: int | None
    deposit_minor: int
    exposure_minor: int
    reserved_minor: int
    alerted_bp: int


class HoldRow(Row, frozen=True, array_like=True):
    """A hold that is confirmed, locked; *holder_id*: whose stops and caps it heeds."""

    id: UUID
    world: str
    agent_id: UUID
    state: str
    expires_at: datetime
    kind: str
    holder_id: UUID
    version: int


class LineRow(Row, frozen=True, array_like=True):
    """A line of a hold that is confirmed, with what its offer says."""

    hold_id: UUID
    no: int
    performance_id: UUID
    node_id: UUID
    offer_id: UUID
    quantity: int
    seat_ids: list[UUID]
    seat_nodes: list[UUID]
    held_caps: list[UUID]
    quote_id: UUID
    owed_minor: int
    price_type: str
    area: str
    supplier_id: UUID
    production_id: UUID
    venue: str
    auditorium: str
    genre: str
    resale_floor_minor: int | None
    resale_ceiling_minor: int | None


class SoldRow(Row, frozen=True, array_like=True):
    """What a performance says of those that are sold tickets for it."""

    status: str
    admission: str
    names: str


class Locked(Struct, frozen=True):
    """What the database answers; lists are null where there is nothing.

    *shut*: holds that are not locked: somebody else has them, or their performance.
    """

    busy: list[str] | None = None
    keys: list[KeyRow] | None = None
    states: list[StateRow] | None = None
    stops: list[StopRow] | None = None
    over: dict[UUID, int] | None = None
    nodes: list[NodeRow] | None = None
    taken: list[tuple[UUID, UUID, datetime]] | None = None
    among: list[tuple[UUID, UUID]] | None = None
    caps: dict[UUID, int] | None = None
    credit: list[CreditRow] | None = None
    times: list[tuple[str, datetime, int]] | None = None
    shut: list[UUID] | None = None
    holds: list[HoldRow] | None = None
    lines: list[LineRow] | None = None
    references: list[tuple[UUID, str]] | None = None
    status: dict[UUID, SoldRow] | None = None
    seats: list[tuple[UUID, str, str]] | None = None
    people: list[tuple[UUID, str, str]] | None = None

    def earlier(self) -> dict[Key, Earlier]:
        """Return what is stored under keys that were used before."""
        return {
            Key(row.world, row.owner, row.key): Earlier(
                bytes.fromhex(row.digest),
                None
                if row.status is None
                else Reply(row.status, row.reply, is_replay=True),
            )
            for row in self.keys or ()
        }

    def performances(self) -> dict[UUID, PerformanceState]:
        """Return performances as they are."""
        return {
            row.id: PerformanceState(
                SaleWindow(*astuple(row)[:11]), row.epoch, row.supplier_id
            )
            for row in self.states or ()
        }

    def found_nodes(self) -> dict[UUID, Node]:
        """Return the nodes, locked."""
        return {row.id: Node(*astuple(row)) for row in self.nodes or ()}

    def found_stops(self) -> list[StopSaid]:
        """Return the stops that hold."""
        return [StopSaid(*astuple(row)) for row in self.stops or ()]

    def counts(self) -> Counts:
        """Return the counters and credit lines, locked, and the time."""
        times = self.times or ()
        return Counts(
            caps=dict(self.caps or {}),
            credit={r.contract_id: CreditLine(*astuple(r)) for r in self.credit or ()},
            now={world: now for world, now, _ in times},
            epochs={world: epoch for world, _, epoch in times},
        )
