"""What a batch of sales locks and reads: one document out, one document in."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from allocation.queries.locks import lock_key
from allocation.queries.memory import seen
from hub.kernel.hot import Calls
from hub.sales.services.halls import Look
from hub.sales.services.locked import Locked
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.wishes import REQUEST, HoldWish

LOCK = "SELECT lock_sales(%s::json)::text"
_DECODER = msgspec.json.Decoder(Locked)


def lock_all(
    calls: Calls,
    asked: Sequence[HoldWish],
    confirmed: Sequence[ConfirmWish],
    takes: dict[UUID, int],
) -> tuple[Locked, set[UUID]]:
    """Lock and read all that wishes touch; return it, and what is being changed."""
    performances = {found for wish in asked for found in wish.performance_ids}
    suppliers = {line.offer.supplier_id for wish in asked for line in wish.lines}
    shared = {str(lock_key(found)): found for found in performances | suppliers}
    look = Look(asked)
    wishes: list[HoldWish | ConfirmWish] = [*asked, *confirmed]
    wanted = {
        "share": list(shared),
        **_confirmed(confirmed),
        "grant": [wish.hold_id for wish in asked if wish.kind == REQUEST],
        "keys": [
            {"w": key.world, "o": key.owner_id, "k": key.key}
            for key in {wish.claim.key for wish in wishes}
        ],
        "performances": list(performances),
        "suppliers": list(suppliers),
        "nodes": list(seen.to_lock(takes, _paths(asked)) | _protecting(asked)),
        "since": [{"p": p, "at": at} for p, at in look.moments.items()],
        "among": [{"p": p, "s": seat} for p, seat in look.asked],
        "caps": _caps(asked),
        "credit": list({wish.credit_id for wish in asked}),
        "worlds": list({wish.world for wish in wishes}),
    }
    found = _DECODER.decode(calls.begin(LOCK, msgspec.json.encode(wanted)))
    if found.busy:
        look.put_back()
    else:
        look.note(found.taken or (), found.among or ())
    return found, {shared[key] for key in found.busy or ()}


def _confirmed(wishes: Sequence[ConfirmWish]) -> dict[str, list[Any]]:
    """Return what is asked for confirms: holds, references, whose tickets they are."""
    return {
        "confirm": list({wish.hold_id for wish in wishes}),
        "references": [{"a": w.agent_id, "r": w.reference} for w in wishes],
        "people": [
            {"h": wish.hold_id, "t": person.id_type, "n": person.id_number}
            for wish in wishes
            for person in wish.holders
        ],
    }


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
