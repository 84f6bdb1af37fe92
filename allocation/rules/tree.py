"""How seats are taken from the quota tree. Pure: no database, no clock, no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from allocation.errors import AllotmentExhaustedError, OvercommittedError

LEVELS = {0: "area", 1: "channel", 2: "agent"}


@dataclass(frozen=True, slots=True)
class Node:
    """One allotment: what it is promised, may never exceed, and has taken (seats).

    ``path`` names its ancestors, nearest first; the root's is empty.
    """

    id: UUID
    path: tuple[UUID, ...]
    guarantee: int
    ceiling: int | None
    taken: int
    overcommitted: int = 0

    @property
    def charge(self) -> int:
        """What this node costs its parent."""
        return max(self.guarantee, self.taken)

    @property
    def free(self) -> int | None:
        """Seats below its own ceiling; None when it has none."""
        return None if self.ceiling is None else max(0, self.ceiling - self.taken)

    @property
    def level(self) -> str:
        """The word for its place in the tree."""
        return LEVELS.get(len(self.path), "sub-agent")


def holding(node: Node, taken: int) -> Node:
    """Return the node with another count; what is over its ceiling is kept as such."""
    over = 0 if node.ceiling is None else max(0, taken - node.ceiling)
    return replace(node, taken=taken, overcommitted=over)


def move(path: Sequence[Node], seats: int) -> list[Node]:
    """Take *seats* (negative: give back) along *path*, leaf first; return the changed.

    Raises AllotmentExhaustedError or OvercommittedError when taking; giving back is
    never refused.
    """
    changed: list[Node] = []
    change = seats
    for node in path:
        if change == 0:
            break
        if change > 0:
            _refuse_overcommitted(node)
            _refuse_above_ceiling(node, change, path, seats)
        moved = holding(node, node.taken + change)
        changed.append(moved)
        change = moved.charge - node.charge
    return changed


def _refuse_overcommitted(node: Node) -> None:
    if node.overcommitted:
        raise OvercommittedError(over_by=node.overcommitted, bound_by=node.level)


def _refuse_above_ceiling(
    node: Node, change: int, path: Sequence[Node], seats: int
) -> None:
    if node.ceiling is not None and node.taken + change > node.ceiling:
        raise AllotmentExhaustedError(
            wanted=seats, free=available(path), bound_by=node.level
        )


def available(path: Sequence[Node]) -> int | None:
    """Return how many seats the leaf of *path* may take now; None is without limit.

    The path may stop below the root, where nothing above can bind.
    """
    free: int | None = None
    for node in reversed(path):
        if free is not None:
            free += max(0, node.guarantee - node.taken)
        if node.free is not None:
            free = node.free if free is None else min(free, node.free)
        if node.overcommitted:
            free = 0
    return free


def explain(path: Sequence[Node]) -> list[dict[str, object]]:
    """Tell the walk from leaf to root: each node, its numbers, and which one binds."""
    free = available(path)
    binding = None if free is None else _binding(path, free + 1)
    return [
        {
            "level": node.level,
            "guarantee": node.guarantee,
            "ceiling": node.ceiling,
            "taken": node.taken,
            "overcommitted": node.overcommitted,
            "binds": node.id == binding,
        }
        for node in path
    ]


def _binding(path: Sequence[Node], wanted: int) -> UUID | None:
    change = wanted
    for node in path:
        if change <= 0:
            return None
        if node.overcommitted or (node.free is not None and change > node.free):
            return node.id
        change = max(node.guarantee, node.taken + change) - node.charge
    return None


def reach(node: Node, *, taking: int, giving: int) -> tuple[int, int]:
    """Return the most (taken, given back) that these changes may pass to the parent.

    Both zero means that the parent need not be locked: whatever is refused, and in
    whatever order these are decided, the walk stops here.
    """
    if node.taken + taking <= node.guarantee:
        return 0, 0
    if not giving:
        return node.taken + taking - node.charge, 0
    return taking, giving


def settle(nodes: Mapping[UUID, Node], deltas: Mapping[UUID, int]) -> dict[UUID, Node]:
    """Apply changes per leaf, give-backs first; return every node as it is after them.

    All or nothing: a refusal leaves *nodes* as they were, for it is not changed.
    """
    after = dict(nodes)
    for leaf_id, seats in sorted(deltas.items(), key=lambda item: (item[1], item[0])):
        leaf = after[leaf_id]
        path = [leaf, *(after[up] for up in leaf.path if up in after)]
        for moved in move(path, seats):
            after[moved.id] = moved
    return after
