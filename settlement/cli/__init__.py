"""hub settlement: what finance does at the end of a month."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec
from rich.progress import Progress
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller, Kind
from hub.kernel.db import transaction
from hub.kernel.errors import ForbiddenError, HubError, UnauthenticatedError
from hub.kernel.money import Money
from partners.models import Partner
from partners.queries import find_caller
from partners.rules import key_hash
from settlement.errors import (
    AlreadyClosedError,
    LinesRefusedError,
    NotReviewedError,
    TermsRefusedError,
)
from settlement.models import Statement
from settlement.queries import statements as queries
from settlement.rules.files import FILES, quote_files, schema
from settlement.rules.periods import month
from settlement.rules.statements import as_csv
from settlement.services import statements

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
KEY = click.option(
    "--key", envvar="HUB_API_KEY", required=True, help="A finance key (HUB_API_KEY)."
)


@click.group("settlement")
def settlement() -> None:
    """Quote lines; draft, review and close a month (with two finance keys)."""


def identify(key: str, secret: str, *, scope: str = "write") -> Caller:
    """Return whose key it is; only finance settles."""
    with transaction() as session:
        who = find_caller(session, key_hash(key, secret))
    if who is None:
        raise UnauthenticatedError
    if who.kind is not Kind.FINANCE or scope not in who.scopes:
        raise ForbiddenError(kind=str(who.kind), allowed=str(Kind.FINANCE), scope=scope)
    return who


def each(
    title: str, found: Sequence[Statement], work: Callable[[Statement], object]
) -> None:
    """Do *work* on each statement: a progress bar on a terminal, a line otherwise."""
    if not sys.stderr.isatty():
        for statement in found:
            work(statement)
        click.echo(f"{title}: {len(found)} statements", err=True)
        return
    with Progress() as progress:
        for statement in progress.track(found, description=title):
            work(statement)


@settlement.command("quote")
@click.option("--terms", type=FILE, required=True, help="Terms, as JSON.")
@click.option("--lines", type=FILE, required=True, help="Lines, as JSON.")
def quote(*, terms: Path, lines: Path) -> None:
    """Quote a file of lines under a file of terms; needs no database.

    Writes JSON: a quote a line, in order, and sums. `hub settlement schema` has the
    JSON Schema of what is read and written.
    """
    try:
        found = quote_files(terms.read_bytes(), lines.read_bytes())
    except (TermsRefusedError, LinesRefusedError) as refusal:
        for wrong in _wrongs(refusal):
            click.echo(wrong, err=True)
        click.echo(f"hub: {refusal.title}", err=True)
        raise SystemExit(2) from None
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def _wrongs(refusal: HubError) -> Iterator[str]:
    for facts in refusal.facts.values():
        for wrong in facts if isinstance(facts, list) else ():
            where = wrong.get("clause", wrong.get("line")) or "the file"
            yield f"{where}: {wrong['reason']}"


@settlement.command("schema")
@click.argument("name", type=click.Choice(sorted(FILES)))
def show_schema(*, name: str) -> None:
    """Write the JSON Schema of terms, lines, quotes or events of money."""
    click.echo(json.dumps(schema(name), indent=2))


@settlement.command("draft")
@click.argument("period")
@KEY
@click.pass_obj
def draft(database: Any, *, period: str, key: str) -> None:
    """Draft every statement of PERIOD (such as 2026-11)."""
    with database() as settings:
        who = identify(key, settings.secret_key)
        ids = statements.draft_period(transaction, who, period)
        click.echo(f"{period}: {len(ids)} statements", err=True)


@settlement.command("review")
@click.argument("period")
@KEY
@click.pass_obj
def review(database: Any, *, period: str, key: str) -> None:
    """Review every draft of PERIOD; drafts it first if nobody has."""
    with database() as settings:
        who = identify(key, settings.secret_key)
        for line in review_period(who, period):
            click.echo(line)


def review_period(who: Caller, period: str) -> list[str]:
    """Review every draft of a period, as it was drafted; return what was reviewed."""
    with transaction() as session:
        is_drafted = bool(queries.of_period(session, world=who.world, period=period))
    if not is_drafted:
        statements.draft_period(transaction, who, period)
    with transaction() as session:
        drafts = _in_state(session, who, period, "draft")
    told: list[str] = []

    def work(statement: Statement) -> None:
        digest = statement.lines_digest.hex()
        with transaction() as session:
            done = statements.review(session, who, statement.id, lines_sha256=digest)
            told.append(_told(session, done))

    each(f"reviewing {period}", drafts, work)
    return told


@settlement.command("close")
@click.argument("period")
@KEY
@click.pass_obj
def close(database: Any, *, period: str, key: str) -> None:
    """Close every reviewed statement of PERIOD; not with the reviewer's key."""
    with database() as settings:
        close_period(identify(key, settings.secret_key), period)


def close_period(who: Caller, period: str) -> None:
    """Close what has been reviewed of a period, after the fence."""
    month(period, "UTC")
    with transaction() as session:
        reviewed = _in_state(session, who, period, "reviewed")
        drafts = _in_state(session, who, period, "draft")
        closed = _in_state(session, who, period, "closed")
    if closed and not reviewed and not drafts:
        raise AlreadyClosedError(period=period, closed=len(closed))
    if drafts or not reviewed:
        raise NotReviewedError(
            period=period, reviewed=len(reviewed), not_reviewed=len(drafts)
        )
    watermark = statements.fence(transaction)

    def work(statement: Statement) -> None:
        with transaction() as session:
            statements.close(session, who, statement.id, watermark=watermark)

    each(f"closing {period}", reviewed, work)


def _in_state(
    session: Session, who: Caller, period: str, state: str
) -> list[Statement]:
    found = queries.of_period(session, world=who.world, period=period)
    return [statement for statement in found if statement.state == state]


@settlement.command("list")
@click.argument("period")
@KEY
@click.pass_obj
def list_statements(database: Any, *, period: str, key: str) -> None:
    """List the statements of PERIOD with what is due."""
    month(period, "UTC")
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        with transaction() as session:
            for found in queries.of_period(session, world=who.world, period=period):
                click.echo(_told(session, found))


def _told(session: Session, statement: Statement) -> str:
    partner = session.get_one(Partner, statement.partner_id)
    due = Money(statement.totals["due_minor"], statement.currency)
    tickets = statement.totals["tickets"]
    return (
        f"{statement.id}  {statement.side:8}  {partner.ref:20}  {statement.state:8}"
        f"  {tickets:6} tickets  {due} due"
    )


@settlement.command("export")
@click.argument("statement_id", type=click.UUID)
@KEY
@click.pass_obj
def export(database: Any, *, statement_id: UUID, key: str) -> None:
    """Write a statement's lines to standard output as CSV."""
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        with transaction() as session:
            statement = queries.get_statement(
                session, statement_id, world=who.world, partner_id=None
            )
            rows = statements.rows_of(session, statement)
    click.echo(as_csv(rows, statement.form), nl=False)
