"""Worlds and their time: the database's clock plus the world's offset."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Interval, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub.kernel.db import Base, CreatedAt
from hub.kernel.errors import HubError, NotFoundError

LIVE = "live"

_NOW = text("SELECT clock_timestamp() + clock_offset FROM world WHERE name = :world")
_REAL = text("SELECT clock_timestamp()")
TIMES = text(
    "SELECT name, clock_timestamp() + clock_offset AS now, epoch FROM world"
    " WHERE name = ANY(:worlds)"
)
_MOVE = text(
    "UPDATE world SET clock_offset = :at - clock_timestamp()"
    " WHERE name = :world AND clock_timestamp() + clock_offset <= :at"
)


class World(Base):
    """Live, or one sandbox: data of different worlds never meet.

    ``epoch`` grows when terms, tax codes, contracts or the clock change: what was
    made from them and kept is then made anew.
    """

    __tablename__ = "world"

    name: Mapped[str] = mapped_column(primary_key=True)
    clock_offset: Mapped[timedelta] = mapped_column(Interval, server_default="0")
    epoch: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]


class ClockFixedError(HubError):
    """The clock of the live world is the database's."""

    code, title, status = "clock-fixed", "The live clock cannot be moved", 409


class ClockBackwardsError(HubError):
    """Time only moves forward, so that no closed period opens again."""

    code, title, status = "clock-backwards", "The clock only moves forward", 409


def now(session: Session, world: str) -> datetime:
    """Return the world's time, aware UTC; read it after the locks are held."""
    found: datetime | None = session.scalar(_NOW, {"world": world})
    if found is None:
        raise NotFoundError(world=world)
    return found


def real(session: Session) -> datetime:
    """Return the database's own time, aware UTC: what suppliers' times stand beside."""
    return session.scalar(_REAL)  # type: ignore[no-any-return]


def times(session: Session, worlds: Collection[str]) -> dict[str, datetime]:
    """Return the time of each world; read it after the locks are held."""
    found = session.execute(TIMES, {"worlds": sorted(worlds)})
    return {row.name: row.now for row in found}


def move(session: Session, world: str, *, at: datetime) -> None:
    """Set a sandbox's clock to *at*; it runs on from there."""
    if world == LIVE:
        raise ClockFixedError
    moved = session.execute(_MOVE, {"world": world, "at": at})
    if not moved.rowcount:  # type: ignore[attr-defined]
        raise ClockBackwardsError(
            now=now(session, world).isoformat(), at=at.isoformat()
        )
