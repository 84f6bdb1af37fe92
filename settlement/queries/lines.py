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
    SIGNS,
    STATED,
    SUMMED,
    StatementRow,
)

# {sign} is the side's: what is owed to the hub is a debit, what it owes a credit.
_LINES = """
SELECT row_number() OVER (ORDER BY e.posted_xid, e.id)::int AS no, e.id AS entry_id,
    e.order_id, e.line_no AS order_line, e.kind, e.happened_at, e.tickets,
    {sign} * p.face AS face_minor, {sign} * p.booking AS booking_fee_minor,
    p.fee AS service_fee_minor, -{sign} * p.commission AS commission_minor,
    {sign} * (p.total - p.face - p.booking - p.fee - p.commission) AS other_minor,
    {sign} * p.total AS due_minor, o.id AS origin_entry_id,
    coalesce(e.detail->>'origin_period', to_char(coalesce(o.{side}_stated_at,
        o.happened_at) AT TIME ZONE {zone}, 'YYYY-MM')) AS origin_period
FROM journal_entry e
CROSS JOIN LATERAL (SELECT
    coalesce(sum(amount_minor) FILTER (WHERE what = 'face'), 0)::bigint AS face,
    coalesce(sum(amount_minor) FILTER (WHERE what = 'booking-fee'), 0)::bigint
        AS booking,
    coalesce(sum(amount_minor) FILTER (WHERE what = 'service-fee'), 0)::bigint AS fee,
    coalesce(sum(amount_minor) FILTER (WHERE what = 'commission'), 0)::bigint
        AS commission,
    coalesce(sum(amount_minor), 0)::bigint AS total
    FROM posting WHERE entry_id = e.id AND party_id = {party}
        AND account = ANY({accounts})) p
LEFT JOIN journal_entry o ON CASE WHEN e.order_id IS NOT NULL
    THEN e.sequence > 0 AND o.order_id = e.order_id AND o.line_no = e.line_no
        AND o.sequence = 0
    ELSE o.id = (e.detail->>'origin_entry_id')::uuid END
WHERE e.{side}_contract_id = {contract} AND e.kind = ANY({kinds})
    AND coalesce(e.{side}_stated_at, e.happened_at) >= {starts}
    AND coalesce(e.{side}_stated_at, e.happened_at) < {ends}
"""
_SHOWN = sql.SQL(", ").join(
    sql.SQL("to_char(happened_at AT TIME ZONE 'UTC',")
    + sql.SQL(' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS happened_at')
    if name == "happened_at"
    else sql.Identifier(name)
    for name in COLUMNS
)
_SUMS = sql.SQL(", ").join(
    sql.SQL("coalesce(sum({}), 0)::bigint").format(sql.Identifier(name))
    for name in SUMMED
)
_STORED = "SELECT * FROM statement_line WHERE statement_id = {statement}"


class Lines:
    """Lines as a query: nothing is read before they are asked for in some form."""

    def __init__(self, session: Session, query: str, named: Mapping[str, Any]) -> None:
        driver: Any = session.connection().connection.driver_connection
        self._cursor = driver.cursor
        literals = {name: sql.Literal(value) for name, value in named.items()}
        words = {name: sql.SQL(word) for name, word in _words(named).items()}
        self._query = sql.SQL(query).format(**literals | words)
        session.flush()

    def csv(self) -> Iterator[bytes]:
        """Yield the lines as CSV, as ``as_csv`` makes it, block by block."""
        copied = sql.SQL(
            "COPY (SELECT {shown} FROM ({lines}) AS l ORDER BY no)"
            " TO STDOUT (FORMAT csv, HEADER)"
        ).format(shown=_SHOWN, lines=self._query)
        with self._cursor() as cursor, cursor.copy(copied) as found:
            for block in found:
                yield bytes(block)

    def digest(self) -> bytes:
        """Return the SHA-256 of the lines' CSV."""
        made = sha256()
        for block in self.csv():
            made.update(block)
        return made.digest()

    def totals(self) -> dict[str, int]:
        """Return how many lines there are, and their sums."""
        query = sql.SQL("SELECT count(*), {sums} FROM ({lines}) AS l").format(
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

    def keep(self, statement_id: UUID, side: str) -> None:
        """Write the lines down as those of a statement."""
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        query = sql.SQL(
            "INSERT INTO statement_line (statement_id, side, {names})"
            " SELECT {statement}, {side}, {names} FROM ({lines}) AS l"
        ).format(
            names=names,
            statement=sql.Literal(statement_id),
            side=sql.Literal(side),
            lines=self._query,
        )
        with self._cursor() as cursor:
            cursor.execute(query)


def _words(named: Mapping[str, Any]) -> dict[str, str]:
    side = named.get("side")
    return {} if side is None else {"side": side, "sign": f"({SIGNS[side]})"}


def lines_of(session: Session, contract: Contract, side: str, period: Period) -> Lines:
    """Return a contract's lines of a period in posting order, as its side sees them."""
    named = {
        "side": side,
        "accounts": list(ACCOUNTS[side]),
        "kinds": list(STATED),
        "party": contract.partner_id,
        "contract": contract.id,
        "zone": contract.zone,
        "starts": period.starts_at,
        "ends": period.ends_at,
    }
    return Lines(session, _LINES, named)


def stored_lines(session: Session, statement_id: UUID) -> Lines:
    """Return the lines of a closed statement as they were when it was closed."""
    return Lines(session, _STORED, {"statement": statement_id})


_BALANCES = {
    side: text(
        "SELECT coalesce(sum(p.amount_minor) FILTER (WHERE at < :starts), 0)::bigint"  # noqa: S608 - our own words
        f" * {SIGNS[side]} AS opening, coalesce(sum(p.amount_minor) FILTER"
        " (WHERE at >= :starts AND e.kind <> ALL(:kinds)), 0)::bigint"
        f" * {-SIGNS[side]} AS payments FROM journal_entry e JOIN posting p"
        " ON p.entry_id = e.id AND p.party_id = :party AND p.account = ANY(:accounts)"
        f" CROSS JOIN LATERAL (SELECT coalesce(e.{side}_stated_at, e.happened_at)"
        " AS at) t"
        f" WHERE e.{side}_contract_id = :contract AND at < :ends"
    )
    for side in ACCOUNTS
}


def balances_of(
    session: Session, contract: Contract, side: str, period: Period
) -> tuple[int, int]:
    """Return what was due at a period's beginning, and what was paid of it in it.

    Both as the side's statement says them: what the agent owes the hub, or the hub the
    supplier; what is on neither's statement but moves what is due is a payment.
    """
    where = {
        "party": contract.partner_id,
        "accounts": list(ACCOUNTS[side]),
        "kinds": list(STATED),
        "contract": contract.id,
        "starts": period.starts_at,
        "ends": period.ends_at,
    }
    row = session.execute(_BALANCES[side], where).one()
    return row.opening, row.payments
