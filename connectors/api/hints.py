"""Hints over HTTP: a supplier's webhook says that something is new, and no more."""

from flask import Response
from flask.views import MethodView

from connectors.api.blueprint import hints
from connectors.services import sources
from hub.kernel.db import transaction
from hub.kernel.errors import NotFoundError


@hints.route("/hints/<token>")
class Hints(MethodView):
    @hints.response(204)
    @hints.problems(NotFoundError)
    def post(self, token: str) -> Response:
        """Have a source read soon: for whoever knows its token.

        What is said is not looked at: what is new is asked for, so a hint can be wrong,
        come twice, or come from anybody, and does no harm but a reading.
        """
        with transaction() as session:
            sources.hint(session, token)
        return Response(status=204)
