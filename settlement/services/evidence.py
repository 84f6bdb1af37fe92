"""Evidence of a period: its lines as Parquet by period and partner, and computed anew.

DuckDB computes from these files alone: what it finds is another way to the same sums,
by statement, by contract and day, and each commission from its base and rate.
"""

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
from sqlalchemy.orm import Session

from hub.kernel.db import beside
from settlement.errors import ExportFolderError
from settlement.queries import evidence as told

MEMORY = "512MB"
AT_ONCE = 2  # connections that read
KEY = "statement_no"
OnLines = Callable[[int], object]
LINES, TERMS = "lines", "terms"
_BY_STATEMENT = (
    "SELECT statement_id::VARCHAR, count(*), sum(tickets)::BIGINT,"
    " sum(face_minor)::BIGINT, sum(commission_minor)::BIGINT, sum(due_minor)::BIGINT"
    " FROM lines GROUP BY 1 ORDER BY 1"
)
_BY_DAY = (
    "SELECT contract_id::VARCHAR, stated_on, sum(tickets)::BIGINT,"
    " sum(face_minor)::BIGINT, sum(commission_minor)::BIGINT, sum(due_minor)::BIGINT"
    " FROM lines GROUP BY 1, 2 HAVING (sum(tickets), sum(face_minor),"
    " sum(commission_minor), sum(due_minor)) <> (0, 0, 0, 0) ORDER BY 1, 2"
)
# What a percentage of the face value comes to, half to even; other rules are not so
# simple, and hub verify quotes them anew.
_CENTS = """
WITH agreed AS (
    SELECT terms_id, clauses->>'$.commission.rate' AS rate FROM terms
    WHERE (clauses->>'$.commission.kind') = 'percent'
        AND (clauses->>'$.commission.base') = 'gross'
        AND (clauses->>'$.commission.bounds') IS NULL
        AND (clauses->>'$.rounding.commission') = 'half-even'
        AND (clauses->>'$.taxes.commission') IS NULL
        AND (clauses->>'$.capacity') = 'agent'
), rated AS (
    SELECT entry_id, lines.side, commission_minor AS told, face_minor::HUGEINT AS base,
        CASE WHEN rate LIKE '%/%' THEN split_part(rate, '/', 1) ELSE rate END::HUGEINT
            AS numerator,
        CASE WHEN rate LIKE '%/%' THEN split_part(rate, '/', 2) ELSE '10000'
            END::HUGEINT AS denominator
    FROM lines JOIN agreed USING (terms_id) WHERE kind = 'sale'
        AND face_minor <> 0 -- the base is on the side's own account
), exact AS (
    SELECT *, base * numerator // denominator AS whole,
        2 * (base * numerator % denominator) AS twice FROM rated
)
SELECT entry_id::VARCHAR, side, told, (whole + CASE WHEN twice > denominator
    OR (twice = denominator AND whole % 2 = 1) THEN 1 ELSE 0 END)::BIGINT AS found
FROM exact WHERE told <> (whole + CASE WHEN twice > denominator
    OR (twice = denominator AND whole % 2 = 1) THEN 1 ELSE 0 END) LIMIT 20
"""


@contextmanager
def new_folder(to: Path) -> Iterator[Path]:
    """Yield a folder that becomes *to* once all is in it; what failed leaves nothing.

    ExportFolderError when there is something already, or it cannot be written.
    """
    if to.exists():
        raise ExportFolderError(folder=str(to), reason="it is there already")
    making = to.with_name(f".{to.name}.{uuid4().hex}")
    try:
        making.mkdir(parents=True)
        yield making
        making.rename(to)
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or str(error)[:200]
        raise ExportFolderError(folder=str(to), reason=reason) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_evidence(
    session: Session,
    folder: Path,
    *,
    world: str,
    period: str,
    on_lines: OnLines = lambda _: None,
) -> int:
    """Write a period's lines into a folder, by period and partner; return how many.

    Beside them the versions of terms, so that cents can be made anew from the files.
    Two connections read at a time, both as of the session's moment; *on_lines* hears
    how many lines of each statement have been read.
    """
    paths = _read_lines(session, folder, told.stated(session, world, period), on_lines)
    statements = told.statements_csv(session, world, period)
    _put(folder / "statements.csv", statements)
    _put(folder / "terms.csv", told.terms_csv(session, world))
    with _duckdb(folder) as engine:
        lines = _read(paths, told.LINES_COLUMNS)
        said = _read([folder / "statements.csv"], told.STATEMENTS_COLUMNS)
        rows = f"SELECT * EXCLUDE statement_no FROM {lines} JOIN {said} USING ({KEY})"  # noqa: S608 - our own words
        by = "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (period, partner))"
        count = _copy(engine, rows, folder / LINES, by)
        rows = f"FROM {_read([folder / 'terms.csv'], told.TERMS_COLUMNS)}"
        to = folder / f"{TERMS}.parquet"
        _copy(engine, rows, to, "(FORMAT parquet, COMPRESSION zstd)")
    for source in folder.glob("*.csv"):
        source.unlink()
    return count


def _read_lines(
    session: Session, folder: Path, found: Iterable[told.Stated], on_lines: OnLines
) -> list[Path]:
    """Write the lines of statements as CSV, by two connections; return the files."""
    paths = [folder / f"{LINES}-{no}.csv" for no in range(AT_ONCE)]
    with ExitStack() as more, ThreadPoolExecutor(AT_ONCE) as pool:
        sessions = [session]
        sessions += [more.enter_context(beside(session)) for _ in paths[1:]]
        stop = threading.Event()
        put = partial(_put_lines, stop, on_lines)
        work = zip(sessions, paths, _shared(found), strict=True)
        try:
            for done in as_completed([pool.submit(put, *one) for one in work]):
                done.result()
        except BaseException:
            stop.set()  # whatever ends one ends both
            raise
    return paths


def _shared(found: Iterable[told.Stated]) -> list[list[told.Stated]]:
    """Share statements out among the connections, the longest first, evenly."""
    shares: list[list[told.Stated]] = [[] for _ in range(AT_ONCE)]
    lengths = [0] * AT_ONCE
    for one in sorted(found, key=lambda one: (-one.lines, one.no)):
        least = lengths.index(min(lengths))
        shares[least].append(one)
        lengths[least] += one.lines
    return shares


def _put_lines(
    stop: threading.Event,
    on_lines: OnLines,
    session: Session,
    path: Path,
    found: Iterable[told.Stated],
) -> None:
    """Write the lines of statements, until all are or it is to stop."""
    with path.open("wb") as sink:
        for one in found:
            for block in told.lines_csv(session, one):
                if stop.is_set():
                    return
                sink.write(block)
            on_lines(one.lines)


def _put(path: Path, blocks: Iterable[bytes]) -> None:
    with path.open("wb") as sink:
        for block in blocks:
            sink.write(block)


def _read(sources: Sequence[Path], columns: str) -> str:
    """Return how DuckDB reads rows that come as CSV."""
    kinds = ", ".join(
        f"'{name}': '{kind}'" for name, kind in map(str.split, columns.split(", "))
    )
    paths = ", ".join(f"'{_quoted(source)}'" for source in sources)
    return (
        f"read_csv([{paths}], header = false, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        f" columns = {{{kinds}}})"
    )


def _copy(engine: Any, rows: str, to: Path, form: str) -> int:
    """Write rows as Parquet; return how many."""
    written = engine.execute(f"COPY ({rows}) TO '{_quoted(to)}' {form}").fetchone()
    return int(written[0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def _duckdb(folder: Path) -> Iterator[Any]:
    """Yield a DuckDB of its own, that spills into the folder and fetches nothing."""
    config: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spilled"),
        "autoinstall_known_extensions": False,
        "threads": 2,
    }
    with duckdb.connect(config=config) as engine:
        yield engine
    shutil.rmtree(folder / "spilled", ignore_errors=True)


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """Yield a DuckDB that has the evidence of a folder as ``lines``."""
    with _duckdb(folder) as engine:
        path = _quoted(folder / LINES)
        engine.execute(
            f"CREATE VIEW lines AS SELECT * FROM read_parquet('{path}/*/*/*.parquet',"  # noqa: S608
            " hive_partitioning = true, hive_types = {'period': VARCHAR,"
            " 'partner': VARCHAR})"
        )
        path = _quoted(folder / f"{TERMS}.parquet")
        engine.execute(f"CREATE VIEW terms AS SELECT * FROM read_parquet('{path}')")  # noqa: S608
        yield engine


def by_statement(engine: Any) -> list[tuple[Any, ...]]:
    """Return what each statement's lines come to."""
    found: list[tuple[Any, ...]] = engine.execute(_BY_STATEMENT).fetchall()
    return found


def by_day(engine: Any) -> list[tuple[Any, ...]]:
    """Return what each contract's days come to."""
    found: list[tuple[Any, ...]] = engine.execute(_BY_DAY).fetchall()
    return found


def wrong_cents(engine: Any) -> list[tuple[Any, ...]]:
    """Return commissions of sales that are not their rate of the face value."""
    found: list[tuple[Any, ...]] = engine.execute(_CENTS).fetchall()
    return found


def differences(
    told: Iterable[Sequence[Any]], found: Iterable[Sequence[Any]]
) -> list[str]:
    """Return what one way says and the other does not, in words."""
    one, other = {tuple(row) for row in told}, {tuple(row) for row in found}
    return [f"only told: {row}" for row in sorted(one - other, key=str)] + [
        f"only recomputed: {row}" for row in sorted(other - one, key=str)
    ]
