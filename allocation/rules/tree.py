"""How seats are taken from the quota tree. Pure: no database, no clock, no network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any
from uuid import UUID

from allocation.errors import AllotmentExhaustedError, OvercommittedError


@dataclass(frozen=True, slots=True)
class Node:
    """One allotment: what it is promised, may never exceed, and has taken (seats).

    ``path`` names its ancestors, nearest first; a root's is empty. ``pool``: an area
    that pays for it beside its parent, where the tree is not ordered by area first.
    """

    id: UUID
    path: tuple[UUID, ...]
    guarantee: int
    ceiling: int | None
    taken: int
    overcommitted: int = 0
    level: str = ""
    pool: UUID | None = None

    @property
    def charge(self) -> int:
        """What this node costs those who pay for it."""
        return max(self.guarantee, self.taken)

    @property
    def free(self) -> int | None:
        """Seats below its own ceiling; None when it has none."""
        return None if self.ceiling is None else max(0, self.ceiling - self.taken)

    @property
    def payers(self) -> tuple[UUID, ...]:
        """The nodes that pay what it costs: its parent, and its area."""
        parent = self.path[:1]
        return parent if self.pool is None else (*parent, self.pool)

    def holding(self, taken: int) -> "Node":
        """Return the node with another count; what is over its ceiling is kept so."""
        over = 0 if self.ceiling is None else max(0, taken - self.ceiling)
        return replace(self, taken=taken, overcommitted=over)


Nodes = Mapping[UUID, Node]


def move(nodes: Nodes, leaf: UUID, seats: int, *, is_forced: bool = False) -> Nodes:
    """Take *seats* (negative: give back) at a leaf; return the nodes it changes.

    Raises AllotmentExhaustedError or OvercommittedError when taking, unless *forced*:
    what was sold outside is a fact. Giving back is never refused. Nodes that are not
    given are those that a change cannot reach.
    """
    changed: dict[UUID, Node] = {}
    waiting = [(leaf, seats)]
    while waiting:
        node_id, change = waiting.pop(0)
        node = changed.get(node_id) or nodes.get(node_id)
        if node is None or change == 0:
            continue
        if change > 0 and not is_forced:
            _refuse_overcommitted(node, nodes, leaf)
            _refuse_above_ceiling(node, change, nodes, leaf, seats)
        moved = node.holding(node.taken + change)
        changed[node_id] = moved
        passed = moved.charge - node.charge
        waiting += [(payer, passed) for payer in node.payers]
    return changed


def _refuse_overcommitted(node: Node, nodes: Nodes, leaf: UUID) -> None:
    if node.overcommitted:
        raise OvercommittedError(
            node_id=leaf,
            over_by=node.overcommitted,
            bound_by=node.level,
            walk=told_walk(nodes, leaf, binds=node.id),
        )


def _refuse_above_ceiling(
    node: Node, change: int, nodes: Nodes, leaf: UUID, seats: int
) -> None:
    if node.ceiling is not None and node.taken + change > node.ceiling:
        raise AllotmentExhaustedError(
            node_id=leaf,
            wanted=seats,
            free=available(nodes, leaf),
            bound_by=node.level,
            walk=told_walk(nodes, leaf, binds=node.id),
        )


def available(nodes: Nodes, leaf: UUID) -> int | None:
    """Return how many seats may be taken at a leaf now; None is without limit.

    Nodes that are not given do not bind.
    """
    node = nodes.get(leaf)
    if node is None:
        return None
    free: int | None = None
    for payer in node.payers:
        above = available(nodes, payer)
        if above is not None:
            free = above if free is None else min(free, above)
    if free is not None:
        free += max(0, node.guarantee - node.taken)
    if node.free is not None:
        free = node.free if free is None else min(free, node.free)
    return 0 if node.overcommitted else free


def walk(nodes: Nodes, leaf: UUID) -> list[Node]:
    """Return the nodes a take may pass, from the leaf upwards, areas before the top."""
    found: list[Node] = []
    waiting = [leaf]
    while waiting:
        node = nodes.get(waiting.pop(0))
        if node is not None and node not in found:
            found.append(node)
            waiting += node.payers
    return found


def told_walk(nodes: Nodes, leaf: UUID, *, binds: UUID | None) -> list[dict[str, Any]]:
    """Tell the walk from a leaf up in numbers (seats), and which node *binds*."""
    return [
        {
            "level": node.level,
            "guarantee": node.guarantee,
            "ceiling": node.ceiling,
            "taken": node.taken,
            "overcommitted": node.overcommitted,
            "binds": node.id == binds,
        }
        for node in walk(nodes, leaf)
    ]


def binding(nodes: Nodes, leaf: UUID) -> UUID | None:
    """Return the node that refuses one seat more than there are; None if none does."""
    free = available(nodes, leaf)
    waiting = [] if free is None else [(leaf, free + 1)]
    while waiting:
        node_id, change = waiting.pop(0)
        node = nodes.get(node_id)
        if node is None or change <= 0:
            continue
        if node.overcommitted or (node.free is not None and change > node.free):
            return node.id
        passed = max(node.guarantee, node.taken + change) - node.charge
        waiting += [(payer, passed) for payer in node.payers]
    return None


def reach(node: Node, *, taking: int, giving: int) -> tuple[int, int]:
    """Return the most (taken, given back) that these changes may pass on.

    Both zero means that nobody above need be locked: whatever is refused, and in
    whatever order these are decided, the walk stops here.
    """
    if node.taken + taking <= node.guarantee:
        return 0, 0
    if not giving:
        return node.taken + taking - node.charge, 0
    return taking, giving


def reached(nodes: Nodes, wanted: Mapping[UUID, tuple[int, int]]) -> set[UUID]:
    """Return the nodes that changes of (taking, giving) per leaf may reach.

    Some may not be given: what lies above those shows only once they are. Deepest
    first, so that all that is passed on to a node is known before it passes on itself.
    """
    passing: dict[UUID, tuple[int, int]] = {}
    queue: list[tuple[int, UUID]] = []

    def pass_to(node_id: UUID, taking: int, giving: int) -> None:
        if node_id not in passing and node_id in nodes:
            heappush(queue, (-len(nodes[node_id].path), node_id))
        before = passing.get(node_id, (0, 0))
        passing[node_id] = (before[0] + taking, before[1] + giving)

    for leaf, (taking, giving) in wanted.items():
        pass_to(leaf, taking, giving)
    while queue:
        _, node_id = heappop(queue)
        node = nodes[node_id]
        taking, giving = passing[node_id]
        taking, giving = reach(node, taking=taking, giving=giving)
        if taking or giving:
            for payer in node.payers:
                pass_to(payer, taking, giving)
    return set(passing)


def settle(nodes: Nodes, deltas: Mapping[UUID, int]) -> dict[UUID, Node]:
    """Apply changes per leaf, give-backs first; return every node as it is after them.

    All or nothing: a refusal leaves *nodes* as they were, for it is not changed.
    """
    after = dict(nodes)
    for leaf, seats in sorted(deltas.items(), key=lambda item: (item[1], item[0])):
        after |= move(after, leaf, seats)
    return after
