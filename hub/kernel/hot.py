"""A transaction in two calls: one that locks and reads, one that writes and commits.

For the hottest path only. A call is a function of the database with one JSON document
in and one out: between the two the process decides. A statement more costs a busy
process more than it costs the database.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import msgspec
import psycopg
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.kernel.db import HotSessionFactory, SessionFactory

Said = tuple[LiteralString, Sequence[object]]
"""A function's call and its documents."""
_DIALECT: PGDialect_psycopg = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Calls:
    """One transaction of two calls; without the second nothing has happened."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        self.is_open = False

    def begin(self, call: LiteralString, *said: bytes) -> str:
        """Begin, and call a function with documents; return the one it answers.

        Once begun, it may be called again.
        """
        is_begun, self.is_open = self.is_open, True
        with self.connection.pipeline():
            if not is_begun:
                self.connection.execute("BEGIN")
            cursor = self.connection.execute(call, _texts(said), prepare=True)
        found: str = cursor.fetchone()[0]  # type: ignore[index]
        return found

    def commit(self, *said: Said) -> None:
        """Call functions with documents, and commit; what one raises rolls all back."""
        with self.connection.pipeline():
            for call, documents in said:
                texts = _texts(map(msgspec.json.encode, documents))
                self.connection.execute(call, texts, prepare=True)
            self.connection.execute("COMMIT")
        self.is_open = False

    def roll_back(self) -> None:
        """Let the locks go, if any are held."""
        if self.is_open and not self.connection.closed:
            self.connection.execute("ROLLBACK")
        self.is_open = False


class InnerCalls(Calls):
    """The same calls inside a transaction that somebody else began and will end."""

    def begin(self, call: LiteralString, *said: bytes) -> str:
        """Call a function with documents; return the one it answers."""
        cursor = self.connection.execute(call, _texts(said), prepare=True)
        found: str = cursor.fetchone()[0]  # type: ignore[index]
        return found

    def commit(self, *said: Said) -> None:
        """Call functions with documents; whoever began commits."""
        for call, documents in said:
            texts = _texts(map(msgspec.json.encode, documents))
            self.connection.execute(call, texts, prepare=True)


def inner_calls(session: Session) -> InnerCalls:
    """Return the calls of a session's own transaction, all it holds back sent."""
    session.flush()
    connection: psycopg.Connection[Any] = (
        session.connection().connection.driver_connection  # type: ignore[assignment]
    )
    return InnerCalls(connection)


def find_one(query: LiteralString, where: Sequence[object]) -> tuple[Any, ...] | None:
    """Return the one row of a query, which is a transaction of its own.

    It does not see what a transaction of the caller's has not committed.
    """
    pooled = SessionFactory.kw["bind"].raw_connection()
    connection: psycopg.Connection[Any] = pooled.driver_connection
    try:
        connection.autocommit = True
        return connection.execute(query, where, prepare=True).fetchone()
    except psycopg.Error as error:
        if connection.broken:
            pooled.invalidate(error)
        raise as_dbapi_error(error) from error
    finally:
        if not connection.closed:
            connection.autocommit = False
        pooled.close()


def _texts(said: Iterable[bytes]) -> list[str]:
    return [document.decode() for document in said]


def as_dbapi_error(error: psycopg.Error) -> Exception:
    """Return what SQLAlchemy would have made of a driver's error."""
    return DBAPIError.instance(None, None, error, psycopg.Error, dialect=_DIALECT)


@contextmanager
def hot_calls() -> Generator[Calls]:
    """Open the transaction of a committer's batch; what fails, fails as elsewhere."""
    pooled = HotSessionFactory.kw["bind"].raw_connection()
    connection: psycopg.Connection[Any] = pooled.driver_connection
    connection.autocommit = True
    calls = Calls(connection)
    try:
        yield calls
    except psycopg.Error as error:
        if connection.broken:
            pooled.invalidate(error)
        raise as_dbapi_error(error) from error
    finally:
        try:
            if not connection.closed:
                calls.roll_back()
                connection.autocommit = False
        except psycopg.Error as error:  # it went away meanwhile: nothing is held
            pooled.invalidate(error)
        pooled.close()
