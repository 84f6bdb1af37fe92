"""What a batch of holds locks and reads: one document out, one document in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from allocation.queries.locks import lock_key
from allocation.queries.memory import seen
from allocation.rules.limits import StopSaid
from allocation.rules.tree import Node
from hub.catalogue.rules import SaleWindow
from hub.kernel.hot import Calls
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.sales.services.halls import Look
from hub.sales.services.wishes import HoldWish
from settlement.rules.credit import CreditLine

LOCK = "SELECT lock_holds(%s::json)::text"
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


class Locked(Struct, frozen=True):
    """What the database answers; lists are null where there is nothing."""

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

    def lines_of_credit(self) -> dict[UUID, CreditLine]:
        """Return the credit lines, locked."""
        return {row.contract_id: CreditLine(*astuple(row)) for row in self.credit or ()}


_DECODER = msgspec.json.Decoder(Locked)


def lock_all(
    calls: Calls, asked: list[HoldWish], look: Look, takes: dict[UUID, int]
) -> tuple[Locked, set[UUID]]:
    """Lock and read all that wishes touch; return it, and what is being changed."""
    performances = {found for wish in asked for found in wish.performance_ids}
    suppliers = {line.offer.supplier_id for wish in asked for line in wish.lines}
    shared = {str(lock_key(found)): found for found in performances | suppliers}
    wanted = {
        "share": list(shared),
        "keys": [
            {"w": key.world, "o": key.owner_id, "k": key.key}
            for key in (wish.claim.key for wish in asked)
        ],
        "performances": list(performances),
        "suppliers": list(suppliers),
        "nodes": list(seen.to_lock(takes, _paths(asked)) | _protecting(asked)),
        "since": [{"p": p, "at": at} for p, at in look.moments.items()],
        "among": [{"p": p, "s": seat} for p, seat in look.asked],
        "caps": _caps(asked),
        "credit": list({wish.credit_id for wish in asked}),
        "worlds": list({wish.world for wish in asked}),
    }
    found = _DECODER.decode(calls.begin(LOCK, msgspec.json.encode(wanted)))
    look.note(found.taken or (), found.among or ())
    return found, {shared[key] for key in found.busy or ()}


def _paths(wishes: Iterable[HoldWish]) -> dict[UUID, tuple[UUID, ...]]:
    """Return all that may have to be paid, by leaf: the whole way up."""
    return {line.leaf_id: line.basket.above for w in wishes for line in w.lines}


def _protecting(wishes: Iterable[HoldWish]) -> set[UUID]:
    """Return the areas that keep seats from a line: they are counted for it."""
    return {
        line.offer.performance_area_id
        for wish in wishes
        for line in wish.lines
        if line.basket.protected
    }


def _caps(wishes: Iterable[HoldWish]) -> list[dict[str, Any]]:
    found = {
        limit.id: (wish.world, limit)
        for wish in wishes
        for line in wish.lines
        for limit in line.limits
    }
    return [
        {
            "id": limit.id,
            "world": world,
            "kind": limit.kind,
            "subject": limit.subject,
            "performance_id": limit.performance_id,
        }
        for world, limit in found.values()
    ]
