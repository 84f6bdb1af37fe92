"""Why so many and no more: explanations for agents, suppliers and operators."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from allocation.queries.history import get_node, node_history
from allocation.queries.plans import get_ground
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.idempotency import Reply
from hub.kernel.writes import replied
from hub.sales.api.blueprint import blp
from hub.sales.schemas import explaining as schemas
from hub.sales.services.explaining import explain
from partners.queries import find_partner_by_ref

HISTORY_MAX = 200


@blp.route("/performances/<uuid:performance_id>/explanation")
class Explanation(MethodView):
    @blp.arguments(schemas.ExplanationQuerySchema, location="query")
    @blp.response(200, schemas.ExplanationSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any], performance_id: UUID) -> Response:
        """Tell why an agent may take exactly so many, now or at a moment.

        Agents ask about themselves, and see of others only sums; suppliers and
        operators name the agent, and see who holds what.
        """
        who = caller()
        with transaction() as session:
            if who.kind is not Kind.AGENT:
                get_ground(session, performance_id, who)
                agent = find_partner_by_ref(
                    session, wanted.get("agent", ""), world=who.world
                )
                if agent is None or agent.kind != Kind.AGENT:
                    raise InvalidRequestError(field="agent", reason="say which agent")
                agent_id = agent.id
            else:
                agent_id = who.partner
            found = explain(
                session,
                who,
                agent_id=agent_id,
                performance_id=performance_id,
                at=wanted.get("at"),
            )
            return replied(Reply(200, found))


@blp.route("/nodes/<uuid:node_id>/history")
class NodeHistory(MethodView):
    @blp.response(200, schemas.NodeHistorySchema)
    @blp.problems()
    def get(self, node_id: UUID) -> dict[str, Any]:
        """Tell what changed of an allotment, why, by which plan or whom."""
        who = caller()
        with transaction() as session:
            node = get_node(session, node_id)
            if who.kind is Kind.AGENT:
                if node.agent_id != who.partner_id:
                    raise NotFoundError(node_id=node_id)
            else:
                try:
                    get_ground(session, node.performance_id, who)
                except NotFoundError:  # of what it is, is not told either
                    raise NotFoundError(node_id=node_id) from None
            rows = node_history(session, node_id, most=HISTORY_MAX)
            return {"allotment": node.key, "items": rows}
