"""Plans: drafted, checked by themselves and by what is known, published, withdrawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from allocation.errors import InfeasiblePlanError, PlanStateError
from allocation.models import Plan, PlanPublication
from allocation.queries.plans import publication
from allocation.rules.plans.checks import Finding, read_plan, read_scope, refuse
from allocation.rules.plans.language import PlanRules, PlanScope, Rule, Subject
from allocation.rules.plans.sharing import SHARED, Shortage, shortages
from hub.kernel import clock, outbox
from hub.kernel.callers import Caller
from hub.kernel.db import take_turns
from hub.kernel.ids import new_id
from partners.queries import agents_by_ref

PLAN_PUBLISHED = "plan.published"
PUBLISHED, WITHDRAWN = "published", "withdrawn"
# One performance for each set of capacities there is: a season has few.
_KINDS = text(
    "SELECT DISTINCT ON (s.genre, v.ref, r.ref, q.ref_if, k.said) p.ref AS performance,"
    " p.starts_at, s.genre, s.ref AS production, r.ref AS auditorium, v.ref AS venue,"
    " k.areas FROM performance p JOIN production s ON s.id = p.production_id"
    " JOIN auditorium r ON r.id = p.auditorium_id JOIN venue v ON v.id = r.venue_id"
    " JOIN world w ON w.name = p.world CROSS JOIN LATERAL ("
    " SELECT jsonb_object_agg(a.ref, jsonb_build_array(pa.capacity, a.is_seated))"
    " AS areas, string_agg(a.ref || ':' || pa.capacity, ',' ORDER BY a.ref) AS said"
    " FROM performance_area pa JOIN area a ON a.id = pa.area_id"
    " WHERE pa.performance_id = p.id) k"
    " CROSS JOIN LATERAL (SELECT CASE WHEN :by_production THEN s.ref END AS ref_if) q"
    " WHERE p.supplier_id = :supplier AND p.status = 'scheduled'"
    " AND p.withdrawn_at IS NULL AND k.areas IS NOT NULL"
    " AND (CAST(:performance AS text) IS NULL OR p.ref = :performance)"
    " AND (CAST(:starts_from AS timestamptz) IS NULL OR p.starts_at >= :starts_from)"
    " AND (CAST(:starts_until AS timestamptz) IS NULL OR p.starts_at < :starts_until)"
    " AND coalesce(p.ends_at, p.starts_at) > clock_timestamp() + w.clock_offset"
    " ORDER BY s.genre, v.ref, r.ref, q.ref_if, k.said, p.ref"
)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A plan as somebody wants it, read and checked."""

    name: str
    scope: PlanScope
    rules: PlanRules


def draft_plan(
    session: Session,
    who: Caller,
    supplier_id: UUID,
    *,
    name: str,
    scope: Mapping[str, Any],
    rules: Mapping[str, Any],
) -> Plan:
    """Keep a version of a plan, checked; nothing is shared out by it yet.

    PlanRefusedError names each rule that contradicts itself or names nobody;
    InfeasiblePlanError the performance, area and rules that promise too much.
    """
    drafted = Drafted(name, read_scope(scope), read_plan(rules))
    _refuse_unknown(session, who.world, drafted.rules)
    _refuse_infeasible(session, supplier_id, drafted)
    take_turns(session, str(supplier_id))
    newest = select(func.max(Plan.version)).where(Plan.supplier_id == supplier_id)
    plan = Plan(
        id=new_id(),
        world=who.world,
        supplier_id=supplier_id,
        version=(session.scalar(newest) or 0) + 1,
        name=name,
        scope=msgspec.to_builtins(drafted.scope),
        rules=dict(rules),
        created_at=clock.now(session, who.world),
        created_by=who.credential_id,
    )
    session.add(plan)
    session.flush()  # its publication refers to it
    return plan


def publish_plan(session: Session, made_by: UUID, plan: Plan) -> PlanPublication:
    """Put a version in force for its scope; every tree in it is split anew.

    It is checked again: capacities may have changed since it was drafted.
    """
    read = Drafted(plan.name, read_scope(plan.scope), read_plan(plan.rules))
    _refuse_unknown(session, plan.world, read.rules)
    _refuse_infeasible(session, plan.supplier_id, read)
    return _publish(session, made_by, plan, PUBLISHED)


def withdraw_plan(session: Session, made_by: UUID, plan: Plan) -> PlanPublication:
    """Take the version in force out; a wider plan, or none, takes its place.

    PlanStateError unless it is the one in force for its scope.
    """
    last = _last(session, plan)
    if last is None or (last.plan_id, last.kind) != (plan.id, PUBLISHED):
        raise PlanStateError(plan_id=plan.id, reason="it is not in force")
    return _publish(session, made_by, plan, WITHDRAWN)


def _last(session: Session, plan: Plan) -> PlanPublication | None:
    wanted = (
        select(PlanPublication)
        .join(Plan, Plan.id == PlanPublication.plan_id)
        .where(Plan.supplier_id == plan.supplier_id, Plan.scope == plan.scope)
    )
    return session.scalar(wanted.order_by(PlanPublication.no.desc()).limit(1))


def _publish(session: Session, made_by: UUID, plan: Plan, kind: str) -> PlanPublication:
    take_turns(session, str(plan.supplier_id))
    row = PlanPublication(
        id=new_id(),
        world=plan.world,
        supplier_id=plan.supplier_id,
        no=publication(session, plan.supplier_id) + 1,
        plan_id=plan.id,
        kind=kind,
        made_at=clock.now(session, plan.world),
        made_by=made_by,
    )
    session.add(row)
    facts = {"supplier_id": str(plan.supplier_id)}
    outbox.put(session, PLAN_PUBLISHED, world=plan.world, **facts)
    return row


def _refuse_unknown(session: Session, world: str, plan: PlanRules) -> None:
    """Refuse agents that are not there, or do not sell through their channel."""
    agents = agents_by_ref(session, world=world)
    channels = {channel for _, channel in agents.values()}
    found: list[Finding] = []

    def look(rules: Sequence[Rule], channel: str | None) -> None:
        for rule in rules:
            if rule.channel is not None and rule.channel not in channels:
                reason = "no agent sells through this channel"
                found.append(Finding(rule.channel, reason))
                look(rule.rules, None)
                continue
            if rule.agent is not None:
                own = agents.get(rule.agent)
                if own is None:
                    reason = "no agent with this reference that is nobody's sub-agent"
                    found.append(Finding(rule.agent, reason))
                elif channel is not None and own[1] != channel:
                    reason = f"this agent does not sell through {channel}"
                    found.append(Finding(rule.agent, reason))
            look(rule.rules, rule.channel or channel)

    look(plan.rules, None)
    refuse(found)


def _refuse_infeasible(session: Session, supplier_id: UUID, plan: Drafted) -> None:
    """Refuse promises above the capacities known, and areas that are not there."""
    where = {
        "supplier": supplier_id,
        "performance": plan.scope.performance,
        "starts_from": plan.scope.starts_from,
        "starts_until": plan.scope.starts_until,
        "by_production": plan.scope.production is not None,
    }
    areas: set[str] = set()
    for row in session.execute(_KINDS, where):
        subject = msgspec.convert(
            {n: getattr(row, n) for n in Subject.__struct_fields__}, Subject
        )
        if not plan.scope.covers(subject):
            continue
        areas |= row.areas.keys()
        sold = sorted(row.areas.items())  # an area without seats is not sold there
        capacities = {ref: found[0] for ref, found in sold if found[0]}
        short = shortages(plan.rules, capacities)
        if short:
            _raise_infeasible(row.performance, capacities, short)
        for over in plan.rules.overbooking:
            if row.areas.get(over.area, (0, False))[1]:
                reason = "numbered seats are never overbooked"
                refuse([Finding(f"overbooking > {over.area}", reason, over.seats)])
    if areas:
        missing = [area for area in _areas(plan.rules) if area not in areas]
        refuse([Finding(area, "no performance has this area") for area in missing])


def _areas(plan: PlanRules) -> list[str]:
    """Return every area a plan names, wherever it does."""
    found = [over.area for over in plan.overbooking]
    found += [said.area for said in plan.protection]
    found += [cap.area for cap in plan.caps if cap.area is not None]
    waiting = list(plan.rules)
    while waiting:
        rule = waiting.pop()
        found += [rule.area] if rule.area is not None else []
        waiting += rule.rules
    return sorted(set(found))


def _raise_infeasible(
    performance: str, capacities: Mapping[str, int], short: Sequence[Shortage]
) -> None:
    first = short[0]
    raise InfeasiblePlanError(
        performance=performance,
        area=first.area,
        capacity=first.given
        if first.holder == SHARED
        else sum(
            seats for area, seats in capacities.items() if first.area in {None, area}
        ),
        over_by=first.promised - first.given,
        rules=[
            {
                "rule": found.holder,
                "promised": found.promised,
                "given": found.given,
                "over_by": found.promised - found.given,
            }
            for found in short
        ],
    )
