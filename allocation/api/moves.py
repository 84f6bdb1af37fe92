"""What is done by hand: blocks, transfers, sub-agents, rebalancing."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from allocation import errors
from allocation.api.blueprint import blp
from allocation.queries.blocks import compiled_map, find_seat_maps, list_blocks
from allocation.queries.plans import get_ground, grounds
from allocation.schemas import moves as schemas
from allocation.services import blocks, moves, rebalancing, subagents
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from partners.models import Partner
from partners.queries import find_partner_by_ref


def _agent(session: Session, ref: str) -> Partner:
    found = find_partner_by_ref(session, ref, world=caller().world)
    if found is None or found.kind != Kind.AGENT:
        raise NotFoundError(agent=ref)
    return found


@blp.route("/performances/<uuid:performance_id>/blocks")
class Blocks(MethodView):
    @blp.response(200, schemas.BlockListSchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> dict[str, Any]:
        """List the blocks of a performance."""
        with transaction() as session:
            ground = get_ground(session, performance_id, caller())
            return {"items": list_blocks(session, ground.id)}

    @blp.keyed
    @blp.arguments(schemas.BlockRequestSchema)
    @blp.response(201, schemas.BlockSchema)
    @blp.problems(
        errors.NotAllottedError,
        errors.AllotmentExhaustedError,
        errors.OvercommittedError,
        errors.SeatsTakenError,
        errors.SeatsNotSoldError,
        errors.UnknownSeatsError,
        InvalidRequestError,
    )
    def post(self, wanted: dict[str, Any], performance_id: UUID) -> Any:
        """Set seats aside: for an agent, for the house, or not to be sold."""
        who, seats = caller(), wanted.get("seat_ids", [])
        with transaction() as session:
            ground = get_ground(session, performance_id, who)
            _check(wanted, ground.areas)
            maps = find_seat_maps(session, ground)
            asked = blocks.Wanted(
                wanted["area"],
                wanted["kind"],
                wanted["reason"],
                len(seats) or wanted["seats"],
                seats,
                maps[wanted["area"]].seats if seats else {},
                _agent(session, wanted["agent"]) if "agent" in wanted else None,
            )
            made = blocks.make_block(session, who, ground, asked)
            found = list_blocks(session, ground.id)
            return next(block for block in found if block["id"] == made.id)


def _check(wanted: dict[str, Any], areas: Any) -> None:
    area = areas.get(wanted["area"])
    if area is None:
        raise NotFoundError(area=wanted["area"])
    if (wanted["kind"] == "agent") != ("agent" in wanted):
        reason = "named for a block of an agent, and only then"
        raise InvalidRequestError(field="agent", reason=reason)
    is_seated = area[2]
    if not is_seated and "agent" in wanted:
        reason = "an agent's part of an area without seats is its allotment: move that"
        raise InvalidRequestError(field="agent", reason=reason)
    if is_seated != ("seat_ids" in wanted) or is_seated == ("seats" in wanted):
        reason = "seat_ids in an area with seats, seats (how many) in another"
        raise InvalidRequestError(field="seat_ids", reason=reason)
    if len(set(wanted.get("seat_ids", ()))) != len(wanted.get("seat_ids", ())):
        raise InvalidRequestError(field="seat_ids", reason="a seat is named twice")


@blp.route("/blocks/<uuid:block_id>/release")
class BlockRelease(MethodView):
    @blp.keyed
    @blp.arguments(schemas.BlockReleaseSchema)
    @blp.response(200, schemas.ReleasedSchema)
    @blp.problems()
    def post(self, wanted: dict[str, Any], block_id: UUID) -> dict[str, Any]:
        """Give free seats of a block back: runs from the ends of the last rows."""
        who = caller()
        with transaction() as session:
            block = blocks.get_block(session, block_id, who)
            ground = grounds(session, [block.performance_id])[block.performance_id]
            if who.partner_id not in {None, ground.supplier_id}:
                raise NotFoundError(block_id=block_id)
            areas = {found[0]: ref for ref, found in ground.areas.items()}
            seat_map = find_seat_maps(session, ground).get(
                areas[block.performance_area_id]
            )
            released = blocks.release_block(
                session,
                who,
                block,
                most=wanted.get("seats"),
                plan=None if seat_map is None else compiled_map(seat_map),
                reason=wanted["reason"],
            )
            return {"released": released}


@blp.route("/performances/<uuid:performance_id>/transfers")
class Transfers(MethodView):
    @blp.keyed
    @blp.arguments(schemas.TransferRequestSchema)
    @blp.response(201, schemas.MovedListSchema)
    @blp.problems(
        errors.NotAllottedError, errors.NothingToMoveError, InvalidRequestError
    )
    def post(self, wanted: dict[str, Any], performance_id: UUID) -> dict[str, Any]:
        """Move unsold promise from one agent to another."""
        who = caller()
        if wanted["from_agent"] == wanted["to_agent"]:
            raise InvalidRequestError(field="to_agent", reason="is the same agent")
        with transaction() as session:
            moved = moves.transfer(
                session,
                who,
                get_ground(session, performance_id, who),
                area=wanted["area"],
                giver=_agent(session, wanted["from_agent"]),
                taker=_agent(session, wanted["to_agent"]),
                seats=wanted["seats"],
                reason=wanted["reason"],
            )
            return {"items": moved}


@blp.route("/performances/<uuid:performance_id>/areas/<area>/sub-agents")
class SubAgents(MethodView):
    @blp.keyed
    @blp.arguments(schemas.HandOnSchema)
    @blp.response(200, schemas.SubAgentListSchema)
    @blp.problems(
        errors.NotAllottedError,
        errors.SplitRefusedError,
        errors.AllotmentExhaustedError,
        errors.OvercommittedError,
    )
    def put(
        self, wanted: dict[str, Any], performance_id: UUID, area: str
    ) -> dict[str, Any]:
        """Split one's own allotment among one's sub-agents, within what one has."""
        who = caller()
        with transaction() as session:
            ground = grounds(session, [performance_id]).get(performance_id)
            if ground is None or ground.world != who.world:
                raise NotFoundError(performance_id=performance_id)
            agent = session.get_one(Partner, who.partner)
            parts = [_handed(session, agent, part) for part in wanted["parts"]]
            found = subagents.hand_on(
                session, who, ground, area=area, agent=agent, parts=parts
            )
            refs = {part.agent.id: part.agent.ref for part in parts}
            return {
                "items": [
                    {
                        "sub_agent": refs[node.agent_id],
                        "guarantee": node.guarantee,
                        "ceiling": node.ceiling,
                        "taken": node.taken,
                    }
                    for node in found
                    if node.agent_id in refs
                ]
            }


def _handed(session: Session, agent: Partner, part: dict[str, Any]) -> subagents.Handed:
    found = find_partner_by_ref(session, part["sub_agent"], world=agent.world)
    if found is None or found.parent_id != agent.id:
        raise NotFoundError(sub_agent=part["sub_agent"])
    return subagents.Handed(found, part["guarantee"], part.get("ceiling"))


@blp.route("/performances/<uuid:performance_id>/rebalancing")
class RebalancingResource(MethodView):
    @blp.keyed
    @blp.arguments(schemas.RebalanceSchema)
    @blp.response(200, schemas.MoveListSchema)
    @blp.problems(InvalidRequestError)
    def post(self, wanted: dict[str, Any], performance_id: UUID) -> dict[str, Any]:
        """Move promises to where they sell, or only say what would be moved."""
        who = caller()
        with transaction() as session:
            ground = get_ground(session, performance_id, who)
            made = rebalancing.rebalance(
                session, ground, made_by=who.credential_id, is_dry=wanted["dry_run"]
            )
            return {"items": made}
