"""Explain: why an agent may take so many of a performance, in words and numbers.

For any moment: trees, stops and caps are read as they were, from history and facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from allocation.queries.history import StandingAt, tree_at
from allocation.queries.past import counts_at, standings_at, stops_at
from allocation.queries.recalls import waiting
from allocation.queries.trees import Standing
from allocation.rules.tree import available, binding, walk
from hub.kernel.callers import Caller, Kind
from hub.kernel.errors import HubError
from hub.sales.services.availability import (
    Scene,
    free_of,
    limits_of,
    most_of,
    protection_of,
    refusal_of,
    scene,
)
from hub.sales.services.own_limits import counted_limits, limits_of_now
from hub.sales.services.wording import name_of, step, whole

HOLDS_KEPT = timedelta(days=35)
NOT_KEPT = "what was held then is not kept any more: only what was sold is counted"
AS_OF_NOW = (
    "status and dates of the performance and what releases bounded are as of now;"
    " terms, credit and what is held at once are not told for a moment that is past"
)


@dataclass(frozen=True, slots=True)
class _Looking:
    """What an explanation is made from, and for whom: what they may know."""

    session: Session
    found: Scene
    tree: Mapping[UUID, StandingAt]
    kind: Kind
    is_past: bool
    recalled: Mapping[str, Sequence[str]]


def explain(
    session: Session,
    who: Caller,
    *,
    agent_id: UUID,
    performance_id: UUID,
    at: datetime | None,
) -> dict[str, Any]:
    """Tell, area by area, the walk from an agent's allotment up, and what binds.

    Agents see of others only sums; suppliers and operators see who holds what.
    """
    is_strict = who.kind is Kind.AGENT
    found = scene(session, who.world, agent_id, performance_id, is_strict=is_strict)
    moment = found.now if at is None else min(at, found.now)
    tree = tree_at(session, performance_id, moment)
    found_now, is_past = found.now, moment < found.now
    if is_past:
        found = _as_it_was(session, found, tree, moment)
    recalled = {} if is_past else _recalled(session, performance_id, agent_id)
    looking = _Looking(session, found, tree, who.kind, is_past, recalled)
    areas: dict[UUID, list[Row[Any]]] = {}
    for offer in found.offers:
        areas.setdefault(offer.performance_area_id, []).append(offer)
    return {
        "performance_id": str(performance_id),
        "agent": found.agent.ref,
        "at": moment.isoformat(),
        "notes": _notes(moment, found_now),
        "areas": [_area(looking, offers) for offers in areas.values()],
    }


def _recalled(
    session: Session, performance_id: UUID, agent_id: UUID
) -> dict[str, list[str]]:
    """Say by area what will be taken back from an agent, and when."""
    told: dict[str, list[str]] = {}
    for recall in waiting(session, performance_id, agent_id):
        when = recall.effective_at.isoformat()
        force = ", what is held too" if recall.is_forced else ""
        said = f"{recall.seats} are recalled from {when} on{force}: {recall.reason}"
        told.setdefault(recall.area, []).append(said)
    return told


def _notes(moment: datetime, now: datetime) -> list[str]:
    notes = [AS_OF_NOW] if moment < now else []
    return [*notes, NOT_KEPT] if moment < now - HOLDS_KEPT else notes


def _as_it_was(
    session: Session, found: Scene, tree: Mapping[UUID, StandingAt], at: datetime
) -> Scene:
    """Return the scene of a moment; what is counted only while it is held is not."""
    performance_id = found.window.performance_id
    stood = standings_at(session, performance_id, found.agent, at, tree)
    limits = {
        offer_id: [limit for limit in each if not limit.is_held]
        for offer_id, each in limits_of(stood, found.offers, found.agent).items()
    }
    ids = {limit.id for each in limits.values() for limit in each}
    return replace(
        found,
        now=at,
        standings=stood,
        stops=stops_at(session, {offer.supplier_id for offer in found.offers}, at),
        limits=limits,
        counts=counts_at(session, performance_id, ids, at),
        blocks=_own_blocks(tree, found.agent.id),
    )


def _own_blocks(tree: Mapping[UUID, StandingAt], agent_id: UUID) -> dict[UUID, int]:
    """Return the seats an agent had left in blocks of its own, by performance area."""
    left: dict[UUID, int] = {}
    for standing in tree.values():
        area_id = standing.performance_area_id
        if standing.level == "block" and standing.agent_id == agent_id and area_id:
            free = standing.node.guarantee - standing.node.taken
            left[area_id] = left.get(area_id, 0) + free
    return left


def _area(looking: _Looking, offers: Sequence[Row[Any]]) -> dict[str, Any]:
    found, first = looking.found, offers[0]
    standing = found.standings.get(first.performance_area_id)
    if standing is None:
        said = f"{found.agent.ref} is not allotted anything in {first.area}"
        told: dict[str, Any] = {"available": 0, "sentences": [said], "walk": []}
    else:
        told = _walked(looking, standing)
        _add_beside(looking, told, offers)
    if looking.kind is not Kind.AGENT:
        told["held_by"] = _held_by(first.performance_area_id, looking.tree)
    return {"area": first.area, **told}


def _walked(looking: _Looking, standing: Standing) -> dict[str, Any]:
    """Tell the walk in an area from the agent's leaf up."""
    agent, tree = looking.found.agent, looking.tree
    nodes, leaf = standing.nodes, standing.leaf
    free, binds = available(nodes, leaf), binding(nodes, leaf)
    above = walk(nodes, leaf)
    names = {n.id: name_of(n, tree.get(n.id), agent.ref) for n in above}
    steps = [
        step(
            node,
            tree.get(node.id),
            names[node.id],
            is_bound=node.id == binds,
            is_own=node.id in tree and tree[node.id].agent_id == agent.id,
        )
        for node in above
    ]
    who = None if binds is None else names[binds]
    sentences = [whole(agent.ref, standing.area, free, who)]
    blocked = looking.found.blocks.get(standing.performance_area_id, 0)
    if blocked and free is not None:
        free += blocked
        sentences.append(f"and {blocked} in blocks that are its own")
    return {"available": free, "sentences": sentences, "walk": steps}


def _add_beside(
    looking: _Looking, told: dict[str, Any], offers: Sequence[Row[Any]]
) -> None:
    """Add what limits beside the tree: status, windows, stops, caps, protection."""
    found = looking.found
    refusals = [refusal_of(found, offer) for offer in offers]
    _bound_beside(looking, told, offers, refusals)
    sentences = []
    for offer, refusal in zip(offers, refusals, strict=True):
        if refusal is not None:
            sentences.append(f"{offer.price_type}: {refusal}")
        standing = found.standings[offer.performance_area_id]
        kept = protection_of(standing, offer)
        if kept:
            said = f"{offer.price_type}: {kept} seats are kept for dearer classes"
            sentences.append(said)
    told["limits"] = counted_limits(found, offers)
    if not looking.is_past:
        may_know = looking.kind is not Kind.SUPPLIER
        told["limits"] += limits_of_now(
            looking.session, found, offers, is_credit_told=may_know
        )
        if not any(offer.offer_id in found.quotes for offer in offers):
            told["available"] = 0
            sentences.append(f"{found.agent.ref} has no terms for it: nothing is sold")
    sentences += [
        f"{limit['cap']}: nothing is left of {limit['of']}"
        for limit in told["limits"]
        if not limit["left"]
    ]
    sentences += looking.recalled.get(offers[0].area, [])
    told["sentences"] += dict.fromkeys(sentences)


def _bound_beside(
    looking: _Looking,
    told: dict[str, Any],
    offers: Sequence[Row[Any]],
    refusals: Sequence[HubError | None],
) -> None:
    """Say where caps or protection leave less than the tree does, of every offer."""
    if all(refusals):
        told["available"] = 0
        return
    sold = looking.found.quotes
    most = most_of(
        [
            free_of(looking.found, offer)
            for offer, refusal in zip(offers, refusals, strict=True)
            if not refusal and (looking.is_past or offer.offer_id in sold)
        ]
        or [0]
    )
    if most is None:
        return
    if told["available"] is None or most < told["available"]:
        told["available"] = most
        told["sentences"].append(
            f"but limits beside the allotment leave {most}, of whatever is left most of"
        )


def _held_by(area_id: UUID, tree: Mapping[UUID, StandingAt]) -> list[dict[str, Any]]:
    """Return who holds and has sold what of an area, and what is promised to whom."""
    return [
        {
            "allotment": standing.key,
            "agent": standing.agent,
            "guarantee": standing.node.guarantee,
            "ceiling": standing.node.ceiling,
            "held": standing.held,
            "sold": standing.sold,
        }
        for standing in tree.values()
        if standing.performance_area_id == area_id and standing.level != "area"
    ]
