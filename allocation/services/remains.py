"""What a plan does not name: leaves of before, blocks, and what agents handed on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from allocation.models import Node
from allocation.queries.trees import BLOCK, SUB_AGENT
from allocation.rules.plans.fitting import Allotted
from allocation.rules.plans.keys import HOUSE, Heirs, is_leaf, steps


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: what it is, whose, and who pays for it."""

    level: str
    parent: str | None
    pool: str | None
    priority: int
    area: str | None = None
    channel: str | None = None
    agent_id: UUID | None = None


def inherited(before: Mapping[str, Node], keys: Sequence[str]) -> dict[str, Node]:
    """Return nodes by the keys they are to have: leaves that moved are still theirs.

    A leaf the plan does not name at its key becomes what the plan gives its holder in
    that area elsewhere, with all it has taken, its blocks and its sub-agents.
    """
    named = set(keys)
    gone = [key for key in before if is_leaf(key) and key not in named]
    if not gone:
        return dict(before)
    heirs = Heirs([key for key in keys if is_leaf(key) and key not in before])
    moved: dict[str, str] = {}
    for key in gone:
        now = heirs.of(key)
        if now is not None and now not in moved.values():
            moved[key] = now
    return {_renamed(key, moved): node for key, node in before.items()}


def _renamed(key: str, moved: Mapping[str, str]) -> str:
    above = key
    while above:
        if above in moved:
            return moved[above] + key[len(above) :]
        above = above.rpartition("/")[0]
    return key


class Remains:
    """Goes through the nodes a plan does not name, parents before children."""

    def __init__(
        self,
        before: Mapping[str, Node],
        places: Mapping[str, Place],
        promised: Mapping[str, int],
    ) -> None:
        self._before = before
        self._keys = {node.id: key for key, node in before.items()}
        self._places = dict(places)
        self._named = places.keys()
        self._promised = promised
        self._own = own_counts(before)
        self._handed = self._handed_on()

    def __iter__(self) -> Iterator[tuple[str, Place, Allotted]]:
        gone = [key for key in self._before if key not in self._places]
        for key in sorted(gone, key=lambda key: len(self._before[key].path)):
            place, said = self._one(key, self._before[key])
            self._places[key] = place
            yield key, place, said

    def _one(self, key: str, node: Node) -> tuple[Place, Allotted]:
        """Return a node as it goes on.

        Blocks of seats stay; what an agent has split stays within what it still has;
        all others keep what they took, promise nothing, and belong to nobody.
        """
        parent, pool = self._payers(key, node)
        above = None if parent is None else self._places[parent]
        has_holder = above is not None and above.agent_id is not None
        is_alive = node.level == BLOCK or (node.level == SUB_AGENT and has_holder)
        area = key.partition("/")[0] if node.level == "area" else None
        place = Place(
            *(node.level, parent, pool, node.priority, area, node.channel),
            node.agent_id if is_alive else None,
        )
        guarantee, ceiling = self._handed.get(key, node.guarantee), node.ceiling
        if not is_alive:
            guarantee, ceiling = 0, 0 if node.level == "area" else None
        return place, Allotted(
            *(key, parent, guarantee, ceiling, node.priority),
            own=self._own[key],
            pool=pool,
            is_kept=node.level == BLOCK,
        )

    def _payers(self, key: str, node: Node) -> tuple[str | None, str | None]:
        """Return who pays for a node: as before, or the top of the tree."""
        parent = self._keys[node.path[0]] if node.path else None
        pool = self._keys.get(node.pool_id) if node.pool_id else None
        if parent in self._named or node.level in {BLOCK, SUB_AGENT}:
            return parent, pool
        if not is_leaf(key):
            return None, None  # whatever is taken there lies deeper
        area = steps(key)["area"]
        house = self._places.get(HOUSE)
        is_pool = area in self._places and self._places[area].parent is None
        return (HOUSE, area) if house is not None and is_pool else (area, None)

    def _handed_on(self) -> dict[str, int]:
        """Return what sub-agents are still promised, by key.

        Together no more than their agent is, beyond what was taken of it; who comes
        first in the agent's own order keeps most.
        """
        found: dict[str, int] = {}
        for leaf, below in self._families().items():
            taken = sum(node.taken for _, node in below)
            left = self._promised[leaf] - self._own[leaf] - self._blocked(leaf) - taken
            for key, node in sorted(below, key=lambda found: found[1].priority):
                unsold = min(max(0, node.guarantee - node.taken), max(0, left))
                found[key] = min(node.guarantee, node.taken + unsold)
                left -= unsold
        return found

    def _families(self) -> dict[str, list[tuple[str, Node]]]:
        """Return the sub-agents' nodes by the key of their agent's allotment."""
        found: dict[str, list[tuple[str, Node]]] = {}
        for key, node in self._before.items():
            if node.level == SUB_AGENT:
                leaf = self._keys[node.path[0]]
                if leaf in self._promised:
                    found.setdefault(leaf, []).append((key, node))
        return found

    def _blocked(self, leaf: str) -> int:
        return sum(
            max(node.guarantee, node.taken)
            for node in self._before.values()
            if node.level == BLOCK and self._keys[node.path[0]] == leaf
        )


def own_counts(nodes: Mapping[str, Node]) -> dict[str, int]:
    """Return the seats taken at each node itself, not through what it pays for."""
    keys = {node.id: key for key, node in nodes.items()}
    own = {key: node.taken - node.unmade for key, node in nodes.items()}
    for node in nodes.values():
        charge = max(node.guarantee, node.taken)
        for payer in (*node.path[:1], node.pool_id):
            if payer is not None:
                own[keys[payer]] -= charge
    return own
