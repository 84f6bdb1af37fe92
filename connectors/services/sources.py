"""Setting sources up, changing them, and the switch that stops one at once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.errors import SourceExistsError, SourceSettingsError
from connectors.models import Feed, Source
from connectors.services.sealing import Sealer
from connectors.suppliers.kinds import EVERY, Kind
from connectors.suppliers.settings import read
from connectors.suppliers.soap import Waits, Wire
from hub.kernel import clock
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id

HINT_PAUSE_S = 10
_HINT = text(
    "UPDATE source SET hinted_at = clock_timestamp(), next_sync_at = least("
    " next_sync_at, greatest(clock_timestamp(), hinted_at"
    " + make_interval(secs => :pause)))"
    " WHERE hint_token = :token RETURNING id"
)
CHANGES = (
    *("every_s", "connect_ms", "operation_ms", "at_once", "reads_per_minute"),
    *("tolerance_minor", "url"),
)


def open_source(
    session: Session,
    sealer: Sealer,
    wanted: Mapping[str, Any],
    *,
    world: str,
    supplier_id: UUID,
) -> Source:
    """Set a source up with a feed of its own; its first sync is due at once.

    SourceExistsError for a name that is taken, SourceSettingsError for settings or
    credentials that its kind cannot use.
    """
    kind = EVERY[wanted["kind"]]
    settings = _checked("settings", kind.settings_type, wanted["settings"])
    credentials = _checked("credentials", kind.credentials_type, wanted["credentials"])
    _refuse_unless_opened(kind, wanted["url"], settings, credentials)
    feed_id = _feed(session, wanted, world=world, supplier_id=supplier_id)
    source = Source(
        id=new_id(),
        world=world,
        supplier_id=supplier_id,
        feed_id=feed_id,
        name=wanted["name"],
        kind=wanted["kind"],
        settings=settings,
        credentials=sealer.seal(credentials),
        is_live=kind.capabilities.sells,
        version=1,
        next_sync_at=clock.real(session),
        **{name: wanted[name] for name in CHANGES},
    )
    session.add(source)
    session.flush()
    return source


def _feed(
    session: Session, wanted: Mapping[str, Any], *, world: str, supplier_id: UUID
) -> UUID:
    """Open the feed what is read goes into; SourceExistsError if the name is taken."""
    feed = {
        "id": new_id(),
        "world": world,
        "supplier_id": supplier_id,
        "name": wanted["name"],
        "drop_share_max_bp": wanted["drop_share_max_bp"],
    }
    made = insert(Feed).values(feed).on_conflict_do_nothing().returning(Feed.id)
    found: UUID | None = session.scalar(made)
    if found is None:
        raise SourceExistsError(source=wanted["name"])
    return found


def change_source(
    session: Session, sealer: Sealer, source: Source, wanted: Mapping[str, Any]
) -> Source:
    """Change a source; processes that use it see it within seconds."""
    kind = EVERY[source.kind]
    if "settings" in wanted:
        source.settings = _checked("settings", kind.settings_type, wanted["settings"])
    if "credentials" in wanted:
        given = _checked("credentials", kind.credentials_type, wanted["credentials"])
        source.credentials = sealer.seal(given)
    for name in CHANGES:
        if name in wanted:
            setattr(source, name, wanted[name])
    if wanted.keys() & {"settings", "url"}:
        source.mark = None  # what was told before meant something else
    own = sealer.open(source.credentials)
    _refuse_unless_opened(kind, source.url, source.settings, own)
    source.version += 1
    session.flush()
    return source


def stop_source(session: Session, source: Source, because: str) -> Source:
    """Ask it nothing more, from within seconds on, until somebody starts it again."""
    source.is_stopped, source.stopped_because = True, because[:300]
    source.version += 1
    session.flush()
    return source


def start_source(session: Session, source: Source) -> Source:
    """Ask it again; a sync is due at once."""
    source.is_stopped, source.stopped_because = False, None
    source.version += 1
    source.next_sync_at = clock.real(session)
    session.flush()
    return source


def hint(session: Session, token: str) -> None:
    """Have a source read soon, for somebody says that something is new there.

    NotFoundError for a token that is nobody's. Not sooner than HINT_PAUSE_S after it
    was said before.
    """
    said = {"token": token, "pause": HINT_PAUSE_S}
    if session.scalar(_HINT, said) is None:
        raise NotFoundError


def sync_soon(session: Session, source: Source) -> Source:
    """Have a source read as soon as a worker is free."""
    source.next_sync_at = clock.real(session)
    session.flush()
    return source


def _refuse_unless_opened(
    kind: Kind, url: str, settings: Mapping[str, Any], credentials: Mapping[str, Any]
) -> None:
    """Raise SourceSettingsError if no port can be made of it; asks nobody."""
    try:
        kind(url, settings, credentials, Wire(Waits(1, 1)))
    except ValueError as error:
        raise SourceSettingsError(field="settings", reason=str(error)) from None


def _checked(what: str, kind: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    try:
        read(kind, said)
    except ValueError as error:
        raise SourceSettingsError(field=what, reason=str(error)) from None
    return dict(said)
