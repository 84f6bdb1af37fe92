"""Explain: why an agent may take so many of a performance, in words and numbers.

For any moment: trees are read as they were, from their history and the facts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from allocation.queries.history import StandingAt, tree_at
from allocation.rules.tree import Node, available, binding, walk
from hub.sales.services.availability import (
    Scene,
    caps_of,
    free_of,
    protection_of,
    refusal_of,
    scene,
)

LEAVES = {"agent", "part", "sub-agent"}


def explain(
    session: Session,
    *,
    world: str,
    agent_id: UUID,
    performance_id: UUID,
    at: datetime | None,
    is_insider: bool,
) -> dict[str, Any]:
    """Tell, area by area, the walk from an agent's allotment up, and what binds.

    Stops, windows and limits are those of now; for a moment that is past, the walk
    alone is told. *insider*: who may know what others hold.
    """
    found = scene(session, world, agent_id, performance_id, is_strict=not is_insider)
    moment = found.now if at is None else min(at, found.now)
    tree = tree_at(session, performance_id, moment)
    areas: dict[UUID, list[Row[Any]]] = {}
    for offer in found.offers:
        areas.setdefault(offer.performance_area_id, []).append(offer)
    return {
        "performance_id": str(performance_id),
        "agent": found.agent.ref,
        "at": moment.isoformat(),
        "areas": [
            _area(
                found, offers, tree, is_now=moment == found.now, is_insider=is_insider
            )
            for offers in areas.values()
        ],
    }


def _area(
    found: Scene,
    offers: Sequence[Row[Any]],
    tree: Mapping[UUID, StandingAt],
    *,
    is_now: bool,
    is_insider: bool,
) -> dict[str, Any]:
    first = offers[0]
    leaf = _leaf(found, first.performance_area_id, tree)
    nodes = {i: standing.node for i, standing in tree.items()}
    standing = found.standings.get(first.performance_area_id)
    if leaf is None and standing is not None:
        nodes = {**nodes, standing.leaf: standing.nodes[standing.leaf]}
        leaf = standing.leaf
    if leaf is None:
        said = f"{found.agent.ref} is not allotted anything in {first.area}"
        return {"area": first.area, "available": 0, "sentences": [said], "walk": []}
    free, binds = available(nodes, leaf), binding(nodes, leaf)
    who = None if binds is None else _name(nodes[binds], tree.get(binds), found)
    steps = [
        _step(node, tree.get(node.id), found, is_bound=node.id == binds)
        for node in walk(nodes, leaf)
    ]
    told: dict[str, Any] = {
        "area": first.area,
        "available": free,
        "sentences": [_whole(found.agent.ref, first.area, free, who)],
        "walk": steps,
    }
    blocked = _in_own_blocks(found, first.performance_area_id, tree)
    if blocked and free is not None:
        told["available"] += blocked
        told["sentences"].append(f"and {blocked} in blocks that are its own")
    if is_now:
        _add_now(told, found, offers)
    if is_insider:
        told["held_by"] = _held_by(first.performance_area_id, tree)
    return told


def _leaf(found: Scene, area_id: UUID, tree: Mapping[UUID, StandingAt]) -> UUID | None:
    for node_id, standing in tree.items():
        is_own = standing.agent_id == found.agent.id and standing.area_id == area_id
        if is_own and standing.node.level in LEAVES:
            return node_id
    return None


def _in_own_blocks(found: Scene, area_id: UUID, tree: Mapping[UUID, StandingAt]) -> int:
    """Return the seats an agent had left in blocks of its own."""
    return sum(
        standing.node.guarantee - standing.node.taken
        for standing in tree.values()
        if standing.node.level == "block"
        and (standing.agent_id, standing.area_id) == (found.agent.id, area_id)
    )


def _name(node: Node, standing: StandingAt | None, found: Scene) -> str:
    if standing is None:
        return found.agent.ref
    last = standing.key.rpartition("/")[2]
    level, _, name = last.partition(":")
    return "the house" if level == "house" else f"{node.level} {name}"


def _step(
    node: Node, standing: StandingAt | None, found: Scene, *, is_bound: bool
) -> dict[str, Any]:
    is_own = standing is None or standing.agent_id == found.agent.id
    told = {
        "node_id": str(node.id),
        "level": node.level,
        "holder": _name(node, standing, found),
        "guarantee": node.guarantee,
        "ceiling": node.ceiling,
        "taken": node.taken,
        "overcommitted": node.overcommitted,
        "binds": is_bound,
        "sentence": _sentence(node, _name(node, standing, found), is_bound=is_bound),
    }
    if is_own and standing is not None:
        told |= {"held": standing.held, "sold": standing.sold}
    return told


def _sentence(node: Node, name: str, *, is_bound: bool) -> str:
    parts = []
    if node.guarantee:
        left = max(0, node.guarantee - node.taken)
        parts.append(f"is promised {node.guarantee}, of which {left} are not taken up")
    else:
        parts.append("is promised nothing of its own")
    if node.level in LEAVES:
        parts.append(f"has taken {node.taken}")
    else:
        parts.append(f"carries {node.taken} (promises kept for others included)")
    if node.ceiling is None:
        parts.append("has no ceiling")
    else:
        parts.append(f"may hold {node.ceiling}, so {node.free} are left below that")
    if node.overcommitted:
        parts.append(f"holds {node.overcommitted} more than it may: nothing is sold")
    if is_bound:
        parts.append("and this is what binds")
    return f"{name} {'; '.join(parts)}"


def _whole(agent: str, area: str, free: int | None, binds: str | None) -> str:
    if free is None:
        return f"{agent} may take any number in {area}: nothing bounds it"
    return f"{agent} may take {free} in {area}: {binds or 'nobody'} refuses one more"


def _add_now(told: dict[str, Any], found: Scene, offers: Sequence[Row[Any]]) -> None:
    """Add what limits beside the tree: status, windows, stops, caps, protection."""
    limits, sentences = [], []
    for offer in offers:
        refusal = refusal_of(found, offer)
        if refusal is not None:
            facts = ", ".join(f"{n} {v}" for n, v in refusal.facts.items())
            said = f"{offer.price_type}: {refusal.title}" + (
                f" ({facts})" if facts else ""
            )
            sentences.append(said)
        standing = found.standings.get(offer.performance_area_id)
        if standing is None:
            continue
        for limit in caps_of(standing, offer, found.agent):
            taken = found.counts.get(limit.id, 0)
            limits.append(
                {
                    "cap": limit.kind,
                    "of": limit.subject,
                    "price_type": offer.price_type,
                    "most": limit.most,
                    "taken": taken,
                    "left": max(0, limit.most - taken),
                }
            )
        kept = protection_of(standing, offer)
        if kept:
            said = f"{offer.price_type}: {kept} seats are kept for dearer classes"
            sentences.append(said)
    if all(refusal_of(found, offer) for offer in offers):
        told["available"] = 0
    else:
        _bound_beside(told, [free_of(found, offer) for offer in offers])
    told["limits"] = limits
    told["sentences"] += dict.fromkeys(sentences)
    if offers[0].offer_id not in found.quotes:
        told["sentences"].append(
            f"{found.agent.ref} has no terms for it: nothing is sold"
        )


def _bound_beside(told: dict[str, Any], free: Sequence[int | None]) -> None:
    """Say where caps or protection leave less than the tree does, of every offer."""
    bounded = [seats for seats in free if seats is not None]
    if len(bounded) < len(free):
        return
    most = max(bounded)
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
        if standing.area_id == area_id and standing.node.level != "area"
    ]
