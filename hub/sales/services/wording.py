"""The words of an explanation: what a node is promised, has taken, and who binds."""

from typing import Any

from allocation.queries.history import StandingAt
from allocation.rules.tree import Node

LEAVES = {"agent", "part", "sub-agent"}


def name_of(node: Node, standing: StandingAt | None, agent: str) -> str:
    """Return how a node is called; without a row it is a leaf of the agent's own."""
    if standing is None:
        return agent
    last = standing.key.rpartition("/")[2]
    level, _, name = last.partition(":")
    return "the house" if level == "house" else f"{node.level} {name}"


def step(
    node: Node, standing: StandingAt | None, name: str, *, is_bound: bool, is_own: bool
) -> dict[str, Any]:
    """Tell a node of the walk in numbers (seats) and words."""
    told = {
        "node_id": None if standing is None else str(node.id),
        "level": node.level,
        "holder": name,
        "guarantee": node.guarantee,
        "ceiling": node.ceiling,
        "taken": node.taken,
        "overcommitted": node.overcommitted,
        "binds": is_bound,
        "sentence": _sentence(node, name, is_bound=is_bound),
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


def whole(agent: str, area: str, free: int | None, binds: str | None) -> str:
    """Say how many an agent may take in an area, and who refuses one more."""
    if free is None:
        return f"{agent} may take any number in {area}: nothing bounds it"
    return f"{agent} may take {free} in {area}: {binds or 'nobody'} refuses one more"
