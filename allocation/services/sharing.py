"""Sharing capacity out by the plans in force, around what is taken already."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import add
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.models import Tree
from allocation.queries.locks import stop_performances
from allocation.queries.plans import (
    Ground,
    PlanInForce,
    grounds,
    plan_for,
    plans_in_force,
    publication,
    shares_of,
)
from allocation.queries.trees import confirmed_seats, lock_all_nodes, lock_trees_of
from allocation.rules.plans.keys import Heirs
from allocation.rules.plans.language import PlanRules
from allocation.rules.plans.sharing import Share
from allocation.rules.plans.stages import (
    Bound,
    Timing,
    bounded,
    fired,
    next_due,
    summed_up,
)
from allocation.services import tree as trees
from allocation.services.caps import add_taken, note_taken
from allocation.services.remains import inherited
from allocation.services.splitting import (
    Cause,
    Shape,
    Split,
    is_untouched,
    shape,
    split,
)
from allocation.services.writing import write_splits
from hub.kernel import clock
from partners.queries import agents_by_ref

CHUNK = 500
_UNSPLIT = text(
    "SELECT performance_id FROM tree WHERE supplier_id = :supplier"
    " AND publication < :publication ORDER BY publication, performance_id LIMIT :most"
)
_AGAIN = text(
    "WITH found AS (SELECT t.performance_id FROM tree t JOIN performance p"
    " ON p.id = t.performance_id WHERE p.auditorium_id = :auditorium"
    " ORDER BY 1 FOR NO KEY UPDATE OF t) UPDATE tree SET publication = 0"
    " FROM found WHERE tree.performance_id = found.performance_id"
)
_PUBLISHED = Cause("plan", "the plan in force was published")
_CHANGED = Cause("capacity", "the supplier changed the performance")
_MENDED = Cause("mended", "there is room again for what was cut")


def share_out_supplier(session: Session, supplier_id: UUID) -> int:
    """Bring some trees of a supplier up to its plans; return how many, 0 when done."""
    newest = publication(session, supplier_id)
    where = {"supplier": supplier_id, "publication": newest, "most": CHUNK}
    found = list(session.scalars(_UNSPLIT, where))
    share_out(session, supplier_id, found, _PUBLISHED)
    return len(found)


def share_out_again(session: Session, auditorium_id: UUID) -> None:
    """Have the trees of an auditorium split anew: its areas are of another kind."""
    session.execute(_AGAIN, {"auditorium": auditorium_id})


def change_performances(
    session: Session, supplier_id: UUID, performance_ids: Collection[UUID]
) -> None:
    """Fit trees to what the supplier has changed of performances it has stopped.

    A capacity that is cut takes shared seats first, then unsold guarantees; what is
    sold above it is stored as over-committed. A performance that moved has other
    stages to come; those that were due stay so.
    """
    share_out_stopped(session, supplier_id, performance_ids, _CHANGED)


def share_out(
    session: Session,
    supplier_id: UUID,
    performance_ids: Collection[UUID],
    cause: Cause,
) -> None:
    """Apply the plans in force to performances: compute, stop, lock, fit, write.

    Shares are a function of plan and capacity alone; what is taken stays taken.
    """
    if not performance_ids:
        return
    found = grounds(session, performance_ids)
    sharing = Sharing(session, supplier_id)
    for ground in found.values():
        sharing.shares(ground)  # the long part, before anybody is stopped
    stop_performances(session, found)
    share_out_stopped(session, supplier_id, found, cause)


def share_out_stopped(
    session: Session, supplier_id: UUID, ids: Collection[UUID], cause: Cause
) -> None:
    """Do the same for performances that the caller has stopped."""
    found = grounds(session, ids)
    sharing = Sharing(session, supplier_id)  # as it is now that they are stopped
    if not found:
        return
    world = next(iter(found.values())).world
    rows, now = lock_trees_of(session, ids), clock.now(session, world)
    counted = note_taken(session, sharing.new_plans(rows, found), found, now)
    nodes = lock_all_nodes(session, ids)
    unsold = [i for i, tree in rows.items() if _counts_confirmed(tree, sharing, found)]
    confirmed = confirmed_seats(session, unsold) if unsold else {}
    splits = [
        sharing.split(ground, rows[i], nodes[i], confirmed.get(i, {}), now)
        for i, ground in found.items()
        if i in rows
    ]
    write_splits(session, splits, cause, now)
    add_taken(session, world, counted)


def _counts_confirmed(
    tree: Tree, sharing: "Sharing", found: Mapping[UUID, Ground]
) -> bool:
    """Say whether what is confirmed matters: a stage keeps seats beyond it."""
    shares = sharing.shares(found[tree.performance_id])
    return any(
        stage.keep_unsold is not None
        for share in shares
        for rule in share.rules[-1:]
        for stage in rule.release
    )


class Sharing:
    """The plans of a supplier as they are now, and what they make of capacities."""

    def __init__(self, session: Session, supplier_id: UUID) -> None:
        self._session = session
        self._publication = publication(session, supplier_id)
        self._plans = plans_in_force(session, supplier_id)
        self._agents: dict[str, tuple[UUID, str | None]] | None = None
        self._staged: dict[Any, list[Share]] = {}
        self._shapes: dict[Any, Shape] = {}

    def instead(self, candidate: PlanInForce) -> "Sharing":
        """Take a plan for the one in force for its scope: what would be."""
        others = [plan for plan in self._plans if plan.scope != candidate.scope]
        self._plans = [*others, candidate]
        return self

    def shares(self, ground: Ground) -> Sequence[Share]:
        """Return what the plan for a performance gives; without one, its areas."""
        plan = plan_for(self._plans, ground.subject)
        if plan is None:
            return trees.bare_shares(ground.capacities)
        return shares_of(plan.id, plan.rules, ground)

    def new_plans(
        self, rows: Mapping[UUID, Tree], found: Mapping[UUID, Ground]
    ) -> dict[UUID, PlanRules]:
        """Return the plans of performances that had another, or none, until now."""
        plans = {i: plan_for(self._plans, found[i].subject) for i in rows}
        return {
            i: plan.rules
            for i, plan in plans.items()
            if plan is not None and plan.id != rows[i].plan_id
        }

    def split(
        self,
        ground: Ground,
        tree: Tree,
        nodes: Mapping[str, Any],
        confirmed: Mapping[str, int],
        now: datetime,
    ) -> Split:
        """Fit a performance's plan around what is taken there."""
        plan = plan_for(self._plans, ground.subject)
        shares = self.shares(ground)
        key = (None if plan is None else plan.id, ground.kind)
        if key not in self._staged:
            self._staged[key] = [s for s in shares if s.rules and s.rules[-1].release]
        staged, timing = self._staged[key], Timing(ground.starts_at, ground.zone)
        old, adjusted = _carried(tree, shares)
        said = "" if plan is None else str(plan.id)
        if staged and confirmed:
            confirmed = summed_up(shares, confirmed)
        bounds = fired(old, staged, timing, now, plan=said, confirmed=confirmed)
        is_moved = bool(bounds or adjusted)
        if not is_untouched(nodes):
            nodes = inherited(nodes, [share.key for share in shares])
        if is_moved:
            shares = bounded(shares, bounds, adjusted)
        return split(
            ground,
            tree,
            nodes,
            self._shape(None if is_moved else key, ground, nodes, shares),
            plan_id=None if plan is None else plan.id,
            publication=self._publication,
            bounds=bounds,
            adjusted=adjusted,
            next_stage_at=next_due(staged, timing, now),
        )

    def _shape(
        self,
        key: Any,
        ground: Ground,
        nodes: Mapping[str, Any],
        shares: Sequence[Share],
    ) -> Shape:
        """Return the shape of a tree; untouched ones of a kind share one."""
        if self._agents is None:
            self._agents = agents_by_ref(self._session, world=ground.world)
        if key is None or not is_untouched(nodes):
            return shape(nodes, shares, self._agents)
        if key not in self._shapes:
            self._shapes[key] = shape(nodes, shares, self._agents)
        return self._shapes[key]


def _carried(
    tree: Tree, shares: Sequence[Share]
) -> tuple[dict[str, Bound], dict[str, int]]:
    """Return what a tree keeps beside its plan, by where its holders stand now."""
    if not tree.bounds and not tree.adjusted:
        return {}, {}
    heirs = Heirs([share.key for share in shares])
    bounds = msgspec.convert(tree.bounds, dict[str, Bound])
    moved = heirs.carried(tree.adjusted, add)
    return heirs.carried(bounds, Bound.narrowed), moved


def mend_cut_trees(session: Session) -> int:
    """Split trees again whose guarantees were cut and that have places again.

    Holds that lapse and orders that are cancelled give room back to promises. Only
    trees in which a cut node could have a seat more are looked at, so this ends.
    """
    by_supplier = trees.to_mend(session, most=CHUNK)
    for supplier_id, performance_ids in sorted(by_supplier.items()):
        share_out(session, supplier_id, performance_ids, _MENDED)
    return sum(map(len, by_supplier.values()))


__all__ = [
    "change_performances",
    "mend_cut_trees",
    "share_out",
    "share_out_again",
    "share_out_supplier",
]
