"""A contract's lines of a period, out of the journal: as rows, as CSV, as a table's."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from partners.models import Contract
from settlement.rules.periods import Period
from settlement.rules.statements import (
    ACCOUNTS,
    COLUMNS,
    STATED,
    SUMMED,
    StatementRow,
)

_LINES = """
SELECT row_number() OVER (ORDER BY e.posted_xid, e.id)::int AS no, e.id AS entry_id,
    e.order_id, e.line_no AS order_line, e.kind, e.happened_at, e.tickets,
    e.{side}_amounts[1] AS face_minor, e.{side}_amounts[2] AS booking_fee_minor,
    e.{side}_amounts[3] AS service_fee_minor, e.{side}_amounts[4] AS commission_minor,
    e.{side}_amounts[5] AS other_minor, e.{side}_amounts[6] AS due_minor,
    o.id AS origin_entry_id, coalesce(e.detail->>'origin_period',
        to_char(coalesce(o.{side}_stated_at, o.happened_at) AT TIME ZONE {zone},
            'YYYY-MM')) AS origin_period,
    coalesce(e.{side}_stated_at, e.happened_at) AS stated_at,
    e.{side}_terms_id AS terms_id
FROM journal_entry e
LEFT JOIN LATERAL (
    SELECT id, {side}_stated_at, happened_at FROM journal_entry
    WHERE e.sequence > 0 AND order_id = e.order_id AND line_no = e.line_no
        AND sequence = 0
    UNION ALL SELECT id, {side}_stated_at, happened_at FROM journal_entry
    WHERE e.order_id IS NULL AND id = (e.detail->>'origin_entry_id')::uuid) o ON true
WHERE e.{side}_contract_id = {contract} AND e.kind = ANY({kinds})
    AND coalesce(e.{side}_stated_at, e.happened_at) >= {starts}
    AND coalesce(e.{side}_stated_at, e.happened_at) < {ends}
"""
_MOMENT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_LINE = sql.SQL(" || ',' || ").join(
    sql.SQL(_MOMENT if name == "happened_at" else "coalesce({}::text, '')").format(
        sql.Identifier(name)
    )
    for name in COLUMNS
)
_HEAD = ",".join(COLUMNS) + "\n"
# Beside what a line shows: when it is stated, and the terms it was made by.
_KEPT = ("stated_at", "terms_id")
CHUNK, CHUNKS = 1_000, 20
_SUMS = sql.SQL(", ").join(
    [sql.SQL("count(*)")]
    + [
        sql.SQL("coalesce(sum({}), 0)::bigint").format(sql.Identifier(name))
        for name in SUMMED
    ]
)
# So many lines as one text, and what they come to.
_BLOCKS = sql.SQL(
    sql.SQL(
        "SELECT string_agg({line}, E'\\n' ORDER BY no), {sums} FROM ({{lines}}) AS l"
        " GROUP BY (no - 1) / {chunk} ORDER BY (no - 1) / {chunk}"
    )
    .format(line=_LINE, sums=_SUMS, chunk=sql.Literal(CHUNK))
    .as_string()
)
_NOTHING = sql.SQL("SELECT")
_STORED = "SELECT * FROM statement_line WHERE statement_id = {statement}"


class Lines:
    """Lines as a query: nothing is read before they are asked for in some form."""

    def __init__(self, session: Session, query: str, named: Mapping[str, Any]) -> None:
        driver: Any = session.connection().connection.driver_connection
        self._cursor = driver.cursor
        literals: dict[str, Any] = {
            name: sql.Literal(value) for name, value in named.items()
        }
        literals["side"] = sql.SQL(named.get("side", ""))
        self._query = sql.SQL(query).format(**literals)
        session.flush()

    def csv(self) -> Iterator[bytes]:
        """Yield the lines as CSV, as ``as_csv`` makes it, many lines at a time.

        None of their texts has a comma, a quote or a line's end in it.
        """
        yield _HEAD.encode()
        with self._cursor(name="lines") as cursor:
            cursor.itersize = CHUNKS
            for block, *_ in cursor.execute(_BLOCKS.format(lines=self._query)):
                yield block.encode() + b"\n"

    def told(self) -> tuple[bytes, dict[str, int]]:
        """Return the SHA-256 of the lines' CSV, and their sums, of one reading."""
        return self._told(self._query)

    def keep(self, statement_id: UUID, side: str) -> tuple[bytes, dict[str, int]]:
        """Write the lines down as those of a statement; return them as ``told``."""
        names = sql.SQL(", ").join(map(sql.Identifier, (*COLUMNS, *_KEPT)))
        query = sql.SQL(
            "INSERT INTO statement_line (statement_id, side, {names})"
            " SELECT {statement}, {side}, {names} FROM ({lines}) AS l RETURNING *"
        ).format(
            names=names,
            statement=sql.Literal(statement_id),
            side=sql.Literal(side),
            lines=self._query,
        )
        return self._told(sql.SQL("SELECT * FROM kept"), kept=query)

    def _told(
        self, lines: sql.Composable, *, kept: sql.Composable = _NOTHING
    ) -> tuple[bytes, dict[str, int]]:
        """Read lines block by block, perhaps of what is written at the same time."""
        made, sums = sha256(_HEAD.encode()), [0] * (1 + len(SUMMED))
        query = sql.SQL("WITH kept AS ({kept}) ").format(kept=kept)
        with self._cursor() as cursor:
            for block, *parts in cursor.stream(query + _BLOCKS.format(lines=lines)):
                made.update(block.encode() + b"\n")
                sums = [one + more for one, more in zip(sums, parts, strict=True)]
        return made.digest(), dict(zip(("lines", *SUMMED), sums, strict=True))

    def totals(self) -> dict[str, int]:
        """Return how many lines there are, and their sums."""
        query = sql.SQL("SELECT {sums} FROM ({lines}) AS l").format(
            sums=_SUMS, lines=self._query
        )
        with self._cursor() as cursor:
            found = cursor.execute(query).fetchone()
        return dict(zip(("lines", *SUMMED), found, strict=True))

    def rows(self) -> list[StatementRow]:
        """Return the lines."""
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        query = sql.SQL("SELECT {names} FROM ({lines}) AS l ORDER BY no").format(
            names=names, lines=self._query
        )
        with self._cursor() as cursor:
            return [StatementRow(*row) for row in cursor.execute(query)]

    def row(self, no: int) -> StatementRow | None:
        """Return one of the lines by its number."""
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        query = sql.SQL("SELECT {names} FROM ({lines}) AS l WHERE no = {no}").format(
            names=names, lines=self._query, no=sql.Literal(no)
        )
        with self._cursor() as cursor:
            found = cursor.execute(query).fetchone()
        return None if found is None else StatementRow(*found)


def lines_of(session: Session, contract: Contract, side: str, period: Period) -> Lines:
    """Return a contract's lines of a period in posting order, as its side sees them."""
    named = {
        "side": side,
        "kinds": list(STATED),
        "contract": contract.id,
        "zone": contract.zone,
        "starts": period.starts_at,
        "ends": period.ends_at,
    }
    return Lines(session, _LINES, named)


def stored_lines(session: Session, statement_id: UUID) -> Lines:
    """Return the lines of a closed statement as they were when it was closed."""
    return Lines(session, _STORED, {"statement": statement_id})


_OPENING = {
    side: text(
        f"SELECT coalesce(sum({side}_amounts[6]), 0)::bigint FROM journal_entry"  # noqa: S608 - our own words
        f" WHERE {side}_contract_id = :contract"
        f" AND coalesce({side}_stated_at, happened_at) < :starts"
    )
    for side in ACCOUNTS
}
# What is stated of no sale has an index of its own: there is little of it.
_PAID = {
    side: text(
        f"SELECT -coalesce(sum({side}_amounts[6]), 0)::bigint FROM journal_entry"  # noqa: S608 - our own words
        f" WHERE {side}_contract_id = :contract AND order_id IS NULL"
        f" AND coalesce({side}_stated_at, happened_at) >= :starts"
        f" AND coalesce({side}_stated_at, happened_at) < :ends AND kind <> ALL(:kinds)"
    )
    for side in ACCOUNTS
}
_CARRIED = text(
    "SELECT closing_minor FROM statement WHERE contract_id = :contract"
    " AND ends_at = :starts AND state IN ('closed', 'paid')"
)


def balances_of(
    session: Session, contract: Contract, side: str, period: Period
) -> tuple[int, int]:
    """Return what was due at a period's beginning, and what was paid of it in it.

    Both as the side's statement says them: what the agent owes the hub, or the hub the
    supplier; what is on neither's statement but moves what is due is a payment.
    """
    where = {"contract": contract.id, "starts": period.starts_at}
    opening: int = session.scalars(_OPENING[side], where).one()
    return opening, _paid(session, contract, side, period)


def carried_over(
    session: Session, contract: Contract, side: str, period: Period
) -> tuple[int, int]:
    """Return the same, going on from the statement before where that is closed."""
    where = {"contract": contract.id, "starts": period.starts_at}
    before: int | None = session.scalar(_CARRIED, where)
    if before is None:
        return balances_of(session, contract, side, period)
    return before, _paid(session, contract, side, period)


def _paid(session: Session, contract: Contract, side: str, period: Period) -> int:
    where = {
        "kinds": list(STATED),
        "contract": contract.id,
        "starts": period.starts_at,
        "ends": period.ends_at,
    }
    found: int = session.scalars(_PAID[side], where).one()
    return found
