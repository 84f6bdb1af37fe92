"""The yardstick: an unauthenticated POST through our own Api, three fields each way."""

from flask import Flask
from flask.views import MethodView
from marshmallow import fields

from hub.kernel.http import Api, Blueprint, ReplySchema, RequestSchema

blp = Blueprint("echo", __name__, url_prefix="/echo")


class SaidSchema(RequestSchema):
    name = fields.String(required=True)
    count = fields.Integer(required=True, strict=True)
    tags = fields.List(fields.String(), required=True)


class HeardSchema(ReplySchema):
    name = fields.String(required=True)
    count = fields.Integer(required=True)
    tags = fields.List(fields.String(), required=True)


@blp.route("")
class Echo(MethodView):
    @blp.arguments(SaidSchema)
    @blp.response(200, HeardSchema)
    def post(self, said):
        """Say it again."""
        return said


def create_app():
    app = Flask("echo", static_folder=None)
    app.config.update(API_TITLE="Echo", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    Api(app).register_blueprint(blp)
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    return app
