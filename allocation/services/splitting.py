"""One performance's tree, fitted to its plan: what is to be written of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from allocation.models import Node, Tree
from allocation.queries.plans import Ground
from allocation.rules.plans.fitting import Allotted, Fitted, fit
from allocation.rules.plans.keys import label
from allocation.rules.plans.sharing import Share
from allocation.rules.plans.stages import Bound
from allocation.services.remains import Place, Remains, own_counts
from hub.kernel.ids import new_id

Agents = Mapping[str, tuple[UUID, str | None]]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why nodes change: a word for it, a sentence, and who made it (a credential)."""

    word: str
    reason: str
    made_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A tree as it is to be written."""

    ground: Ground
    tree: Tree
    before: Mapping[str, Node]
    places: Mapping[str, Place]
    fitted: Mapping[str, Fitted]
    unmade: Mapping[str, int]
    ids: Mapping[str, UUID]
    plan_id: UUID | None
    publication: int
    bounds: Mapping[str, Bound]
    adjusted: Mapping[str, int]
    next_stage_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A tree fitted to shares: where its rows stand, all numbers, what is no row."""

    places: Mapping[str, Place]
    fitted: Mapping[str, Fitted]
    unmade: Mapping[str, int]


def shape(before: Mapping[str, Node], shares: Sequence[Share], agents: Agents) -> Shape:
    """Fit shares around the nodes that are there, by key; say which nodes are rows.

    Leaves that nobody has touched are none: their parents carry their sum.
    """
    places = {share.key: _place(share, agents) for share in shares}
    own = own_counts(before)
    wanted = [_wanted(share, own.get(share.key, 0)) for share in shares]
    promised = {share.key: share.guarantee for share in shares}
    for key, place, said in Remains(before, dict(places), promised):
        places[key] = place
        wanted.append(said)
    fitted = fit(wanted)
    leaves = {share.key for share in shares if share.is_leaf}
    rows = {k for k, f in fitted.items() if k not in leaves or k in before or f.is_cut}
    return Shape(
        {key: places[key] for key in fitted if key in rows},
        fitted,
        _unmade(places, fitted, leaves - rows),
    )


def is_untouched(before: Mapping[str, Node]) -> bool:
    """Say whether a tree has only its areas yet: all such trees take the same shape."""
    return all(
        node.level == "area" and not node.taken and not node.unmade and not node.path
        for node in before.values()
    )


def split(
    ground: Ground,
    tree: Tree,
    before: Mapping[str, Node],
    found: Shape,
    **facts: Any,
) -> Split:
    """Give a shape to a performance's tree. *facts*: what else a ``Split`` says."""
    ids = {key: before[key].id if key in before else new_id() for key in found.places}
    for area, (area_id, _, _) in ground.areas.items():
        ids[label("area", area)] = area_id
    return Split(
        ground=ground,
        tree=tree,
        before=before,
        places=found.places,
        fitted=found.fitted,
        unmade=found.unmade,
        ids=ids,
        **facts,
    )


def _unmade(
    places: Mapping[str, Place], fitted: Mapping[str, Fitted], leaves: Iterable[str]
) -> dict[str, int]:
    """Return what payers carry of leaves that are no rows."""
    found: dict[str, int] = {}
    for key in leaves:
        for payer in (places[key].parent, places[key].pool):
            if payer is not None:
                found[payer] = found.get(payer, 0) + fitted[key].guarantee
    return found


def _place(share: Share, agents: Agents) -> Place:
    """Return where a share stands; an agent that left its channel has no node."""
    agent_id, channel = agents.get(share.agent or "", (None, None))
    is_there = share.channel in {None, channel}
    return Place(
        *(share.level, share.parent, share.pool, share.priority),
        *(share.area, share.channel, agent_id if is_there else None),
    )


def _wanted(share: Share, own: int) -> Allotted:
    return Allotted(
        *(share.key, share.parent, share.guarantee, share.ceiling, share.priority),
        own=own,
        pool=share.pool,
    )


def row_of(found: Split, key: str) -> dict[str, Any]:
    """Return a node as a row."""
    place, fitted = found.places[key], found.fitted[key]
    path, above = [], place.parent
    while above is not None:
        path.append(found.ids[above])
        above = found.places[above].parent
    over = 0 if fitted.ceiling is None else max(0, fitted.taken - fitted.ceiling)
    area = found.ground.areas.get(place.area or "")
    capacity = area[1] if place.level == "area" and area else None
    before = found.before.get(key)
    return {
        "id": found.ids[key],
        "w": found.ground.world,
        "p": found.ground.id,
        "pa": area[0] if area else before and before.performance_area_id,
        "key": key,
        "level": place.level,
        "path": path,
        "pool": found.ids[place.pool] if place.pool else None,
        "ch": place.channel,
        "agent": place.agent_id,
        "g": fitted.guarantee,
        "c": fitted.ceiling,
        "t": fitted.taken,
        "u": found.unmade.get(key, 0),
        "ob": 0 if capacity is None else (fitted.ceiling or 0) - capacity,
        "o": over,
        "pr": place.priority,
        "cut": fitted.is_cut,
    }
