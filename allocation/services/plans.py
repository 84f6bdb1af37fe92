"""Publishing plans: checked against themselves and the capacity known."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from allocation.errors import InfeasiblePlanError, PlanRefusedError
from allocation.models import Plan
from allocation.rules.plans import Rule, RuleKind, check
from hub.kernel import clock, outbox
from hub.kernel.db import take_turns
from hub.kernel.ids import new_id
from partners.queries import agents_by_channel

PLAN_PUBLISHED = "plan.published"
_SMALLEST = text(
    "SELECT a.ref AS area, p.ref AS performance, pa.capacity FROM performance_area pa"
    " JOIN performance p ON p.id = pa.performance_id JOIN area a ON a.id = pa.area_id"
    " WHERE p.supplier_id = :supplier AND p.status = 'scheduled'"
    " AND p.withdrawn_at IS NULL AND pa.capacity > 0 ORDER BY pa.capacity LIMIT 1"
)


def publish_plan(
    session: Session,
    *,
    world: str,
    supplier_id: UUID,
    published_by: UUID,
    keep_shared_bp: int,
    channels: Sequence[Mapping[str, Any]],
) -> Plan:
    """Check a plan against itself and the capacity known, and put it in force.

    PlanRefusedError or InfeasiblePlanError name the holder or area and by how much.
    """
    rules = {"keep_shared_bp": keep_shared_bp, "channels": list(channels)}
    plan = rule_of(rules, agents_by_channel(session, world=world), is_new=True)
    check(plan)
    _refuse_infeasible(session, supplier_id, plan.fixed)
    take_turns(session, str(supplier_id))
    newest = select(func.max(Plan.version)).where(Plan.supplier_id == supplier_id)
    row = Plan(
        id=new_id(),
        world=world,
        supplier_id=supplier_id,
        version=(session.scalar(newest) or 0) + 1,
        rules=rules,
        published_at=clock.now(session, world),
        published_by=published_by,
    )
    session.add(row)
    outbox.put(session, PLAN_PUBLISHED, world=world, supplier_id=str(supplier_id))
    return row


def _refuse_infeasible(session: Session, supplier_id: UUID, promised: int) -> None:
    smallest = session.execute(_SMALLEST, {"supplier": supplier_id}).one_or_none()
    if smallest is not None and promised > smallest.capacity:
        raise InfeasiblePlanError(
            performance=smallest.performance,
            area=smallest.area,
            capacity=smallest.capacity,
            promised=promised,
            over_by=promised - smallest.capacity,
        )


def rule_of(
    rules: Mapping[str, Any],
    agents: Mapping[str, Mapping[str, UUID]],
    *,
    is_new: bool = False,
) -> Rule:
    """Turn a plan into rules whose holders are channels and agents' ids.

    A new plan that names an agent its channel does not have is refused; in one that
    is in force such an agent has left, and is given nothing.
    """
    for channel in rules["channels"]:
        if is_new and channel["channel"] not in agents:
            reason = "no agent sells through this channel"
            raise PlanRefusedError(holder=channel["channel"], reason=reason)
    channels = tuple(
        _rule(
            channel["channel"],
            channel,
            tuple(
                _rule(f"{channel['channel']}/{agent_id}", agent)
                for agent in channel.get("agents", ())
                if (agent_id := _agent_id(channel["channel"], agent, agents, is_new))
            ),
        )
        for channel in rules["channels"]
    )
    keep = rules["keep_shared_bp"]
    return Rule("", RuleKind.FREE_SALE, keep_shared_bp=keep, rules=channels)


def _rule(holder: str, said: Mapping[str, Any], within: tuple[Rule, ...] = ()) -> Rule:
    return Rule(
        holder,
        RuleKind(said["kind"]),
        seats=said.get("seats", 0),
        weight=said.get("weight", 0),
        ceiling=said.get("ceiling"),
        rules=within,
    )


def _agent_id(
    channel: str,
    said: Mapping[str, Any],
    agents: Mapping[str, Mapping[str, UUID]],
    is_new: bool,  # noqa: FBT001 - private
) -> UUID | None:
    agent_id = agents.get(channel, {}).get(said["agent"])
    if agent_id is None and is_new:
        reason = f"no agent with this reference sells through {channel}"
        raise PlanRefusedError(holder=said["agent"], reason=reason)
    return agent_id
