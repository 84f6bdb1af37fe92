"""The web application: every part put together, every request guarded and measured."""

import gc
import html
import time
from functools import partial
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, request
from flask_swagger_ui import get_swaggerui_blueprint
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

import allocation.api
import connectors.api
import hub.dialects.octo.api
import hub.dialects.tiqets.api
import hub.sales.api
import hub.sandbox.api
import hub.tickets.api
import hub.webhooks.api
import partners.api
import settlement.api
from connectors.services.guarding import Suppliers
from connectors.services.sealing import Sealer
from hub import access, config, limiting
from hub.dialects.octo.services.finding import Finder
from hub.dialects.tiqets.services.offering import Slots
from hub.examples import illustrate
from hub.kernel import db, log, metrics, structs
from hub.kernel.db import transaction
from hub.kernel.errors import NotFoundError
from hub.kernel.http import Api
from hub.kernel.jobs import queue_connection
from hub.problems import catalogue
from hub.sales.services import committing
from hub.sales.services.caching import PAGES_KEPT_MAX, AnswerCache
from hub.sales.services.measuring import Answers

API_VERSION = "1"
HOT_CONNECTIONS = 3  # the committer's, and to read a hall; more without batching
SINGLE_CONNECTIONS = 8
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE"}
RESOURCES = (
    connectors.api.blp,
    connectors.api.hints,
    hub.sales.api.blp,
    hub.tickets.api.blp,
    hub.tickets.api.links,
    hub.webhooks.api.blp,
    hub.sandbox.api.blp,
    partners.api.blp,
    allocation.api.blp,
    settlement.api.blp,
)
logger = structlog.get_logger(__name__)


def create_app(settings: config.Settings | None = None) -> Flask:
    """Make the application for *settings*, or for what the environment says."""
    settings = settings or config.load()
    if settings.database_url is None:
        message = "HUB_DATABASE_URL is not set: start the hub with `hub serve`"
        raise config.ConfigError(message)
    log.configure(settings.log_level)
    structs.prepare()
    url = settings.database_url
    hot = HOT_CONNECTIONS if settings.is_batching else SINGLE_CONNECTIONS
    db.bind(db.connect(url), hot=db.connect(url, pool_size=hot, is_hot=True))
    app = Flask("hub", static_folder=None)
    app.url_map.merge_slashes = False
    configure(app, settings)
    measure(app)
    access.guard(app, secret=settings.secret_key, cache_s=settings.credential_cache_s)
    limiting.limit(
        app,
        redis_url=str(settings.redis_url),
        rate_percent=settings.rate_percent,
        at_once=settings.agent_at_once,
    )
    hub.sandbox.api.watch(app)
    register(app)
    equip(app, settings)
    return app


def equip(app: Flask, settings: config.Settings) -> None:
    """Give an application what it keeps while it runs; nothing is known so far."""
    app.extensions["committer"] = committing.sale_committer(
        is_batching=settings.is_batching
    )
    app.extensions["availability_cache"] = AnswerCache()
    app.extensions["page_cache"] = AnswerCache(PAGES_KEPT_MAX)
    app.extensions["answers"] = Answers()
    app.extensions["octo"] = Finder(settings.availability_age_s)
    app.extensions["tiqets"] = Slots(settings.availability_age_s)
    app.extensions[hub.sandbox.api.WATCHED] = hub.sandbox.api.Watched()
    app.extensions["sealer"] = Sealer(settings.credentials_keys)
    app.extensions["suppliers"] = Suppliers(
        app.extensions["sealer"], most=max(1, settings.threads // 2)
    )


def configure(app: Flask, settings: config.Settings) -> None:
    """Set what Flask and the API document need to know."""
    app.config.update(
        API_TITLE="Ticket hub",
        API_VERSION=API_VERSION,
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=settings.body_bytes_max,
        PROVIDE_AUTOMATIC_OPTIONS=False,
        HUB_SECRET_KEY=settings.secret_key,
        HUB_HOLD_TTL_S=settings.hold_ttl_s,
        HUB_AVAILABILITY_AGE_S=settings.availability_age_s,
        HUB_FEED_BYTES_MAX=settings.feed_bytes_max,
        HUB_METRICS_DIR=settings.metrics_dir,
        HUB_REDIS_URL=settings.redis_url,
        HUB_PUBLIC_URL=settings.public_url,
        HUB_WEBHOOKS_PRIVATE=settings.webhooks_private,
    )


def register(app: Flask) -> Api:
    """Register every resource, the document and its page, and the small pages."""
    api = Api(app)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"key": []}]
    for blueprint in RESOURCES:
        api.register_blueprint(blueprint)
    shown = partial(_document, api)
    app.add_url_rule("/openapi.json", "openapi", lambda: jsonify(shown()))
    octo = hub.dialects.octo.api.install(app)
    hub.dialects.tiqets.api.install(app)
    app.add_url_rule("/octo/openapi.json", "octo-openapi", lambda: jsonify(octo))
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json"))
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", exposition)
    app.add_url_rule("/problems", "problems", problems)
    app.add_url_rule("/problems/<code>", "problem", problem_page)
    return api


def served() -> Flask:
    """Make the application of a server process, which makes it once and keeps it.

    What it is made of is taken out of the garbage collector's sight: looking through
    it stopped every request for a tenth of a second now and then.
    """
    app = create_app()
    gc.collect()
    gc.freeze()
    return app


def document() -> dict[str, Any]:
    """Return the API document; needs no stores."""
    app = _without_stores()
    with app.app_context():
        return _document(register(app))


def octo_document() -> dict[str, Any]:
    """Return the document of OCTO; needs no stores."""
    return hub.dialects.octo.api.install(_without_stores())


def _without_stores() -> Flask:
    app = Flask("hub", static_folder=None)
    settings = config.load(
        {
            "HUB_DATABASE_URL": "postgresql://",
            "HUB_REDIS_URL": "redis://",
            "HUB_SECRET_KEY": "-" * config.SECRET_LENGTH_MIN,
        }
    )
    configure(app, settings)
    return app


def _document(api: Api) -> dict[str, Any]:
    return illustrate(api.spec.to_dict())


def measure(app: Flask) -> None:
    """Give each request an id, log it, count it."""

    def begin() -> None:
        g.request_id = log.begin_request(request.headers.get("X-Request-Id"))
        g.started = time.perf_counter()

    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unknown"
        took_s = time.perf_counter() - g.started
        method = request.method if request.method in METHODS else "other"
        metrics.counted(method, route, response.status_code).inc()
        metrics.timed(method, route).observe(took_s)
        logger.debug(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            took_ms=round(took_s * 1000, 1),
        )
        response.headers["X-Request-Id"] = g.request_id
        return response

    app.before_request(begin)
    app.after_request(end)


def healthz() -> Response:
    """Say that this process answers."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """Say whether the stores answer; selling needs PostgreSQL, and only that."""
    checks = {"database": "ok", "queue": "ok"}
    try:
        with transaction() as session:
            session.execute(text("SELECT 1"))
    except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
        checks["database"] = type(error).__name__
    try:
        connection: Redis = queue_connection(current_app.config["HUB_REDIS_URL"])
        connection.ping()
    except RedisError as error:
        checks["queue"] = type(error).__name__
    is_ready = checks["database"] == "ok"
    return jsonify(status="ready" if is_ready else "not ready", **checks), (
        200 if is_ready else 503
    )


def exposition() -> Response:
    """Show the metrics of all web processes."""
    found = metrics.exposition(current_app.config["HUB_METRICS_DIR"])
    return Response(found, content_type="text/plain; version=0.0.4; charset=utf-8")


def _page(title: str, body: str) -> Response:
    title = html.escape(title)
    page = f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
    return Response(page + body, content_type="text/html; charset=utf-8")


def problems() -> Response:
    """Show every problem the hub may answer, what it means, whether to retry."""
    rows = "".join(
        f'<tr id="{e.code}"><td><a href="/problems/{e.code}">{e.code}</a>'
        f"<td>{e.status}<td>{html.escape(e.title)}<td>{e.retry}"
        for e in catalogue().values()
    )
    head = "<tr><th>code<th>status<th>title<th>retry"
    return _page("Problems", f"<table>{head}{rows}</table>")


def problem_page(code: str) -> Response:
    """Show one problem."""
    told = catalogue().get(code)
    if told is None:
        raise NotFoundError(problem=code)
    return _page(told.title, told.html())
