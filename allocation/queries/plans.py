"""Plans in force, and which of them a performance is shared out by."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from allocation.models import Plan, PlanPublication, PlanSchedule
from allocation.rules.plans.language import PlanRules, PlanScope, Subject
from allocation.rules.plans.sharing import Share, share_out
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError

KEPT_MAX = 512
_IN_FORCE = text(
    "SELECT id, version, name, scope, rules FROM (SELECT DISTINCT ON (p.scope) p.id,"
    " p.version, p.name, p.scope, p.rules, u.kind FROM plan_publication u"
    " JOIN plan p ON p.id = u.plan_id WHERE u.supplier_id = :supplier"
    " AND u.made_at <= coalesce(CAST(:at AS timestamptz), 'infinity')"
    " ORDER BY p.scope, u.no DESC) last WHERE kind = 'published' ORDER BY version"
)
_PUBLICATION = text(
    "SELECT coalesce(max(no), 0) FROM plan_publication WHERE supplier_id = :supplier"
)
_SUBJECTS = text(
    "SELECT p.id, p.world, p.supplier_id, p.ref, p.starts_at, p.ends_at, p.zone,"
    " p.production_id, p.on_sale_at, s.ref AS production, s.genre, r.ref AS auditorium,"
    " v.ref AS venue FROM performance p JOIN production s ON s.id = p.production_id"
    " JOIN auditorium r ON r.id = p.auditorium_id JOIN venue v ON v.id = r.venue_id"
    " WHERE p.id = ANY(:ids)"
)
_AREAS = text(
    "SELECT pa.performance_id, pa.id, a.ref, pa.capacity, a.is_seated"
    " FROM performance_area pa JOIN area a ON a.id = pa.area_id"
    " WHERE pa.performance_id = ANY(:ids) ORDER BY pa.performance_id, a.ref"
)
_PLANS = text("SELECT id, version, rules FROM plan WHERE id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """A published version with what it says, read."""

    id: UUID
    version: int
    scope: PlanScope
    rules: PlanRules


@dataclass(frozen=True, slots=True)
class Ground:
    """A performance as it is shared out: what scopes see of it, when, its areas.

    ``areas``: by reference, (performance area's id, capacity, whether it is seated).
    """

    id: UUID
    world: str
    supplier_id: UUID
    production_id: UUID
    starts_at: datetime
    ends_at: datetime | None
    zone: str
    subject: Subject
    areas: Mapping[str, tuple[UUID, int, bool]]
    on_sale_at: datetime | None = None

    @property
    def capacities(self) -> dict[str, int]:
        """Seats of each area, by its reference."""
        return {ref: capacity for ref, (_, capacity, _) in self.areas.items()}

    @property
    def seated(self) -> frozenset[str]:
        """The areas with numbered seats: they are never overbooked."""
        return frozenset(
            ref for ref, (*_, is_seated) in self.areas.items() if is_seated
        )

    @property
    def kind(self) -> tuple[object, ...]:
        """What shares depend on beside the plan: areas, their seats, if numbered."""
        return (tuple(self.capacities.items()), self.seated)


def publication(session: Session, supplier_id: UUID) -> int:
    """Return how many publications a supplier's plans have had."""
    return session.scalar(_PUBLICATION, {"supplier": supplier_id}) or 0


def plans_in_force(
    session: Session, supplier_id: UUID, at: datetime | None = None
) -> list[PlanInForce]:
    """Return the last published version of each scope that is not withdrawn.

    As of now, or as it was *at* a moment.
    """
    rows = session.execute(_IN_FORCE, {"supplier": supplier_id, "at": at})
    return [_read(row) for row in rows]


def _read(row: Any) -> PlanInForce:
    scope = msgspec.convert(row.scope, PlanScope)
    rules = msgspec.convert(row.rules, PlanRules)
    return PlanInForce(row.id, row.version, scope, rules)


def plan_for(plans: Sequence[PlanInForce], subject: Subject) -> PlanInForce | None:
    """Return the plan with the narrowest scope that covers a performance.

    Among scopes as narrow (two seasons that overlap) the newest version wins.
    """
    covering = [plan for plan in plans if plan.scope.covers(subject)]
    key = lambda plan: (plan.scope.specificity, plan.version)  # noqa: E731
    return max(covering, key=key, default=None)


def grounds(session: Session, ids: Collection[UUID]) -> dict[UUID, Ground]:
    """Return performances as plans see them."""
    areas: dict[UUID, dict[str, tuple[UUID, int, bool]]] = {}
    wanted = {"ids": list(ids)}
    for row in session.execute(_AREAS, wanted):
        found = (row.id, row.capacity, row.is_seated)
        areas.setdefault(row.performance_id, {})[row.ref] = found
    return {
        row.id: Ground(
            *(row.id, row.world, row.supplier_id, row.production_id),
            *(row.starts_at, row.ends_at, row.zone),
            Subject(
                genre=row.genre,
                venue=row.venue,
                auditorium=row.auditorium,
                production=row.production,
                performance=row.ref,
                starts_at=row.starts_at,
            ),
            areas.get(row.id, {}),
            row.on_sale_at,
        )
        for row in session.execute(_SUBJECTS, wanted)
    }


def get_ground(session: Session, performance_id: UUID, who: Caller) -> Ground:
    """Return a performance of a caller: the supplier's own, or of the world.

    NotFoundError for any other.
    """
    found = grounds(session, [performance_id]).get(performance_id)
    is_own = found is not None and who.partner_id in {None, found.supplier_id}
    if found is None or found.world != who.world or not is_own:
        raise NotFoundError(performance_id=performance_id)
    return found


class _Kept:
    """Plans and shares of this process: both never change under their key."""

    def __init__(self) -> None:
        self._plans: OrderedDict[UUID, PlanRules] = OrderedDict()
        self._shares: OrderedDict[Any, list[Share]] = OrderedDict()
        self._lock = threading.Lock()

    def plan(self, session: Session, plan_id: UUID) -> PlanRules:
        with self._lock:
            known = self._plans.get(plan_id)
        if known is None:
            row = session.execute(_PLANS, {"ids": [plan_id]}).one()
            known = msgspec.convert(row.rules, PlanRules)
            self._keep(self._plans, plan_id, known)
        return known

    def shares(self, plan_id: UUID, rules: PlanRules, ground: Ground) -> list[Share]:
        key = (plan_id, ground.kind)
        with self._lock:
            known = self._shares.get(key)
        if known is None:
            known = share_out(rules, ground.capacities, ground.seated)
            self._keep(self._shares, key, known)
        return known

    def _keep(self, where: OrderedDict[Any, Any], key: object, found: object) -> None:
        with self._lock:
            where[key] = found
            if len(where) > KEPT_MAX:
                where.popitem(last=False)


_kept = _Kept()


def plan_rules(session: Session, plan_id: UUID) -> PlanRules:
    """Return what a version of a plan says."""
    return _kept.plan(session, plan_id)


def shares_of(plan_id: UUID, rules: PlanRules, ground: Ground) -> list[Share]:
    """Return what a version of a plan makes of a performance; each is computed once."""
    return _kept.shares(plan_id, rules, ground)


def find_plan(session: Session, plan_id: UUID, *, world: str) -> Plan:
    """Return a version of a plan; NotFoundError for one of another world."""
    found = session.get(Plan, plan_id)
    if found is None or found.world != world:
        raise NotFoundError(plan_id=plan_id)
    return found


def list_plans(session: Session, supplier_id: UUID) -> Sequence[Plan]:
    """Return all versions of a supplier's plans, newest first."""
    wanted = select(Plan).where(Plan.supplier_id == supplier_id)
    return session.scalars(wanted.order_by(Plan.version.desc())).all()


def list_schedules(session: Session, supplier_id: UUID) -> Sequence[PlanSchedule]:
    """Return which plans were to come into force when, and what became of it."""
    wanted = select(PlanSchedule).where(PlanSchedule.supplier_id == supplier_id)
    return session.scalars(wanted.order_by(PlanSchedule.id.desc())).all()


def list_publications(session: Session, supplier_id: UUID) -> Sequence[PlanPublication]:
    """Return when a supplier's plans were put in force or withdrawn, newest first."""
    wanted = select(PlanPublication).where(PlanPublication.supplier_id == supplier_id)
    return session.scalars(wanted.order_by(PlanPublication.no.desc())).all()
