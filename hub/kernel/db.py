"""The database: declarative base, column words, engine, and the one transaction."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from psycopg import sql
from sqlalchemy import (
    BigInteger,
    DateTime,
    Engine,
    ForeignKey,
    MetaData,
    Text,
    create_engine,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker

from hub.kernel.ids import new_id

Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
WorldName = Annotated[str, mapped_column(Text, ForeignKey("world.name"))]
Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[
    datetime,
    mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp()),
]
Minor = Annotated[int, mapped_column(BigInteger)]
Names = Annotated[dict[str, str], mapped_column(JSONB)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# A month's lines are sorted in memory; the command line works on two at a time.
_UNLIMITED = text(
    "SELECT set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true),"
    " set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')),"
    "  pg_size_bytes('128MB')) / 1024 || 'kB', true)"
)


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = {str: Text}  # noqa: RUF012 - SQLAlchemy's own hook


def rows(found: Iterable[object]) -> str:
    """Return rows (dicts, dataclasses, structs) as one JSON parameter.

    For ``json_to_recordset(CAST(:rows AS json))``: measured, a statement with arrays
    costs four times as much Python as this, since psycopg escapes each element.
    """
    return msgspec.json.encode(list(found)).decode()


_TURN = text("SELECT pg_advisory_xact_lock(hashtext(:what))")
SessionFactory = sessionmaker(expire_on_commit=False)
HotSessionFactory = sessionmaker(expire_on_commit=False)
# A plan that was made and kept while a table was empty reads all of it later; the hot
# path only looks keys up, and starting a parallel worker takes longer than that.
LOCK_TIMEOUT_MS = 10_000
HOT_LOCK_TIMEOUT_MS = 2_000  # a whole batch waits
ONLY_BY_KEY = (
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
    "-c max_parallel_workers_per_gather=0 "
)


def connect(
    url: str,
    *,
    pool_size: int = 4,
    statement_timeout_s: int = 30,
    is_patient: bool = False,
    is_hot: bool = False,
) -> Engine:
    """Make the engine for *url*; every connection has bounded waits.

    A patient one asks each connection first whether it still works: jobs do. A hot one
    is for the committers: its statements look rows up by their keys.
    """
    lock_timeout_ms = HOT_LOCK_TIMEOUT_MS if is_hot else LOCK_TIMEOUT_MS
    options = (ONLY_BY_KEY if is_hot else "") + (
        f"-c statement_timeout={statement_timeout_s * 1000} "
        f"-c lock_timeout={lock_timeout_ms} "
        "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
    )
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=is_patient,
        connect_args={"options": options, "connect_timeout": 5},
    )


def bind(engine: Engine, hot: Engine | None = None) -> None:
    """Make *engine* the one that transactions of this process use; *hot* committers."""
    SessionFactory.configure(bind=engine)
    HotSessionFactory.configure(bind=hot or engine)


_joined: ContextVar[Session | None] = ContextVar("joined", default=None)


@contextmanager
def transaction() -> Generator[Session]:
    """Open the one transaction of this request, job or command, or join it."""
    outer = _joined.get()
    if outer is not None:
        yield outer
        outer.flush()
        return
    with SessionFactory.begin() as session:
        yield session


@contextmanager
def joined(session: Session) -> Generator[None]:
    """Let every transaction of this thread that is opened inside be this session's."""
    token = _joined.set(session)
    try:
        yield
    finally:
        _joined.reset(token)


def take_turns(session: Session, what: str) -> None:
    """Wait until no other transaction takes turns at *what*; hold it to this one's end.

    For what has no row to lock: a number to come next, a sum nobody may add to.
    """
    session.execute(_TURN, {"what": what})


@contextmanager
def hot_transaction() -> Generator[Session]:
    """Open the transaction of a committer's batch."""
    with HotSessionFactory.begin() as session:
        yield session


@contextmanager
def snapshot() -> Generator[Session]:
    """Open a read-only transaction in which everything is as of one moment."""
    with _as_of_one_moment() as session:
        unlimited(session)
        yield session


@contextmanager
def beside(session: Session) -> Generator[Session]:
    """Open a read-only transaction of its own that sees just what *session* sees."""
    seen = session.scalars(text("SELECT pg_export_snapshot()")).one()
    with _as_of_one_moment() as other:
        driver: Any = other.connection().connection.driver_connection
        driver.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(seen)))
        unlimited(other)
        yield other


@contextmanager
def _as_of_one_moment() -> Generator[Session]:
    with SessionFactory() as session:
        session.connection(
            execution_options={
                "isolation_level": "REPEATABLE READ",
                "postgresql_readonly": True,
            }
        )
        yield session
        session.rollback()


def unlimited(session: Session) -> None:
    """Let this transaction take as long as it needs, asking or not, and in memory."""
    session.execute(_UNLIMITED)
