"""Sources over HTTP: suppliers' systems that the hub asks."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import msgspec
from flask import current_app
from flask.views import MethodView
from sqlalchemy.orm import Session

from connectors import errors, queries
from connectors.api.blueprint import blp
from connectors.models import Source
from connectors.schemas import feeds
from connectors.schemas import sources as schemas
from connectors.services import sources, syncing
from connectors.services.guarding import Suppliers
from connectors.suppliers.kinds import EVERY, KINDS
from hub.kernel.callers import Kind, caller
from hub.kernel.db import transaction
from hub.kernel.pages import id_after, page
from partners.queries import get_partner

SHOWN = (
    *("id", "supplier_id", "name", "kind", "url", "settings", "every_s", "connect_ms"),
    *("operation_ms", "at_once", "reads_per_minute", "tolerance_minor"),
    *("is_stopped", "stopped_because", "next_sync_at"),
)


def _told(session: Session, found: Sequence[Source]) -> list[dict[str, Any]]:
    measured = queries.measured(session, [source.id for source in found])
    return [
        {name: getattr(source, name) for name in SHOWN}
        | {
            "hints": f"/v1/hints/{source.hint_token}",
            "capabilities": asdict(EVERY[source.kind].capabilities),
            "measured": measured[source.id],
        }
        for source in found
    ]


def _own(session: Session, source_id: UUID, *, lock: bool = False) -> Source:
    who = caller()
    return queries.get_source(
        session, source_id, world=who.world, supplier_id=who.partner_id, lock=lock
    )


def _suppliers() -> Suppliers:
    found: Suppliers = current_app.extensions["suppliers"]
    return found


@blp.route("/source-kinds")
class SourceKinds(MethodView):
    @blp.response(200, schemas.KindListSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """List the kinds of systems the hub can ask, and what each can do."""
        return {
            "items": [
                {
                    "kind": name,
                    "capabilities": asdict(kind.capabilities),
                    "settings_schema": msgspec.json.schema(kind.settings_type),
                    "credentials_schema": msgspec.json.schema(kind.credentials_type),
                }
                for name, kind in KINDS.items()
            ]
        }


@blp.route("/partners/<uuid:supplier_id>/sources")
class SupplierSources(MethodView):
    @blp.keyed
    @blp.arguments(schemas.SourceRequestSchema)
    @blp.response(201, schemas.SourceSchema)
    @blp.problems(
        errors.SourceExistsError, errors.SourceSettingsError, errors.CredentialsKeyError
    )
    def post(self, wanted: dict[str, Any], supplier_id: UUID) -> Any:
        """Set up a system of a supplier; it is read at once (operators)."""
        world = caller().world
        with transaction() as session:
            get_partner(session, supplier_id, world=world, kind=Kind.SUPPLIER)
            source = sources.open_source(
                session,
                _suppliers().sealer,
                wanted,
                world=world,
                supplier_id=supplier_id,
            )
            return _told(session, [source])[0]


@blp.route("/sources")
class Sources(MethodView):
    @blp.response(200, schemas.SourceListSchema)
    @blp.problems()
    def get(self) -> dict[str, Any]:
        """List sources with what they state and what was measured of them."""
        who = caller()
        with transaction() as session:
            found = queries.list_sources(
                session, world=who.world, supplier_id=who.partner_id
            )
            return {"items": _told(session, found)}


@blp.route("/sources/<uuid:source_id>")
class SourceById(MethodView):
    @blp.response(200, schemas.SourceSchema)
    @blp.problems()
    def get(self, source_id: UUID) -> Any:
        """Show a source."""
        with transaction() as session:
            return _told(session, [_own(session, source_id)])[0]

    @blp.keyed
    @blp.arguments(schemas.SourceChangeSchema)
    @blp.response(200, schemas.SourceSchema)
    @blp.problems(errors.SourceSettingsError, errors.CredentialsKeyError)
    def put(self, wanted: dict[str, Any], source_id: UUID) -> Any:
        """Change how a source is asked; what is not said stays (operators)."""
        with transaction() as session:
            source = _own(session, source_id, lock=True)
            sources.change_source(session, _suppliers().sealer, source, wanted)
            return _told(session, [source])[0]


@blp.route("/sources/<uuid:source_id>/stop")
class SourceStop(MethodView):
    @blp.keyed
    @blp.arguments(schemas.SourceStopSchema)
    @blp.response(200, schemas.SourceSchema)
    @blp.problems()
    def put(self, wanted: dict[str, Any], source_id: UUID) -> Any:
        """Stop asking a source, within seconds everywhere: the kill switch."""
        with transaction() as session:
            source = _own(session, source_id, lock=True)
            sources.stop_source(session, source, wanted["reason"])
            return _told(session, [source])[0]

    @blp.keyed
    @blp.response(200, schemas.SourceSchema)
    @blp.problems()
    def delete(self, source_id: UUID) -> Any:
        """Ask a source again; it is read at once."""
        with transaction() as session:
            source = sources.start_source(session, _own(session, source_id, lock=True))
            return _told(session, [source])[0]


@blp.route("/sources/<uuid:source_id>/syncs")
class SourceSyncs(MethodView):
    @blp.arguments(schemas.SyncQuerySchema, location="query")
    @blp.response(200, schemas.SyncPageSchema)
    @blp.problems()
    def get(self, wanted: dict[str, Any], source_id: UUID) -> dict[str, Any]:
        """List what reading a source has found, newest first."""
        limit = wanted["limit"]
        with transaction() as session:
            _own(session, source_id)
            rows = queries.list_syncs(
                session, source_id, after=id_after(wanted.get("after")), limit=limit
            )
        return page(rows, limit, lambda row: [row.id])

    @blp.keyed
    @blp.response(202, schemas.SourceSchema)
    @blp.problems()
    def post(self, source_id: UUID) -> Any:
        """Read a source as soon as a worker is free (operators)."""
        with transaction() as session:
            source = sources.sync_soon(session, _own(session, source_id, lock=True))
            return _told(session, [source])[0]


@blp.route("/syncs/<uuid:sync_id>/decision")
class SyncDecision(MethodView):
    @blp.keyed
    @blp.arguments(feeds.DecisionSchema)
    @blp.response(200, schemas.SyncSchema)
    @blp.problems(errors.NoDecisionError)
    def post(self, wanted: dict[str, Any], sync_id: UUID) -> Any:
        """Withdraw what a sync has held back, or leave it on sale (operators)."""
        with transaction() as session:
            return syncing.decide(
                session,
                sync_id,
                world=caller().world,
                is_let_in=wanted["decision"] == "let-in",
                by=caller().credential_id,
            )
