"""What this process last saw of nodes: which of them a batch will have to lock.

Only a guess, and never what is decided by: a batch that has locked too few of them
learns, and is carried out again.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from uuid import UUID

from allocation.rules.tree import Node, reached

KEPT_MAX = 100_000


class NodesSeen:
    """Nodes by id, as they were when this process last locked them."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[UUID, Node] = OrderedDict()
        self._lock = threading.Lock()

    def learn(self, nodes: Iterable[Node]) -> None:
        """Remember nodes as they are now."""
        with self._lock:
            for node in nodes:
                self._nodes[node.id] = node
            while len(self._nodes) > KEPT_MAX:
                self._nodes.popitem(last=False)

    def to_lock(
        self, takes: Mapping[UUID, int], paths: Mapping[UUID, Iterable[UUID]]
    ) -> set[UUID]:
        """Return the nodes that takes per leaf may touch.

        Of a leaf that is not known, all that lies above it (*paths*).
        """
        wanted = {leaf: (seats, 0) for leaf, seats in takes.items()}
        with self._lock:
            found = reached(self._nodes, wanted)
            unknown = {node for node in found if node not in self._nodes}
        for leaf, path in paths.items():
            above = set(path)
            if leaf in unknown or above & unknown:
                found |= above
        return found


seen = NodesSeen()
