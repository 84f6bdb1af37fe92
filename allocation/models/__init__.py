"""Tables of allocation: plans, trees, what limits and stops a sale, what happened."""

from allocation.models.limits import CapCount, Recall, Stop
from allocation.models.plans import Plan, PlanPublication, PlanSchedule
from allocation.models.trees import Block, BlockSeat, Node, NodeChange, SeatTaken, Tree

__all__ = [
    "Block",
    "BlockSeat",
    "CapCount",
    "Node",
    "NodeChange",
    "Plan",
    "PlanPublication",
    "PlanSchedule",
    "Recall",
    "SeatTaken",
    "Stop",
    "Tree",
]
