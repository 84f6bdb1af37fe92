"""Fitting a plan around what is taken already. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allotted:
    """One node as it is wanted: promises (seats), and who pays for it.

    *own*: seats taken at the node itself, not through its children. *is_kept*: a
    block of seats, which is never cut.
    """

    key: str
    parent: str | None
    guarantee: int
    ceiling: int | None
    priority: int
    own: int = 0
    pool: str | None = None
    is_kept: bool = False


@dataclass(slots=True)
class _Node:
    said: Allotted
    guarantee: int
    taken: int = 0

    @property
    def charge(self) -> int:
        return max(self.guarantee, self.taken)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A node as it is to be written (seats)."""

    key: str
    guarantee: int
    ceiling: int | None
    taken: int
    is_cut: bool

    @property
    def charge(self) -> int:
        """What it costs its parent."""
        return max(self.guarantee, self.taken)


def fit(wanted: Sequence[Allotted]) -> dict[str, Fitted]:
    """Sum a tree up, and cut promises until every sum is what its node may hold.

    Parents come before their children. Shared seats go first, for they are promised
    to nobody; then unsold guarantees, lowest priority first, a holder's own before
    those it hands on. Held and sold are never touched, and neither are kept nodes
    (blocks of seats), so a sum may stay above its ceiling: that is over-commitment.
    """
    tree = _Tree(wanted)
    tree.sum_up()
    for key in reversed(tree.order):
        tree.relieve(key)
    return {
        key: Fitted(
            key,
            node.guarantee,
            node.said.ceiling,
            node.taken,
            is_cut=node.guarantee < node.said.guarantee,
        )
        for key, node in tree.nodes.items()
    }


class _Tree:
    def __init__(self, wanted: Iterable[Allotted]) -> None:
        self.nodes = {said.key: _Node(said, said.guarantee) for said in wanted}
        self.order = list(self.nodes)
        self._below: dict[str, list[str]] = {}
        for key, node in self.nodes.items():
            for above in (node.said.parent, node.said.pool):
                if above is not None:
                    self._below.setdefault(above, []).append(key)
        for below in self._below.values():
            below.sort(key=lambda key: -self.nodes[key].said.priority)

    def sum_up(self) -> None:
        for node in self.nodes.values():
            node.taken = node.said.own
        for key in reversed(self.order):
            self._pass_on(key, 0)

    def _pass_on(self, key: str, before: int) -> None:
        """Tell those who pay for a node what it costs now instead of *before*."""
        node = self.nodes[key]
        for above in (node.said.parent, node.said.pool):
            if above is not None:
                self.nodes[above].taken += node.charge - before

    def _changed(self, key: str, *, guarantee: int) -> int:
        """Lower a guarantee and let every sum above follow; return the seats freed."""
        node = self.nodes[key]
        before = node.charge
        node.guarantee = guarantee
        self._follow(key, before)
        return before - node.charge

    def _follow(self, key: str, before: int) -> None:
        node = self.nodes[key]
        if node.charge == before:
            return
        for above in (node.said.parent, node.said.pool):
            if above is not None:
                parent = self.nodes[above]
                was = parent.charge
                parent.taken += node.charge - before
                self._follow(above, was)

    def relieve(self, key: str) -> None:
        """Cut below a node until its sum is what it may hold, if that suffices."""
        if self._excess(key) > 0:
            self._cut(key, key)

    def _excess(self, over: str) -> int:
        node = self.nodes[over]
        ceiling = node.said.ceiling
        return 0 if ceiling is None else node.taken - ceiling

    def _cut(self, above: str, over: str) -> None:
        for key in self._below.get(above, ()):
            if self._excess(over) <= 0:
                return
            node = self.nodes[key]
            if node.said.is_kept:
                continue
            unsold = max(0, node.guarantee - node.taken)
            lower = node.guarantee - min(unsold, self._excess(over))
            self._changed(key, guarantee=lower)
            if self._excess(over) > 0:
                self._cut_within(key, over)

    def _cut_within(self, key: str, over: str) -> None:
        """Cut what a holder hands on; its own promise follows it down."""
        node = self.nodes[key]
        for inner in self._below.get(key, ()):
            excess = self._excess(over)
            if excess <= 0:
                return
            found = self.nodes[inner]
            if found.said.is_kept:
                continue
            unsold = max(0, found.guarantee - found.taken)
            self._changed(inner, guarantee=found.guarantee - min(unsold, excess))
            lower = max(node.taken, node.guarantee - excess)
            if lower < node.guarantee:
                self._changed(key, guarantee=lower)
            if self._excess(over) > 0:
                self._cut_within(inner, over)
                lower = max(node.taken, node.guarantee - self._excess(over))
                if lower < node.guarantee:
                    self._changed(key, guarantee=lower)
