"""hub settlement draft, review, approve, close, pay: a month, by different people."""

import sys
from typing import Any
from uuid import UUID

import click
from rich.progress import Progress
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.kernel.money import Money
from partners.models import Partner
from settlement.cli.keys import AT_ONCE, KEY, each, identify, is_shown
from settlement.errors import (
    AlreadyClosedError,
    NotApprovedError,
    NotDraftedError,
    NotReviewedError,
)
from settlement.models import Statement
from settlement.queries import statements as queries
from settlement.rules.periods import month
from settlement.rules.statements import SETTLED
from settlement.services import statements
from settlement.services.drafting import draft_period, not_drafted
from settlement.services.exports import FORMS
from settlement.services.fencing import fence


@click.command("draft")
@click.argument("period")
@KEY
@click.pass_obj
def draft(database: Any, *, period: str, key: str) -> None:
    """Draft every statement of PERIOD (such as 2026-11)."""
    with database() as settings:
        who = identify(key, settings.secret_key)
        ids = _drafted(who, period)
        click.echo(f"{period}: {len(ids)} statements", err=True)


def _drafted(who: Caller, period: str) -> list[UUID]:
    """Draft a period, with a progress bar on a terminal."""
    with Progress(disable=not is_shown()) as bar:
        task = bar.add_task(f"drafting {period}", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return draft_period(transaction, who, period, at_once=AT_ONCE, on_contract=tell)


@click.command("review")
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
        left = not_drafted(session, who.world, period) if is_drafted else 0
    if left:  # a drafting that was stopped
        raise NotDraftedError(period=period, contracts=left)
    if not is_drafted:
        _drafted(who, period)
    with transaction() as session:
        drafts = _in_state(session, who, period, "draft")

    def work(statement: Statement) -> str:
        digest = statement.lines_digest.hex()
        with transaction() as session:
            done = statements.review(session, who, statement.id, lines_sha256=digest)
            return _told(session, done)

    return each(f"reviewing {period}", drafts, work)


@click.command("approve")
@click.argument("period")
@KEY
@click.pass_obj
def approve(database: Any, *, period: str, key: str) -> None:
    """Approve every reviewed statement of PERIOD; not with a key that reviewed it."""
    with database() as settings:
        approve_period(identify(key, settings.secret_key), period)


def approve_period(who: Caller, period: str) -> None:
    """Approve what has been reviewed of a period."""
    month(period, "UTC")
    with transaction() as session:
        reviewed = _in_state(session, who, period, "reviewed")
        drafts = _in_state(session, who, period, "draft")
    if drafts:
        raise NotReviewedError(
            period=period, reviewed=len(reviewed), not_reviewed=len(drafts)
        )

    def work(statement: Statement) -> None:
        with transaction() as session:
            statements.approve(session, who, statement.id)

    each(f"approving {period}", reviewed, work)


@click.command("close")
@click.argument("period")
@KEY
@click.pass_obj
def close(database: Any, *, period: str, key: str) -> None:
    """Close every approved statement of PERIOD; one that was stopped goes on."""
    with database() as settings:
        close_period(identify(key, settings.secret_key), period)


def close_period(who: Caller, period: str) -> None:
    """Close what has been approved of a period, after the fence."""
    month(period, "UTC")
    with transaction() as session:
        found = queries.of_period(session, world=who.world, period=period)
    approved = [one for one in found if one.state == "approved"]
    closed = [one for one in found if one.state in SETTLED]
    waiting = len(found) - len(approved) - len(closed)
    if closed and not approved and not waiting:
        raise AlreadyClosedError(period=period, closed=len(closed))
    if waiting or not approved:
        raise NotApprovedError(
            period=period, approved=len(approved), not_approved=waiting
        )
    watermark = fence(transaction)

    def work(statement: Statement) -> None:
        with transaction() as session:
            statements.close(session, who, statement.id, watermark=watermark)

    each(f"closing {period}", approved, work)


def _in_state(
    session: Session, who: Caller, period: str, state: str
) -> list[Statement]:
    found = queries.of_period(session, world=who.world, period=period)
    return [statement for statement in found if statement.state == state]


@click.command("list")
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


@click.command("export")
@click.argument("statement_id", type=click.UUID)
@click.option(
    "--form", type=click.Choice(sorted(FORMS)), default="csv", show_default=True
)
@KEY
@click.pass_obj
def export(database: Any, *, statement_id: UUID, form: str, key: str) -> None:
    """Write a statement to standard output: its lines, or a page of what they are."""
    with database() as settings:
        who = identify(key, settings.secret_key, scope="read")
        with transaction() as session:
            statement = queries.get_statement(
                session, statement_id, world=who.world, partner_id=None
            )
            made = FORMS[form].make(session, statement)
    sys.stdout.buffer.write(made)
