"""Moving a sandbox's time: forward, and not past what its jobs can reckon with."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.errors import InvalidRequestError
from hub.sandbox.models import Sandbox

AHEAD_MOST = timedelta(days=3 * 365)


def move(session: Session, sandbox: Sandbox, *, at: datetime) -> None:
    """Set a sandbox's clock; InvalidRequestError beyond three years of its start."""
    if at > sandbox.season_from + AHEAD_MOST:
        latest = (sandbox.season_from + AHEAD_MOST).isoformat()
        raise InvalidRequestError(field="now", reason=f"not after {latest}")
    clock.move(session, sandbox.world, at=at)
