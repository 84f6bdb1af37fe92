"""Stopping and reopening a sale: from its commit on nothing more is held there."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import AlreadyLiftedError
from allocation.models import Stop
from allocation.queries.locks import stop_performances
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.ids import new_id

_SOLD = (
    "SELECT EXISTS (SELECT FROM performance p JOIN production s"
    " ON s.id = p.production_id JOIN auditorium r ON r.id = p.auditorium_id"
    " JOIN venue v ON v.id = r.venue_id WHERE p.supplier_id = :supplier"
)
_OWN = text(
    f"{_SOLD} AND (CAST(:performance AS uuid) IS NULL OR p.id = :performance)"
    " AND (CAST(:production AS uuid) IS NULL OR p.production_id = :production))"
)
_NAMED = {
    "area": text(
        "SELECT EXISTS (SELECT FROM performance p JOIN performance_area pa"
        " ON pa.performance_id = p.id JOIN area a ON a.id = pa.area_id"
        " WHERE p.supplier_id = :supplier AND a.ref = :said)"
    ),
    "price_type": text(
        "SELECT EXISTS (SELECT FROM performance p JOIN performance_area pa"
        " ON pa.performance_id = p.id JOIN offer o ON o.performance_area_id = pa.id"
        " WHERE p.supplier_id = :supplier AND o.price_type = :said)"
    ),
    "venue": text(f"{_SOLD} AND v.ref = :said)"),
    "auditorium": text(f"{_SOLD} AND r.ref = :said)"),
    "genre": text(f"{_SOLD} AND s.genre = :said)"),
    "channel": text(
        "SELECT EXISTS (SELECT FROM partner a JOIN partner s ON s.world = a.world"
        " WHERE s.id = :supplier AND a.channel = :said)"
    ),
}


def set_stop(
    session: Session,
    who: Caller,
    supplier_id: UUID,
    *,
    is_hard: bool,
    reason: str,
    performance_id: UUID | None = None,
    production_id: UUID | None = None,
    agent_id: UUID | None = None,
    **named: str,
) -> Stop:
    """Stop the sale of all that is named; what is not named is anything.

    *named*: an area, channel, price type, venue, auditorium or genre. Waits for the
    batches that sell there at this moment: whatever is acknowledged later was held
    before. Soft: what is held may be confirmed; hard: it may not.
    """
    _refuse_unknown(session, supplier_id, performance_id, production_id, named)
    stop_performances(session, [performance_id or supplier_id])
    stop = Stop(
        id=new_id(),
        world=who.world,
        supplier_id=supplier_id,
        performance_id=performance_id,
        production_id=production_id,
        agent_id=agent_id,
        is_hard=is_hard,
        reason=reason,
        made_at=clock.now(session, who.world),
        made_by=who.credential_id,
        **named,
    )
    session.add(stop)
    return stop


def _refuse_unknown(
    session: Session,
    supplier_id: UUID,
    performance_id: UUID | None,
    production_id: UUID | None,
    said: Mapping[str, str],
) -> None:
    """Refuse what is not there: such a stop would stop nothing, and look as if."""
    named = {"performance": performance_id, "production": production_id}
    if not session.scalar(_OWN, {"supplier": supplier_id, **named}):
        raise NotFoundError(**{f"{name}_id": found for name, found in named.items()})
    for name, value in said.items():
        where = {"supplier": supplier_id, "said": value}
        if not session.scalar(_NAMED[name], where):
            reason = "nothing the supplier sells has this name"
            raise InvalidRequestError(field=name, reason=reason)


def lift_stop(session: Session, who: Caller, stop_id: UUID) -> Stop:
    """Let the sale go on; holds that a hard stop took back stay taken back."""
    stop = session.get(Stop, stop_id, with_for_update=True)
    is_own = stop is not None and who.partner_id in {None, stop.supplier_id}
    if stop is None or stop.world != who.world or not is_own:
        raise NotFoundError(stop_id=stop_id)
    if stop.lifted_at is not None:
        raise AlreadyLiftedError(stop_id=stop_id, lifted_at=stop.lifted_at.isoformat())
    stop.lifted_at = clock.now(session, who.world)
    stop.lifted_by = who.credential_id
    return stop
