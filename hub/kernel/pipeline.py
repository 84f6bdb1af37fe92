"""Statements sent without waiting for the answer to each: for the hot path only.

Between two statements of a busy process lie a round trip and a fight for the
interpreter lock with every request thread; a batch sends many and waits once.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_KEY = "hub.pipeline"
_DIALECT: PGDialect_psycopg = PGDialect_psycopg()  # type: ignore[no-untyped-call]

Sent = psycopg.Cursor[Any]


@contextmanager
def pipelined(session: Session) -> Generator[None]:
    """Let ``send`` send at once; the block's end waits for all answers.

    Inside it a session may only be used through ``send``. What fails, fails as
    SQLAlchemy's errors do; which statement it was is known only at the end.
    """
    connection: psycopg.Connection[Any] = (
        session.connection().connection.driver_connection  # type: ignore[assignment]
    )
    try:
        with connection.pipeline():
            session.info[_KEY] = connection
            yield
    except psycopg.Error as error:
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, dialect=_DIALECT
        ) from error
    finally:
        session.info.pop(_KEY, None)


def send(session: Session, clause: TextClause, parameters: Mapping[str, Any]) -> Sent:
    """Send a statement inside ``pipelined``; the cursor has its rows by name."""
    connection: psycopg.Connection[Any] = session.info[_KEY]
    cursor: Sent = connection.cursor(row_factory=namedtuple_row)
    return cursor.execute(_written(clause), parameters)


@cache
def _written(clause: TextClause) -> str:
    return str(clause.compile(dialect=_DIALECT))
