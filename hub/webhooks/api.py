"""Webhooks over HTTP: an agent's endpoints, their secrets, log and replays."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask.views import MethodView

from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.http import Blueprint
from hub.kernel.pages import id_after, page
from hub.webhooks import queries, schemas
from hub.webhooks.errors import (
    EndpointRefusedError,
    ReplayRunningError,
    RotationRunningError,
    TooManyEndpointsError,
)
from hub.webhooks.models import WebhookEndpoint, WebhookReplay
from hub.webhooks.rules import secret_of
from hub.webhooks.services import endpoints

blp = Blueprint(
    "webhooks", __name__, url_prefix="/v1", description="Agents: changes pushed"
)


def _allows_private() -> bool:
    found: bool = current_app.config["HUB_WEBHOOKS_PRIVATE"]
    return found


@blp.route("/webhook-endpoints")
class Endpoints(MethodView):
    @blp.response(200, schemas.EndpointListSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """List where the agent's changes are sent."""
        with transaction() as session:
            return {"items": queries.endpoints_of(session, caller())}

    @blp.keyed
    @blp.arguments(schemas.EndpointRequestSchema)
    @blp.response(201, schemas.EndpointSchema)
    @blp.problems(EndpointRefusedError, TooManyEndpointsError)
    def post(self, wanted: dict[str, Any]) -> WebhookEndpoint:
        """Have changes sent somewhere, as ``/v1/changes`` tells them."""
        with transaction() as session:
            return endpoints.add_endpoint(
                session, caller(), allows_private=_allows_private(), **wanted
            )


@blp.route("/webhook-endpoints/<uuid:endpoint_id>")
class EndpointById(MethodView):
    @blp.response(200, schemas.EndpointSchema)
    @blp.problems()
    def get(self, endpoint_id: UUID) -> WebhookEndpoint:
        """Show an endpoint, and how sending there goes."""
        with transaction() as session:
            return queries.get_endpoint(session, caller(), endpoint_id)

    @blp.keyed
    @blp.arguments(schemas.EndpointChangeSchema)
    @blp.response(200, schemas.EndpointSchema)
    @blp.problems(EndpointRefusedError, InvalidRequestError)
    def put(self, wanted: dict[str, Any], endpoint_id: UUID) -> WebhookEndpoint:
        """Change an endpoint, pause it, or let it go on where it stopped."""
        with transaction() as session:
            return endpoints.change_endpoint(
                session,
                caller(),
                endpoint_id,
                allows_private=_allows_private(),
                **wanted,
            )

    @blp.keyed
    @blp.response(204)
    @blp.problems()
    def delete(self, endpoint_id: UUID) -> None:
        """Remove an endpoint."""
        with transaction() as session:
            endpoints.remove_endpoint(session, caller(), endpoint_id)


def _secret(endpoint: WebhookEndpoint) -> dict[str, Any]:
    hub_secret = current_app.config["HUB_SECRET_KEY"]
    return {
        "endpoint_id": endpoint.id,
        "secret": secret_of(endpoint.id, endpoint.generation, hub_secret),
        "previous_until": endpoint.previous_until,
    }


@blp.route("/webhook-endpoints/<uuid:endpoint_id>/secret")
class EndpointSecret(MethodView):
    @blp.response(200, schemas.SecretSchema)
    @blp.problems()
    def get(self, endpoint_id: UUID) -> dict[str, Any]:
        """Show the secret that messages are signed with."""
        with transaction() as session:
            return _secret(queries.get_endpoint(session, caller(), endpoint_id))


@blp.route("/webhook-endpoints/<uuid:endpoint_id>/rotation")
class EndpointRotation(MethodView):
    @blp.arguments(schemas.RotationSchema)
    @blp.response(200, schemas.SecretSchema)
    @blp.problems(RotationRunningError)
    def post(self, wanted: dict[str, Any], endpoint_id: UUID) -> dict[str, Any]:
        """Give an endpoint another secret; for a time both sign."""
        with transaction() as session:
            return _secret(
                endpoints.rotate_secret(session, caller(), endpoint_id, **wanted)
            )


@blp.route("/webhook-endpoints/<uuid:endpoint_id>/replays")
class EndpointReplays(MethodView):
    @blp.keyed
    @blp.arguments(schemas.ReplayRequestSchema)
    @blp.response(202, schemas.ReplaySchema)
    @blp.problems(ReplayRunningError, InvalidRequestError)
    def post(self, wanted: dict[str, Any], endpoint_id: UUID) -> WebhookReplay:
        """Have a range of changes sent once more."""
        with transaction() as session:
            return endpoints.replay(
                session,
                caller(),
                endpoint_id,
                after=wanted["after"],
                until=wanted.get("until"),
            )


@blp.route("/webhook-endpoints/<uuid:endpoint_id>/deliveries")
class EndpointDeliveries(MethodView):
    @blp.arguments(schemas.WebhookDeliveryQuerySchema, location="query")
    @blp.response(200, schemas.WebhookDeliveryPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any], endpoint_id: UUID) -> dict[str, Any]:
        """List what was sent there, what is waiting, and what was given up."""
        limit, after = wanted["limit"], id_after(wanted.get("after"))
        with transaction() as session:
            found = queries.get_endpoint(session, caller(), endpoint_id)
            rows = queries.deliveries(
                session, found.id, state=wanted.get("state"), after=after, limit=limit
            )
        return page(rows, limit, lambda row: [row.id])
