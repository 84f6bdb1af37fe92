"""Sharing capacity out by the plan in force, around what is taken already."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from allocation import queries
from allocation.models import Node, Plan
from allocation.rules.plans import Allotted, fit, share_out
from allocation.services import tree
from allocation.services.plans import rule_of
from hub.kernel.ids import new_id
from partners.queries import agents_by_channel

CHUNK_ROOTS = 100
AGENT_DEPTH = 2
_ROOTS = text(
    "SELECT n.id, n.world, n.performance_id, n.ceiling FROM node n"
    " WHERE n.id = ANY(:ids) AND n.depth = 0"
)
_TO_MEND = text(
    "SELECT DISTINCT r.id, p.supplier_id FROM node n JOIN node r ON r.id = n.root_id"
    " JOIN performance p ON p.id = r.performance_id JOIN world w ON w.name = p.world"
    " LEFT JOIN node c ON c.id = n.path[1] AND c.depth = 1 WHERE n.is_cut"
    " AND coalesce(p.ends_at, p.starts_at) > clock_timestamp() + w.clock_offset"
    " AND CASE WHEN c.id IS NULL THEN r.taken < r.ceiling"
    " ELSE (c.ceiling IS NULL OR c.taken < c.ceiling)"
    " AND (c.taken < c.guarantee OR r.taken < r.ceiling) END"
    " ORDER BY r.id LIMIT :most"
)
_UPSERT = text(
    "INSERT INTO node (id, world, performance_id, root_id, path, holder, agent_id,"
    " depth, guarantee, ceiling, taken, overcommitted, priority, plan_id,"
    " split_capacity, is_cut)"
    " SELECT i, w, p, r, CAST(pa AS uuid[]), h, a, d, g, c, t, o, pr, pl, sc, cu"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:worlds AS text[]),"
    " CAST(:performances AS uuid[]), CAST(:roots AS uuid[]), CAST(:paths AS text[]),"
    " CAST(:holders AS text[]), CAST(:agents AS uuid[]), CAST(:depths AS int[]),"
    " CAST(:guarantees AS int[]), CAST(:ceilings AS int[]), CAST(:taken AS int[]),"
    " CAST(:over AS int[]), CAST(:priorities AS int[]), CAST(:plans AS uuid[]),"
    " CAST(:capacities AS int[]), CAST(:cut AS boolean[]))"
    " AS n(i, w, p, r, pa, h, a, d, g, c, t, o, pr, pl, sc, cu)"
    " ON CONFLICT (root_id, holder) DO UPDATE SET guarantee = excluded.guarantee,"
    " ceiling = excluded.ceiling, taken = excluded.taken,"
    " overcommitted = excluded.overcommitted, agent_id = excluded.agent_id,"
    " priority = excluded.priority, plan_id = excluded.plan_id,"
    " split_capacity = excluded.split_capacity, is_cut = excluded.is_cut"
)


def share_out_supplier(session: Session, supplier_id: UUID) -> int:
    """Bring some of a supplier's trees up to its plan; return how many, 0 when done."""
    roots = queries.unsplit_roots(session, supplier_id, most=CHUNK_ROOTS)
    share_out_roots(session, supplier_id, roots)
    return len(roots)


def change_capacities(
    session: Session, supplier_id: UUID, capacities: Mapping[UUID, int]
) -> None:
    """Set what roots may hold, and fit their trees to it, in this transaction.

    The caller has stopped the performances, and changes all its roots in one call:
    trees are locked deepest first, as everywhere. A cut takes shared seats first,
    then unsold guarantees; what is sold above it is stored as over-committed.
    """
    _lock_trees(session, list(capacities))
    tree.set_capacities(session, capacities)
    share_out_roots(session, supplier_id, list(capacities))


def share_out_roots(
    session: Session, supplier_id: UUID, root_ids: Sequence[UUID]
) -> None:
    """Apply the plan in force to trees: compute, stop, lock, fit, write.

    Shares are a function of plan and capacity alone; what is taken stays taken.
    """
    plan = queries.find_plan(session, supplier_id)
    if plan is None or not root_ids:
        return
    found = session.execute(_ROOTS, {"ids": list(root_ids)}).all()
    shares = _Shares(session, plan)
    for row in found:
        shares.of(row.ceiling)  # the long part, before anybody is stopped
    queries.stop_performances(session, {row.performance_id for row in found})
    existing = _lock_trees(session, root_ids)
    newest = queries.find_plan(session, supplier_id)
    if newest is not None and newest.id != plan.id:
        shares = _Shares(session, newest)
    rows = [row for root_id in root_ids for row in _split(existing[root_id], shares)]
    session.execute(_UPSERT, _columns(rows))


class _Shares:
    """What a plan makes of a capacity; each is computed once."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.plan = plan
        self._rule = rule_of(plan.rules, agents_by_channel(session, world=plan.world))
        self._known: dict[int, list[Allotted]] = {}

    def of(self, capacity: int) -> list[Allotted]:
        if capacity not in self._known:
            self._known[capacity] = share_out(self._rule, capacity)
        return self._known[capacity]


def mend_cut_trees(session: Session) -> int:
    """Split trees again whose guarantees were cut and that have places again.

    Holds that lapse and orders that are cancelled give room back to promises. Only
    trees in which a cut node could have a seat more are looked at, so this ends.
    """
    found = session.execute(_TO_MEND, {"most": CHUNK_ROOTS}).all()
    by_supplier: dict[UUID, list[UUID]] = {}
    for row in found:
        by_supplier.setdefault(row.supplier_id, []).append(row.id)
    for supplier_id, root_ids in sorted(by_supplier.items()):
        share_out_roots(session, supplier_id, root_ids)
    return len(found)


def _lock_trees(
    session: Session, root_ids: Sequence[UUID]
) -> dict[UUID, dict[str, Node]]:
    wanted = select(Node).where(Node.root_id.in_(root_ids))
    locking = wanted.order_by(Node.depth.desc(), Node.id).with_for_update()
    found: dict[UUID, dict[str, Node]] = {root_id: {} for root_id in root_ids}
    options = {"populate_existing": True}
    for node in session.scalars(locking, execution_options=options):
        found[node.root_id][node.holder] = node
    return found


def _split(existing: Mapping[str, Node], shares: _Shares) -> list[list[Any]]:
    root = existing[""]
    capacity = root.ceiling or 0
    wanted = shares.of(capacity)
    leaves = {
        holder: node.taken
        for holder, node in existing.items()
        if node.depth == AGENT_DEPTH
    }
    nodes, taken = fit(capacity, wanted, leaves)
    promised = {node.holder: node.guarantee for node in wanted}
    ids = {holder: node.id for holder, node in existing.items()}
    for node in nodes:
        ids.setdefault(node.holder, new_id())
    emptied = [
        Allotted(holder, None, 0, 0, 0)
        for holder, node in existing.items()
        if node.depth == 1 and holder not in {found.holder for found in nodes}
    ]
    top = Allotted("", None, 0, capacity, 0, taken)
    return [
        [
            *_row(node, root, ids, shares.plan),
            node.guarantee < promised.get(node.holder, 0),
        ]
        for node in (top, *nodes, *emptied)
    ]


def _row(node: Allotted, root: Node, ids: Mapping[str, UUID], plan: Plan) -> list[Any]:
    channel, _, agent = node.holder.rpartition("/")
    above = [ids[channel]] if channel else []
    path = [*above, root.id] if node.holder else []
    is_named = node.ceiling != 0 or node.guarantee > 0
    over = 0 if node.ceiling is None else max(0, node.taken - node.ceiling)
    return [
        ids[node.holder],
        root.world,
        root.performance_id,
        root.id,
        "{" + ",".join(str(up) for up in path) + "}",
        node.holder,
        UUID(agent) if channel and is_named else None,
        len(path),
        node.guarantee,
        node.ceiling,
        node.taken,
        over,
        node.priority,
        plan.id,
        root.ceiling,
    ]


def _columns(rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    names = (
        "ids worlds performances roots paths holders agents depths guarantees ceilings"
        " taken over priorities plans capacities cut"
    )
    columns = zip(*rows, strict=True)
    return {name: list(c) for name, c in zip(names.split(), columns, strict=True)}
