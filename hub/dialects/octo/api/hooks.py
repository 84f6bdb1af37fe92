"""OCTO's webhooks capability: what is to be told, and where."""

from typing import Any

from flask import Response
from flask.views import MethodView

from hub.dialects.octo.api.blueprint import (
    asking_now,
    blp,
    documented,
    route,
    said_to,
)
from hub.dialects.octo.schemas import asked as ask
from hub.dialects.octo.schemas import told
from hub.dialects.octo.services import hooks
from hub.kernel.db import transaction


@route("/webhooks")
class Webhooks(MethodView):
    @documented(told.WebhookToldSchema(many=True))
    def get(self) -> Response:
        """List the agent's webhooks."""
        asked = asking_now()
        with transaction() as session:
            found = [hooks.told(one) for one in hooks.all_of(session, asked)]
        return said_to(asked, found)

    @blp.arguments(ask.WebhookSchema)
    @documented(told.WebhookToldSchema)
    def post(self, said: dict[str, Any]) -> Response:
        """Have an event told, with the capabilities of this request."""
        asked = asking_now()
        with transaction() as session:
            found = hooks.told(hooks.add(session, asked, said))
        return said_to(asked, found)


@route("/webhooks/<webhook_id>")
class WebhookById(MethodView):
    @documented(told.WebhookToldSchema)
    def get(self, webhook_id: str) -> Response:
        """Show a webhook."""
        asked = asking_now()
        with transaction() as session:
            found = hooks.told(hooks.find(session, asked, webhook_id))
        return said_to(asked, found)

    @documented(told.WebhookToldSchema)
    def delete(self, webhook_id: str) -> Response:
        """Remove a webhook: nothing is told there any more."""
        asked = asking_now()
        with transaction() as session:
            found = hooks.told(hooks.remove(session, asked, webhook_id))
        return said_to(asked, found)
